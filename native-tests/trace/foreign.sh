#!/bin/sh
# SPDX-License-Identifier: MIT
#
# foreign.sh PROGRAM OBJECT - a debugger sets a breakpoint at a function's entry, before
# it is traced and while it is. Skipped without gdb, or where it may not trace.
command -v gdb >/dev/null || {
	echo "skipped: needs package gdb"
	exit 77
}
script=$(mktemp)
trap 'rm -f "$script"' EXIT
cat >"$script" <<'TXT'
set confirm off
handle SIG64 nostop noprint pass
break stage
run
break *debugged_ip
continue
delete 2
continue
break *debugged_ip
commands 3
silent
continue
end
continue
delete 3
continue
TXT
out=$(gdb -batch -nx -x "$script" --args "$1" debugged "$2" 2>&1)
case $out in
*"Operation not permitted"*)
	echo "skipped: $out"
	exit 77
	;;
esac
printf '%s\n' "$out"
printf '%s\n' "$out" | grep -q '^done$'
