#!/bin/sh
# SPDX-License-Identifier: MIT
#
# package.sh BUILD_DIR CMAKE CC README - installs to a temporary prefix, and
# builds and runs a C program in an empty folder, with pkg-config and with
# find_package(). The program is the first C example of the README, as printed,
# and must end with 0. Without pkg-config that half is left out, and the test then
# counts as skipped. documents.sh has the other examples.
set -eu

build=$1
cmake=$2
cc=$3
readme=$4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
prefix=$dir/prefix

"$cmake" --install "$build" --prefix "$prefix" >"$dir/install.log" || {
	cat "$dir/install.log"
	exit 1
}
for file in lib/libftrace.so lib/pkgconfig/ftrace.pc lib/cmake/ftrace/ftrace-config.cmake \
	lib/ftrace/x86_64/libftrace.so.1 include/ftrace/ftrace.h \
	share/man/man1/ftrace-record.1 share/man/man3/ftrace_register_function.3 share/man/man7/ftrace.7 \
	share/doc/libftrace/html/index.html share/bash-completion/completions/ftrace \
	share/zsh/site-functions/_ftrace share/fish/vendor_completions.d/ftrace.fish; do
	test -f "$prefix/$file" || {
		echo "package.sh: $file is not installed" >&2
		exit 1
	}
done

awk '/^```c$/ { inside = 1; next } inside && /^```$/ { exit } inside' "$readme" >"$dir/program.c"
test -s "$dir/program.c" || {
	echo "package.sh: no \`\`\`c block in $readme" >&2
	exit 1
}
# The README says how to build it; it must compile with warnings, too.
warnings="-Wall -Wextra -Werror"

missing=pkg-config
if command -v pkg-config >/dev/null; then
	missing=
	mkdir "$dir/pkg-config"
	cp "$dir/program.c" "$dir/pkg-config"
	cd "$dir/pkg-config"
	export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
	version=$(pkg-config --modversion ftrace)
	# shellcheck disable=SC2046,SC2086
	"$cc" -O2 $warnings program.c -o program $(pkg-config --cflags --libs ftrace)
	LD_LIBRARY_PATH=$prefix/lib ./program
	echo "pkg-config: ftrace $version"
fi

mkdir "$dir/find_package"
cp "$dir/program.c" "$dir/find_package"
cd "$dir/find_package"
cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(program C)
find_package(ftrace 1.1 REQUIRED)
add_executable(program program.c)
target_compile_options(program PRIVATE -Wall -Wextra -Werror)
target_link_libraries(program ftrace::ftrace)
END
"$cmake" -S . -B build -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" >"$dir/log" &&
	"$cmake" --build build >>"$dir/log" || {
	cat "$dir/log"
	exit 1
}
build/program
echo "find_package: works"
test -z "$missing" || {
	echo "skipped: needs package $missing"
	exit 77
}
