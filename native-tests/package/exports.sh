#!/bin/sh
# SPDX-License-Identifier: MIT
#
# exports.sh LIBRARY MAP VERSION_PROGRAM - the library exports exactly what its
# map lists, each under the node that lists it; it has its SONAME, cannot be unloaded,
# needs no more static TLS than ftrace/ftrace.h says; and it says the header's version.
# linked.sh has what holds for the command too.
set -eu

library=$1
map=$2
version_program=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "exports.sh: $*" >&2
	exit 1
}

awk '/^[A-Z0-9_.]+ \{$/ { node = $1 }
	/^[[:space:]]+[a-z0-9_]+;/ { sub(";", "", $1); print $1 "@@" node }' "$map" | sort >"$dir/expected"
test -s "$dir/expected" || fail "no symbols in $map"
nm -D --defined-only "$library" |
	awk '$2 == "A" && $3 ~ "^FTRACE_[0-9.]+(@@FTRACE_[0-9.]+)?$" { next } { print $3 }' |
	sort >"$dir/found"
diff "$dir/expected" "$dir/found" || fail "< in the map, > exported"

readelf -dW "$library" >"$dir/dynamic"
soname=$(sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p' "$dir/dynamic")
version=$("$version_program")
test "$soname" = "libftrace.so.${version%%.*}" || fail "SONAME is $soname, version $version"
test "$(basename "$(readlink -f "$library")")" = "libftrace.so.$version" ||
	fail "$library is not of version $version"
grep -q 'FLAGS_1.*NODELETE' "$dir/dynamic" || fail "can be unloaded"
tls=$(readelf -lW "$library" | awk '$1 == "TLS" { print $6 }')
test "$((tls))" -le 352 || fail "takes $((tls)) bytes of static TLS"
echo "$(wc -l <"$dir/expected") symbols, $soname, version $version"
