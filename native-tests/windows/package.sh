#!/bin/sh
# SPDX-License-Identifier: MIT
# package.sh PREFIX TOOLCHAIN EMULATOR VERSION: the installed package, moved elsewhere, is found when cross-compiling, and a program in C
# and one in C++ are built with it and run; a build for this system does not take it, nor one that wants another major version.
set -eu
prefix=$1 toolchain=$2 emulator=$3 version=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/moved here" "$work/program"
cp -r "$prefix/bin" "$prefix/lib" "$prefix/include" "$work/moved here/"

cat >"$work/program/CMakeLists.txt" <<'TXT'
cmake_minimum_required(VERSION 3.20)
project(program C CXX)
find_package(ftrace ${WANTED} REQUIRED)
foreach(language c cc)
    add_executable(program-${language} program.${language})
    target_link_libraries(program-${language} PRIVATE ftrace::ftrace)
endforeach()
target_link_options(program-cc PRIVATE -static)
add_custom_target(dll ALL COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_FILE:ftrace::ftrace> ${CMAKE_CURRENT_BINARY_DIR})
TXT
cat >"$work/program/program.c" <<'TXT'
#include <ftrace/ftrace.h>
#include <stdio.h>
int main(void)
{
	puts(ftrace_version());
	return ftrace_set_patch_opts(NULL);
}
TXT
cp "$work/program/program.c" "$work/program/program.cc"

configure() {
    build=$1
    shift
    cmake -S "$work/program" -B "$work/$build" -DCMAKE_PREFIX_PATH="$work/moved here" "$@" >"$work/log" 2>&1
}

configure build -DCMAKE_TOOLCHAIN_FILE="$toolchain" "-DWANTED=$version" && cmake --build "$work/build" >>"$work/log" 2>&1 ||
    { cat "$work/log"; exit 1; }
for language in c cc; do
    [ -z "$emulator" ] || [ "$("$emulator" "$work/build/program-$language.exe" | tr -d '\r')" = "$version" ] ||
        { echo "program-$language does not run"; exit 1; }
done
! configure other -DCMAKE_TOOLCHAIN_FILE="$toolchain" -DWANTED=99 || { echo "version 99 was found"; exit 1; }
! configure native "-DWANTED=$version" || { echo "a build for this system takes the package for Windows"; exit 1; }
grep -q 'for Windows' "$work/log" || { cat "$work/log"; exit 1; }
[ -n "$emulator" ] || { echo "skipped: built, but to run it needs package wine64"; exit 77; }
