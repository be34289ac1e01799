#!/bin/sh
# SPDX-License-Identifier: MIT
# How long a whole program takes that the command records, with what starts and ends the recording: against uftrace, and
# untouched.
set -eu

name=programs
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../source.sh"

usage() {
    cat <<'END'
usage: programs.sh BUILD_DIR PREFIX [--quick]

Fetches the sources of Lua 5.4 and SQLite with apt into BUILD_DIR, and compiles each as it is, with
the flag that makes functions traceable, and for uftrace. Runs Lua's scripts of the tests, and
SQLite's speedtest1, in turn: untouched, traceable but not recorded, recorded by the command ftrace
that is installed in PREFIX as a flight recorder and with all events, and by uftrace. Shows the
shortest time of each of several rounds, and how many times that of the untouched program it is.

  --quick  one round, and not SQLite

Exit code: 0 success, 1 failed, 64 wrong usage, 3 not supported on this system. CC chooses
the compiler (gcc).
END
}

quick=
take_option() {
    [ "$1" = --quick ] && quick=1
}

now_ms() {
    echo $(($(date +%s%N) / 1000000))
}

# once KEY COMMAND...: keeps the shortest time of all rounds in times/KEY
once() {
    key=$1
    shift
    begin=$(now_ms)
    "$@" >"$key.out" 2>"$key.err" || failed "$program, $key: failed (see $PWD/$key.err)"
    took=$(($(now_ms) - begin))
    read -r best 2>/dev/null <"times/$key" || best=$took
    [ "$took" -gt "$best" ] || best=$took
    echo "$best" >"times/$key"
    [ -z "$same" ] || cmp -s plain.out "$key.out" || failed "$program, $key: prints something else (see $PWD/$key.out)"
}

# show KEY TEXT
show() {
    [ -e "times/$1" ] || return 0
    awk -v text="$2" -v plain="$(cat times/plain)" -v took="$(cat "times/$1")" -v size="${3:-}" \
        'BEGIN { printf "%-36s %9.3f s  %6.2f  %s\n", text, took / 1000, took / plain, size }'
}

# lost FILE: of a recording, as a part of a line
lost() {
    ftrace report "$1" --tail 1 2>&1 | awk '/^# lost: /{ n += $3 } END { if (n) printf ", %.1f million events lost", n / 1e6 }'
}

# megabytes FILE...
megabytes() {
    du -cm "$@" 2>/dev/null | awk 'END { print $1 " MB" }'
}

# measure PROGRAM ARGUMENT...: ./PROGRAM-plain, -traced and -uftrace
measure() {
    program=$1
    shift
    rm -rf times
    mkdir times
    round=0
    while [ $round -lt "$rounds" ]; do
        round=$((round + 1))
        rm -rf flight.data* stream.data* uftrace.data*
        once plain "./$program-plain" "$@"
        once traceable "./$program-traced" "$@"
        once flight ftrace record -q -o flight.data "./$program-traced" "$@"
        once stream ftrace record -q --stream -b 16M --max-size 8G -o stream.data "./$program-traced" "$@"
        [ -s flight.data ] && [ -s stream.data ] || failed "$program: nothing was recorded"
        command -v uftrace >/dev/null || continue
        once uftrace uftrace record --no-libcall --no-event -d uftrace.data "./$program-uftrace" "$@"
        [ -d uftrace.data ] || failed "$program: uftrace recorded nothing"
    done
    echo
    echo "$program $*; $(nproc) CPUs, load $(cut -d ' ' -f 1 /proc/loadavg)"
    show plain "untouched"
    show traceable "traceable, not recorded"
    show flight "ftrace record" "$(megabytes flight.data)"
    show stream "ftrace record --stream" "$(megabytes stream.data)$(lost stream.data)"
    show uftrace "uftrace record" "$(megabytes uftrace.data/*.dat)"
    rm -rf flight.data* stream.data* uftrace.data*
}

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

take_arguments "$@"
cc=${CC:-gcc}
command -v "$cc" >/dev/null || unsupported "no C compiler (package gcc)"
prepare
[ -x "$prefix/bin/ftrace" ] || failed "no ftrace in $prefix/bin"
PATH=$prefix/bin:$PATH
rounds=3
[ -z "$quick" ] || rounds=1
command -v uftrace >/dev/null || echo "no uftrace (package uftrace): peer skipped"
cd "$build"

name=lua
fetch_source lua5.4
sources=$(ls "$build"/lua/src/*.c | grep -v '/luac\.c$')
compile lua "-O2 -std=gnu99 -DLUA_USE_POSIX $(echo $sources)" -lm
for script in gc metatables patterns sort strings; do
    cp "$here/../../lua/scripts/$script.lua" .
    echo "dofile('$script.lua')"
done >scripts.lua
same=1
measure lua scripts.lua

[ -z "$quick" ] || exit 0
command -v tclsh >/dev/null || unsupported "SQLite is not measured: no tclsh (package tcl)"
name=sqlite
fetch_source sqlite3
if [ ! -e sqlite/sqlite3.c ]; then
    (cd sqlite && ./configure --disable-tcl --disable-shared && make sqlite3.c) >sqlite.log 2>&1 ||
        unsupported "SQLite's source cannot be made (see $build/sqlite.log)"
fi
compile speedtest1 "-O2 -I$build/sqlite -DSQLITE_THREADSAFE=0 $build/sqlite/sqlite3.c $build/sqlite/test/speedtest1.c" "-ldl -lm"
same= # it prints times
measure speedtest1 --size 5 --memdb
