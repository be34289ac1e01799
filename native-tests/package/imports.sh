#!/bin/sh
# SPDX-License-Identifier: MIT
#
# imports.sh FOLDER LIBC - the functions of the C library that C# in FOLDER calls by name, which
# the linker does not see, were in libc.so.6 of glibc 2.28 too. LIBC is a later one.
set -eu

folder=$1
libc=$2
ceiling=2.28
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "imports.sh: $*" >&2
	exit 1
}

# What has moved to libc.so.6 has an older version there too, in parentheses.
objdump -T "$libc" | sed -nE 's/.* GLIBC_([0-9.]+) +([^ ]+)$/\2 \1/p' >"$dir/exports"
grep -rhE 'LibraryImport\("|DllImport\("' --include='*.cs' "$folder" >"$dir/imports"
! grep -v '("libc", EntryPoint = "' "$dir/imports" >"$dir/others" || fail "of another library, or not named: $(cat "$dir/others")"
for name in $(sed -E 's/.*EntryPoint = "([^"]+)".*/\1/' "$dir/imports" | sort -u); do
	version=$(sed -n "s/^$name //p" "$dir/exports")
	test -n "$version" || fail "$name is not in $libc"
	test "$(printf '%s\n' "$version" "$ceiling" | sort -V | tail -n 1)" = "$ceiling" || fail "$name is of glibc $version"
done
echo "$(wc -l <"$dir/imports") functions"
