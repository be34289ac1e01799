#!/bin/sh
# SPDX-License-Identifier: MIT
#
# gdb.sh PROGRAM - a debugger shows the function at whose site a thread was, and its
# caller, at each instruction of the call that ftrace_make_call_redzone() put there. Skipped without
# gdb, or where it may not trace.
command -v gdb >/dev/null || {
	echo "skipped: needs package gdb"
	exit 77
}
# The jump and the stub's; four of the library's with the function between them.
out=$(gdb -batch -nx -ex "break count" -ex "run gdb" -ex "break *site" \
	-ex "echo [count]\n" -ex bt \
	-ex finish -ex "echo [back]\n" -ex bt -ex stepi -ex "echo [leave]\n" -ex bt \
	-ex stepi -ex "echo [site]\n" -ex bt "$1" 2>&1)
case $out in
*"Operation not permitted"*)
	echo "skipped: $out"
	exit 77
	;;
esac
for place in count back leave site; do
	order=$(printf '%s\n' "$out" | sed -n "/^\[$place\]/,/^#[0-9]* .*main (/p" |
		sed -n 's/^#[0-9]* .*\(count\|leaf\|main\) (.*/\1/p' | tr '\n' ' ')
	expected="leaf leaf main "
	[ $place = count ] && expected="count $expected"
	[ "$order" = "$expected" ] || {
		echo "gdb.sh: at $place the frames are: $order"
		printf '%s\n' "$out"
		exit 1
	}
done
