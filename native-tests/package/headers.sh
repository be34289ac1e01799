#!/bin/sh
# SPDX-License-Identifier: MIT
#
# headers.sh INCLUDE COMPILER... - the public headers compile alone, all
# together, and together in the reverse order, as C11 and as C++17, with the
# inline gate and without, and warnings are errors. A compiler takes C or C++ by
# option, so one name per vendor is enough. One that is not installed is left out, and
# the test then counts as skipped, with its package.
set -eu

include=$1
shift
headers=$(cd "$include" && ls ftrace/*.h | grep -v -e '-inline\.h$')
reversed=$(echo "$headers" | sort -r)
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wundef -Wconversion -Werror"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# compile FILE: what it includes, as every language, with every compiler
compile() {
	for language in c:c11 c++:c++17; do
		for define in "" -DFTRACE_NO_INLINE; do
			# shellcheck disable=SC2086
			"$compiler" -x "${language%%:*}" -std="${language#*:}" $warnings $define -O2 \
				-I"$include" -c "$1" -o "$dir/out.o"
		done
	done
}

missing=
for compiler in "$@"; do
	command -v "$compiler" >/dev/null || {
		missing="$missing ${compiler##*/}"
		continue
	}
	for header in $headers; do
		# Twice: the guard works.
		printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$dir/alone.c"
		echo "extern int ftrace_headers_test; int ftrace_headers_test;" >>"$dir/alone.c"
		compile "$dir/alone.c"
	done
	for order in "$headers" "$reversed"; do
		for header in $order; do
			echo "#include <$header>"
		done >"$dir/together.c"
		echo "int use(void); int use(void) { ftrace_nmi_enter(); ftrace_nmi_exit();" \
			"return ftrace_version()[0]; }" >>"$dir/together.c"
		compile "$dir/together.c"
	done
	echo "$compiler: $(echo "$headers" | wc -l) headers"
done
test -z "$missing" || {
	echo "skipped: needs package$missing"
	exit 77
}
