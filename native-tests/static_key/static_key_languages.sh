#!/bin/sh
# SPDX-License-Identifier: MIT
#
# static_key_languages.sh SOURCE INCLUDE LIBRARY COMPILER... - static_key_languages.c
# as C11 and C++17, with and without optimization, as a program that is
# position-independent or not and as a shared object, with and without the linker's
# removal of what is not used; warnings are errors. Each runs. One that is not
# installed is left out, and the test then counts as skipped, with its package.
set -eu

source=$1
include=$2
library=$3
shift 3
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wundef -Wconversion -Werror"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cat >"$dir/main.c" <<'TXT'
int check(void);
int main(void) { return check() & 255; }
TXT

fail() {
	echo "static_key_languages.sh: $*" >&2
	exit 1
}

entries() {
	readelf -SW "$1" | sed -n 's/.* ftrace_jump_table  *PROGBITS  *[0-9a-f]*  *[0-9a-f]*  *\([0-9a-f]*\) .*/\1/p'
}

# build LANGUAGE STANDARD OPTIONS...: the two objects
build() {
	flags="-x $1 -std=$2 $warnings -I$include"
	shift 2
	"$compiler" $flags "$@" -c "$source" -o "$dir/first.o"
	"$compiler" $flags "$@" -DSECOND -c "$source" -o "$dir/second.o"
}

link() {
	"$compiler" "$@" "$library" -Wl,-rpath,"$(dirname "$library")"
}

run() {
	status=0
	"$dir/program" || status=$?
	test $status -eq 0 || fail "$compiler $*: line $status (of 256 more) of $source"
	runs=$((runs + 1))
}

runs=0
tried=0
missing=
for compiler in "$@"; do
	command -v "$compiler" >/dev/null || {
		missing="$missing ${compiler##*/}"
		continue
	}
	tried=$((tried + 1))
	for language in c:c11 c++:c++17; do
		for optimize in -O0 -O2; do
			set -- "${language%%:*}" "${language#*:}" "$optimize"
			build "$@" -fPIE -ffunction-sections
			link -pie "$dir/first.o" "$dir/second.o" -o "$dir/program"
			run "$@" -pie
			all=$(entries "$dir/program")
			link -pie -Wl,--gc-sections "$dir/first.o" "$dir/second.o" -o "$dir/program"
			run "$@" -pie -Wl,--gc-sections
			kept=$(entries "$dir/program")
			test $((0x$all - 0x$kept)) -eq 48 || fail "$compiler $*: of 0x$all bytes 0x$kept are left, not 4 entries less"
			build "$@" -fno-pie
			link -no-pie "$dir/first.o" "$dir/second.o" -o "$dir/program"
			run "$@" -no-pie
			build "$@" -fPIC -DSHARED -fcf-protection
			link -shared "$dir/first.o" "$dir/second.o" -o "$dir/shared.so"
			! readelf -rW "$dir/shared.so" | grep -q ftrace_jump_table || fail "relocations"
			"$compiler" -x c "$dir/main.c" -x none "$dir/shared.so" -Wl,-rpath,"$dir" \
				-Wl,-rpath,"$(dirname "$library")" -o "$dir/program"
			run "$@" -shared
		done
	done
done
echo "$runs programs by $tried compilers"
test -z "$missing" || {
	echo "skipped: needs package$missing"
	exit 77
}
