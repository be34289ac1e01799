#!/bin/sh
# SPDX-License-Identifier: MIT
#
# gdb.sh PROGRAM - a debugger that stops in a handler shows the handler, the traced
# function and its caller. Skipped without gdb, or where it may not trace.
command -v gdb >/dev/null || {
	echo "skipped: needs package gdb"
	exit 77
}
out=$(gdb -batch -nx -ex "break in_the_handler" -ex run -ex bt "$1" 2>&1)
case $out in
*"Operation not permitted"*)
	echo "skipped: $out"
	exit 77
	;;
esac
order=$(printf '%s\n' "$out" | sed -n 's/^#[0-9]* .*\(in_the_handler\|[ :]handler\|traced_function\|its_caller\|main\) (.*/\1/p' |
	sed 's/^[ :]*//' | head -n 4 | tr '\n' ' ')
[ "$order" = "in_the_handler handler traced_function its_caller " ] && exit 0
echo "gdb.sh: the frames are: $order"
printf '%s\n' "$out"
exit 1
