#!/bin/sh
# SPDX-License-Identifier: MIT
#
# stubs.sh CC SYMBOLS FOLDER - makes an empty library for each one that SYMBOLS names, with
# the symbols and versions listed there. Before glibc on the link line, they determine which
# library and version of a symbol the linked file needs; nothing of them is in that file.
set -eu

cc=$1
list=$2
folder=$3
mkdir -p "$folder"
for soname in $(sed '/^#/d; s/ .*//' "$list" | sort -u); do
	grep "^$soname " "$list" | while read -r _ version symbols; do
		for symbol in $symbols; do
			echo "void $symbol(void) {} __asm__(\".symver $symbol, $symbol@@@$version\");"
		done
	done >"$folder/stub.c"
	sed -nE "s/^$soname ([^ ]+) .*/\1 {};/p" "$list" | sort -u >"$folder/stub.map"
	"$cc" -w -fno-builtin -shared -nostdlib -fPIC -Wl,-soname,"$soname" \
		-Wl,--version-script="$folder/stub.map" "$folder/stub.c" -o "$folder/$soname"
done
rm "$folder/stub.c" "$folder/stub.map"
