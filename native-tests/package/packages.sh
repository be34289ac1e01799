#!/bin/sh
# SPDX-License-Identifier: MIT
#
# packages.sh BUILD SOURCE CMAKE CC - makes the packages, and looks at them without
# installing them: each has the files that contents.txt lists, and no others; lintian
# finds neither errors nor warnings; a C program is built against what they contain in
# each way that docs/packages.md names, and recorded by the command; gdb finds the
# debug symbols; and no path of the build is in any file.
set -eu

build=$1
source=$2
cmake=$3
cc=$4
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
unset FTRACE_LIBRARY LD_LIBRARY_PATH PKG_CONFIG_PATH
missing=

fail() {
	echo "packages.sh: $*" >&2
	exit 1
}

for tool in dpkg-deb:dpkg dh:debhelper eu-unstrip:elfutils; do
	command -v "${tool%:*}" >/dev/null || {
		echo "skipped: needs package ${tool#*:}"
		exit 77
	}
done
# What is tested does not depend on how well it is compressed.
DPKG_DEB_COMPRESSOR_TYPE=gzip DPKG_DEB_COMPRESSOR_LEVEL=1 "$source/cmake/packages/package.sh" "$build" "$dir/packages" >"$dir/list"
test "$(wc -l <"$dir/list")" = 6 || fail "not six packages: $(cat "$dir/list")"

# The files of each package.
for package in "$dir"/packages/*.deb; do
	name=$(dpkg-deb -f "$package" Package)
	dpkg-deb --fsys-tarfile "$package" | tar t | sed -n 's|^\./\(.*[^/]\)$|\1|p' >"$dir/files"
	awk -v name="$name" '$1 == name { print $NF, NF }' "$here/contents.txt" >"$dir/patterns"
	test -s "$dir/patterns" || fail "contents.txt lists nothing for $name"
	: >"$dir/allowed"
	while read -r pattern fields; do
		expression=$(echo "$pattern" | sed -e 's/\./\\./g' -e 's/\*/[^\/]*/g')
		echo "^$expression\$" >>"$dir/allowed"
		grep -q "^$expression\$" "$dir/files" || test "$fields" = 3 || fail "$name has no $pattern"
	done <"$dir/patterns"
	! grep -v -f "$dir/allowed" "$dir/files" || fail "contents.txt does not list these files of $name"
	# A time of the source or of the build would make other bytes elsewhere.
	dpkg-deb --fsys-tarfile "$package" | TZ=UTC tar tv --full-time | awk '{ print $4, $5 }' | sort -u >"$dir/times"
	test "$(wc -l <"$dir/times")" = 1 || fail "files of $name have several times: $(paste -sd ' ' "$dir/times")"
	dpkg-deb -x "$package" "$dir/root"
done
test "$(dpkg-deb -f "$dir"/packages/libftrace1_*.deb Depends)" = "libc6 (>= 2.28)" ||
	fail "libftrace1 depends on $(dpkg-deb -f "$dir"/packages/libftrace1_*.deb Depends)"
dpkg-deb -I "$dir"/packages/libftrace1_*.deb triggers | grep -q '^activate-noawait ldconfig$' ||
	fail "libftrace1 does not call ldconfig"
echo "contents: $(find "$dir/root" ! -type d | wc -l) files"

if command -v lintian >/dev/null; then
	# It formats each manual page, which takes long. upgrade.sh has it look at everything.
	lintian --allow-root --fail-on error,warning -X documentation/manual \
		"$dir"/packages/libftrace1*.deb "$dir"/packages/libftrace-tools*.deb || fail "lintian complains"
	echo "lintian: no error, no warning"
else
	missing="$missing lintian"
fi

# No path of the build, also not in compressed files and sections.
paths=
for path in "$source" "$build"; do
	paths="$paths|(^|[^[:alnum:]_.-])$(echo "$path" | sed 's/[][().*+?{}^$|\\]/\\&/g')([^[:alnum:]_.-]|\$)"
