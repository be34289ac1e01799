#!/bin/sh
# SPDX-License-Identifier: MIT
# gcov.sh CASE FTRACE LIBRARY OUT GCC - the calls of each function that a recording has are those that gcov counts, in the same
# run of the same build. CASE: small, a program of a few functions; zlib, sqlite and lua, with the sources from apt.
set -eu

case=$1
ftrace=$2
export FTRACE_LIBRARY="$3"
out=$4
gcc=$5
name=$case
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../source.sh
. "$here/../source.sh"

unsupported() {
    echo "skipped: $1"
    exit 77
}

command -v "$gcc" >/dev/null || unsupported "needs package gcc"
command -v python3 >/dev/null || unsupported "needs package python3"
gcov=$(dirname "$(command -v "$gcc")")/$(basename "$gcc" | sed 's/gcc/gcov/')
[ -x "$gcov" ] || unsupported "needs gcov, which is in the package of $gcc"

# Nothing is inlined, so a call is a call.
flags="-g -O0 -w --coverage -fpatchable-function-entry=5"
runs=0

# same: what stat says of ftrace.data, and what gcov says
same() {
    "$ftrace" stat "$1" --format csv >stat.csv
    python3 "$here/gcov.py" compare stat.csv counts.json
}

# run PROGRAM ARGUMENT...: false if the stream could not be written so fast as it came. Without the constructors of the compiler's
# own that --coverage brings.
run() {
    rm -f ftrace.data* ./*.gcda
    "$ftrace" record --stream -b 64M -n '_sub_[ID]_00100_*' -o ftrace.data "$@" >run.txt 2>record.txt || {
        cat record.txt
        failed "$* has failed"
    }
    ! grep 'events lost' record.txt
}

# counted PROGRAM ARGUMENT...: its objects are in the working directory. What fits into the buffer, 2 million calls, cannot be lost.
counted() {
    echo "$*:" | cut -c 1-100
    for try in 1 2 3; do
        if run "$@"; then
            "$gcov" --json-format --stdout ./*.gcda >counts.json 2>gcov.txt || failed "gcov: $(cat gcov.txt)"
            same ftrace.data || failed "the counts differ"
            runs=$((runs + 1))
            return 0
        fi
        echo "try $try: not compared, events are lost: the machine is too busy"
    done
}

# control: one call less, and it is noticed
control() {
    python3 "$here/gcov.py" drop ftrace.data one-less.data || failed "no control"
    if same one-less.data >control.txt; then
        failed "a call is missing, and that was not noticed"
    fi
    grep 'gcov counts' control.txt
    [ "$(grep -c 'gcov counts' control.txt)" = 1 ] || failed "the control has changed more than one function"
    echo "control: noticed"
}

rm -rf "$out/objects"
mkdir -p "$out/objects"
build=$(cd "$out" && pwd)
cd "$build/objects"
case $case in
small)
    # shellcheck disable=SC2086 # a list of words
    "$gcc" $flags -o counted "$here/counted.c"
    counted ./counted 0
    counted ./counted 7
    counted ./counted 300
    ;;
zlib)
    fetch_source zlib
    for source in "$build"/zlib/*.c "$build"/zlib/test/example.c "$build"/zlib/test/minigzip.c; do
        # shellcheck disable=SC2086
        "$gcc" $flags -D_LARGEFILE64_SOURCE=1 -DHAVE_UNISTD_H -I"$build/zlib" -c "$source"
    done
    # Not of the library: the two programs.
    library=$(ls ./*.o | grep -vxE './(example|minigzip).o')
    # shellcheck disable=SC2086
    "$gcc" --coverage -o example example.o $library
    # shellcheck disable=SC2086
    "$gcc" --coverage -o minigzip minigzip.o $library
    counted ./example example.gz
    cat "$build"/zlib/*.h >text
    for level in 1 6 9; do
        cp text copy
        counted ./minigzip -$level copy
        counted ./minigzip -d copy.gz
        cmp text copy || failed "minigzip does not work"
    done
    ;;
lua)
    fetch_source lua5.4
    # gcov counts wrong in functions with computed jumps.
    for source in "$build"/lua/src/*.c; do
        [ "${source##*/}" != luac.c ] || continue
        # shellcheck disable=SC2086
        "$gcc" $flags -std=gnu99 -DLUA_USE_POSIX -DLUA_USE_JUMPTABLE=0 -c "$source"
    done
    "$gcc" --coverage -o lua ./*.o -lm
    for script in "$here"/../lua/scripts/*.lua; do
        [ "${script##*/}" != compute.lua ] || continue # 60 million calls are too many for a file
        counted ./lua "$script"
    done
    ;;
sqlite)
    command -v tclsh >/dev/null || unsupported "needs package tcl"
    fetch_source sqlite3
    # One file of all, which a script of theirs makes.
    [ -f "$build/made/sqlite3.c" ] || (
        rm -rf "$build/made"
        mkdir "$build/made"
        cd "$build/made"
        "$build/sqlite/configure" --disable-tcl --disable-readline >"$build/made.log" 2>&1 &&
            make -s sqlite3.c >>"$build/made.log" 2>&1
    ) || failed "sqlite3.c cannot be made (see $build/made.log)"
    # shellcheck disable=SC2086
    "$gcc" $flags -I"$build/made" -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -o speedtest1 \
        "$build/made/sqlite3.c" "$build/sqlite/test/speedtest1.c" -lm
    for test in main orm fp; do
        counted ./speedtest1 --size 1 --testset $test
    done
    ;;
*) failed "no such case" ;;
esac
[ $runs -gt 0 ] || failed "nothing was compared"
control
echo "$case: $runs runs, all counts equal"
