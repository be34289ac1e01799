#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debugged.sh PROGRAM TOOL - what comes of changing text under a debugger.
set -eu

program=$1
tool=$2

case $tool in
none)
	set -- "$program" breakpoint
	expected="default: stop
breakpoint: 0"
	;;
gdb)
	# It cannot tell the traps of the program from its own: told to pass them on, it passes all of them.
	set -- gdb -q -nx -batch -ex 'handle SIG64 nostop noprint pass' -ex run --args "$program" breakpoint
	expected="default: stop
breakpoint: -95"
	;;
strace)
	set -- strace -f -o /dev/null "$program" breakpoint
	expected="default: stop
breakpoint: -95"
	;;
valgrind)
	# It executes translations of what the text was: -EOPNOTSUPP.
	set -- valgrind -q "$program" breakpoint
	expected="default: stop
breakpoint: -95"
	;;
esac

if ! command -v "$1" >/dev/null; then
	echo "skipped: needs package $1" >&2
	exit 77
fi
output=$("$@" 2>&1) || {
	echo "$output" >&2
	# No process may be traced here.
	case $output in
	*ptrace*"not permitted"*)
		echo "skipped: ptrace(2) is denied" >&2
		exit 77
		;;
	esac
	exit 1
}
found=$(echo "$output" | grep -E '^(default|breakpoint|done)') || true
if [ "$found" != "$expected
done" ]; then
	echo "$tool: expected:" >&2
	echo "$expected" >&2
	echo "got:" >&2
	echo "$output" >&2
	exit 1
fi
