#!/bin/sh
# SPDX-License-Identifier: MIT
#
# xray.sh SOURCE INCLUDE LIBRARY CLANG - builds the program with XRay's runtime, and runs it.
# Skipped without Clang, or without that runtime.
set -eu

source=$1
include=$2
library=$3
clang=$4
command -v "$clang" >/dev/null || {
	echo "skipped: needs package ${clang##*/}"
	exit 77
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
echo "int main(void) { return 0; }" >"$dir/empty.c"
"$clang" -fxray-instrument "$dir/empty.c" -o "$dir/empty" 2>/dev/null || {
	echo "skipped: needs package libclang-rt-19-dev"
	exit 77
}
"$clang" -std=gnu11 -O2 -Wall -Wextra -Werror -fxray-instrument -I"$include" "$source" -o "$dir/program" \
	"$library" -Wl,-rpath,"$(dirname "$library")"
"$dir/program"
