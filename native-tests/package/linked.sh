#!/bin/sh
# SPDX-License-Identifier: MIT
#
# linked.sh FILE... - what library and command must be as ELF files: they need nothing above
# glibc 2.28, and no other library; their relocations are read-only once they are loaded; they
# have no text relocations, no executable stack, and no segment that is writable and executable;
# and they do not claim to support CET, for which the machine code of the C# compiler has not the
# instructions.
set -eu

ceiling=2.28
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "linked.sh: $(basename "$file"): $*" >&2
	exit 1
}

for file in "$@"; do
	objdump -p "$file" >"$dir/private"
	readelf -dW "$file" >"$dir/dynamic"
	readelf -lW "$file" >"$dir/segments"
	readelf -nW "$file" >"$dir/notes"

	# The lines after "Version References:": "required from LIBRARY:", and one for each version.
	awk '/^Version References:/ { inside = 1; next } /^[A-Z]/ { inside = 0 } inside' "$dir/private" >"$dir/needs"
	grep -q GLIBC_ "$dir/needs" || fail "no versions found"
	for version in $(awk '!/required from/ { print $NF }' "$dir/needs" | sort -u); do
		number=${version#GLIBC_}
		test "$(printf '%s\n' "$number" "$ceiling" | sort -V | tail -n 1)" = "$ceiling" ||
			fail "needs $version: $(objdump -T "$file" | awk -v v="$version" '$0 ~ v { print $NF }' | paste -sd ' ')"
	done
	for library in $(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$dir/dynamic"); do
		case $library in
		libc.so.6 | libm.so.6 | libdl.so.2 | libpthread.so.0 | ld-linux-x86-64.so.2) ;;
		*) fail "needs $library" ;;
		esac
	done
	! grep -qE '\((RPATH|RUNPATH)\)' "$dir/dynamic" || fail "has a path of libraries"
	! grep -q '(RELR)' "$dir/dynamic" || fail "has packed relocations, which glibc 2.36 was the first to know"

	grep -q GNU_RELRO "$dir/segments" || fail "has no segment that becomes read-only"
	grep -q 'FLAGS.*NOW' "$dir/dynamic" || fail "binds lazily"
	! grep -q TEXTREL "$dir/dynamic" || fail "has text relocations"
	grep -q 'GNU_STACK.* RW ' "$dir/segments" || fail "has an executable stack, or does not say"
	! grep -q 'LOAD .* RWE ' "$dir/segments" || fail "has a segment that is writable and executable"
	! grep -qE 'IBT|SHSTK' "$dir/notes" || fail "claims to support CET"
	echo "$(basename "$file"): $(awk '!/required from/ { print $NF }' "$dir/needs" | sort -V | tail -n 1) at most"
done