done
paths="/\.nuget/$paths"
tar xzf "$dir"/packages/*.tar.gz -C "$dir"
find "$dir/root" "$dir"/ftrace-* -type f >"$dir/files"
while read -r file; do
	case $file in
	*.gz) gzip -cd "$file" ;;
	*.debug) objcopy --decompress-debug-sections "$file" "$dir/plain" && cat "$dir/plain" ;;
	*) cat "$file" ;;
	esac >"$dir/bytes"
	! LC_ALL=C grep -aqE "$paths" "$dir/bytes" ||
		fail "${file#"$dir"/} has a path of the build: $(strings "$dir/bytes" | grep -m 1 -E "$paths")"
done <"$dir/files"
echo "paths: none of the build"


cp "$here/user/program.c" "$here/user/CMakeLists.txt" "$dir"

# build_programs PREFIX LIBDIR SYSROOT: plainly, with CMake, and with pkg-config
build_programs() {
	(
		cd "$dir"
		rm -rf cmake plain by-pkg-config
		flags="-O2 -fpatchable-function-entry=5"
		# shellcheck disable=SC2086
		"$cc" $flags program.c -o plain -I"$1/include" -L"$2" -lftrace
		LD_LIBRARY_PATH=$2 ./plain || fail "the program does not work"
		"$cmake" -S . -B cmake -DCMAKE_PREFIX_PATH="$1" -DCMAKE_C_COMPILER="$cc" >log || fail "CMake: $(cat log)"
		"$cmake" --build cmake >log || fail "CMake: $(cat log)"
		cmake/program || fail "the program of CMake does not work"
		test "$(readelf -d cmake/program | sed -n 's/.*R.*PATH.*\[\(.*\)\]/\1/p')" = "$2" ||
			fail "CMake found another library"
		command -v pkg-config >/dev/null || exit 0
		export PKG_CONFIG_LIBDIR="$2/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$3"
		# shellcheck disable=SC2046,SC2086
		"$cc" $flags program.c -o by-pkg-config $(pkg-config --cflags --libs ftrace)
		LD_LIBRARY_PATH=$2 ./by-pkg-config || fail "the program of pkg-config does not work"
	)
}
command -v pkg-config >/dev/null || missing="$missing pkg-config"
prefix=$dir/root/usr
libdir=$prefix/lib/x86_64-linux-gnu
build_programs "$prefix" "$libdir" "$dir/root"
LD_LIBRARY_PATH=$libdir "$prefix/bin/ftrace" record -o "$dir/data" "$dir/plain" >"$dir/log" 2>&1 || fail "$(cat "$dir/log")"
LD_LIBRARY_PATH=$libdir "$prefix/bin/ftrace" report "$dir/data" | grep -q 'parse()' || fail "the command recorded no call"
echo "packages: a program is built and recorded"

mv "$dir"/ftrace-*-linux-x86_64 "$dir/moved"
build_programs "$dir/moved" "$dir/moved/lib" ""
"$dir/moved/bin/ftrace" record -o "$dir/data" "$dir/plain" >"$dir/log" 2>&1 || fail "$(cat "$dir/log")"
echo "archive: a program is built and recorded"

# line_of OBJECT FUNCTION SOURCE: gdb tells where the function is in the source, by the debug symbols of the package
line_of() {
	gdb -nx -batch -iex "set debug-file-directory $prefix/lib/debug" -ex "info line $2" "$1" >"$dir/log" 2>&1
	grep -qF "of \"./$3\" starts at" "$dir/log" || fail "gdb: $2: $(cat "$dir/log")"
}
if command -v gdb >/dev/null; then
	line_of "$libdir/libftrace.so.1" ftrace_set_filter lib/Native/entry.c
	line_of "$libdir/libftrace.so.1" libftrace_Ftrace_Patch_Patcher__Patch lib/Patch/Patcher.cs
	line_of "$prefix/bin/ftrace" ftrace_Ftrace_Tool_Commands_RecordCommand__Run tool/Commands/RecordCommand.cs
	echo "gdb: knows the lines of library and command"
else
	missing="$missing gdb"
fi
test -z "$missing" || {
	echo "skipped: needs package$missing"
	exit 77
}
