#!/bin/sh
# SPDX-License-Identifier: MIT
#
# marks_languages.sh SOURCE INCLUDE LIBRARY COMPILER... - a program with marks, in C and C++, optimized or not,
# position-independent or not: it is linked with nothing, runs without the library, and with it, preloaded,
# its marks are recorded. With FTRACE_NO_INLINE, as without asm goto, the marks are calls.
set -eu

source=$1
include=$2
library=$3
shift 3
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wundef -Wconversion -Werror"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "marks_languages.sh: $*" >&2
	exit 1
}

# Of a unit there are 15 bytes in a row.
recorded() {
	rm -f "$dir/data"
	env "$@" FTRACE_RECORD="$dir/data" "$dir/program" || fail "does not run recorded"
	grep -aq 'a mark of a pro' "$dir/data"
}

missing=
runs=0
for compiler in "$@"; do
	command -v "$compiler" >/dev/null || {
		missing="$missing ${compiler##*/}"
		continue
	}
	for language in c:c11 c++:c++17; do
		for options in "-O0 -pie -fPIE" "-O2 -pie -fPIE" "-O3 -flto -pie -fPIE" "-O2 -no-pie -fno-pie"; do
			case "$compiler $options" in
			*clang*-flto*) continue ;; # needs its own linker
			esac
			"$compiler" -x ${language%%:*} -std=${language#*:} $warnings -I"$include" $options "$source" -o "$dir/program"
			"$dir/program" || fail "$compiler $language $options: does not run without the library"
			recorded LD_PRELOAD="$library" || fail "$compiler $language $options: no mark in the file"
			runs=$((runs + 1))
		done
	done
	"$compiler" -std=gnu11 $warnings -I"$include" -DFTRACE_NO_INLINE -O2 "$source" "$library" \
		-Wl,-rpath,"$(dirname "$library")" -o "$dir/program" 2>"$dir/errors" || fail "$compiler with calls: $(cat "$dir/errors")"
	recorded || fail "$compiler with calls: no mark in the file"
done
echo "$runs programs"
test -z "$missing" || {
	echo "skipped: needs package$missing"
	exit 77
}
