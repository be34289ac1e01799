#!/bin/sh
# SPDX-License-Identifier: MIT
#
# abi.sh INCLUDE MAP VERSION SONAME CC [LIBRARY] - the ABI of the public headers and the symbol
# map is compatible with that of each released version, and the same as the one that is kept for
# VERSION, its MAJOR.MINOR; LIBRARY exports the same symbols. The descriptions are libabigail's,
# in the folder of this script: libftrace-MAJOR.MINOR.abi. With --update in place of LIBRARY,
# writes that of VERSION.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
include=$1
map=$2
version=$3
soname=$4
cc=$5
library=${6-}
kept=$folder/libftrace-$version.abi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "abi.sh: $*" >&2
	exit 1
}

for tool in abidw abidiff; do
	command -v "$tool" >/dev/null || {
		echo "skipped: needs package abigail-tools"
		exit 77
	}
done

"$folder/shim.sh" "$include" "$map" "$soname" "$cc" "$dir/$soname"
abidw --load-all-types --no-corpus-path --no-comp-dir-path --no-show-locs --type-id-style hash "$dir/$soname" >"$dir/abi"
if [ "$library" = --update ]; then
	cp "$dir/abi" "$kept"
	exit 0
fi

versions=
for released in "$folder"/libftrace-*.abi; do
	name=$(basename "$released" .abi)
	status=0
	abidiff --no-added-syms --non-reachable-types "$released" "$dir/abi" >"$dir/report" 2>&1 || status=$?
	test $((status & 3)) = 0 && awk -f "$folder/growth.awk" "$dir/report" || {
		cat "$dir/report" >&2
		fail "this breaks programs that were compiled for $name"
	}
	versions="$versions ${name#*-}"
done

# symbols FILE: names and versions of what it exports, and the sizes of variables
symbols() {
	nm -DS --defined-only "$1" | awk '$3 ~ /[TW]/ { print $4; next } $3 { print $4, $2 }' | sort
}
if [ -n "$library" ]; then
	symbols "$library" >"$dir/library"
	symbols "$dir/$soname" >"$dir/headers"
	diff "$dir/library" "$dir/headers" || fail "< exported, > in a header"
fi

test -e "$kept" || fail "no description of $version; make it: $0 $1 $2 $3 $4 $5 --update"
abidiff --harmless --non-reachable-types "$kept" "$dir/abi" >"$dir/report" 2>&1 || {
	cat "$dir/report" >&2
	fail "the ABI is not the one that is kept for $version. If that is intended: only additions are compatible;" \
		"then $0 $1 $2 $3 $4 $5 --update"
}
echo "compatible with$versions; $(grep -c '<elf-symbol ' "$kept") symbols"
