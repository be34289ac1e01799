#!/bin/sh
# SPDX-License-Identifier: MIT
# programs.sh FOLDER - makes the programs that the part "programs" measures: Lua 5.4 and SQLite's speedtest1, from the sources
# that apt fetches, each as it is, with the flag that makes functions traceable, and for uftrace.
# Exit code: 0 success, 1 failed, 3 not possible on this system.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=native-tests/source.sh
. "$here/../source.sh"

# compile PROGRAM "FLAGS AND SOURCES" "LIBRARIES": in three variants
compile() {
    # shellcheck disable=SC2086 # lists of words
    for variant in plain traced uftrace; do
        case $variant in
        plain) flag= ;;
        traced) flag=-fpatchable-function-entry=5 ;;
        # Linked without -pg, which brings gprof.
        uftrace) flag="-pg -mfentry" ;;
        esac
        [ ! -x "$1-$variant" ] || continue
        mkdir -p "$1-$variant.o"
        (cd "$1-$variant.o" && "$cc" -c $flag $2) >"$1-$variant.log" 2>&1 &&
            "$cc" "$1-$variant.o"/*.o -o "$1-$variant" $3 >>"$1-$variant.log" 2>&1 ||
            failed "$1 cannot be compiled (see $PWD/$1-$variant.log)"
    done
}

name=programs
cc=${CC:-gcc}
command -v "$cc" >/dev/null || unsupported "no C compiler (package gcc)"
command -v tclsh >/dev/null || unsupported "no tclsh, which makes SQLite's source (package tcl)"
mkdir -p "$1"
build=$(cd "$1" && pwd)
cd "$build"

name=lua
fetch_source lua5.4
sources=$(find "$build/lua/src" -name '*.c' ! -name luac.c)
# shellcheck disable=SC2086,SC2116 # in one line
compile lua "-O2 -std=gnu99 -DLUA_USE_POSIX $(echo $sources)" -lm
for script in gc metatables patterns sort strings; do
    cp "$here/../lua/scripts/$script.lua" .
    echo "dofile('$script.lua')"
done >scripts.lua

# shellcheck disable=SC2034 # fetch_source takes it
name=sqlite
fetch_source sqlite3
if [ ! -e sqlite/sqlite3.c ]; then
    (cd sqlite && ./configure --disable-tcl --disable-shared && make sqlite3.c) >sqlite.log 2>&1 ||
        unsupported "SQLite's source cannot be made (see $build/sqlite.log)"
fi
compile speedtest1 "-O2 -I$build/sqlite -DSQLITE_THREADSAFE=0 $build/sqlite/sqlite3.c $build/sqlite/test/speedtest1.c" "-ldl -lm"
