#!/bin/sh
# SPDX-License-Identifier: MIT
#
# again.sh TIMES HAMMER OPTION... - runs the hammer again and again: what happens
# once in a process, as the first change of what a compiler left, is rare in one
# long run.
set -eu

times=$1
shift
while [ "$times" -gt 0 ]; do
	out=$("$@" 2>&1) || {
		echo "$out"
		exit 1
	}
	times=$((times - 1))
done
