#!/bin/sh
# SPDX-License-Identifier: MIT
#
# again.sh TIMES PROGRAM OPTION... - runs the hammer, or a test, again and again: what
# happens once in a process, as the first change of what a compiler left, is rare in
# one long run.
set -eu

times=$1
shift
while [ "$times" -gt 0 ]; do
	code=0
	out=$("$@" 2>&1) || code=$?
	[ $code = 0 ] || {
		echo "$out"
		[ $code != 3 ] && [ $code != 77 ] || exit 77
		exit 1
	}
	times=$((times - 1))
done
