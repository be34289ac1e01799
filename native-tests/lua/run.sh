#!/bin/sh
# SPDX-License-Identifier: MIT
# Lua 5.4, unmodified, with all of its functions patched while it runs, must compute the same as an ordinary
# build.
set -eu

name=lua
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../source.sh"

rounds=6
limit=300 # seconds; a run takes a few

usage() {
    cat <<'END'
usage: run.sh BUILD_DIR PREFIX [--ops] [--method stop|breakpoint|auto]

Fetches the source of Lua 5.4 with apt into BUILD_DIR. Builds it twice, unmodified, and
with patchable function entries and the libftrace that is installed in PREFIX. Runs the
same scripts with both builds, and compares the output. Without --method the patched
build runs twice, with the stop and with the breakpoint method. With --ops a handler
counts the calls of functions, and its filter changes ten times a second.

Exit code: 0 identical, 1 different or failed, 64 wrong usage, 3 not supported on this
system. CC chooses the compiler (gcc).
END
}

# build_variant NAME LUA_FLAGS DRIVER_FLAGS DRIVER_SOURCES LINK_FLAGS
build_variant() {
    dir=$build/$1
    rm -rf "$dir"
    mkdir -p "$dir/obj"
    sources=
    for source in "$build"/lua/src/*.c; do
        case ${source##*/} in
        lua.c | luac.c) ;; # the driver takes the place of these two programs
        *) sources="$sources $source" ;;
        esac
    done
    # shellcheck disable=SC2086 # lists of words
    (cd "$dir/obj" &&
        $cc -c -O2 -std=gnu99 -DLUA_USE_POSIX $2 $sources &&
        cd "$here" &&
        $cc -O2 -std=gnu11 -Wall -Wextra -Werror -isystem "$build/lua/src" $3 $4 "$dir"/obj/*.o \
            -o "$dir/lua" -pthread $5 -lm)
}

build_all() {
    build_variant plain "" "" "driver.c" "" >"$build/plain.log" 2>&1 &
    plain=$!
    # Without alignment some entries lie across cache lines, where a change is not one store.
    build_variant patched "-fpatchable-function-entry=5 -fno-align-functions" \
        "-DWITH_FTRACE -I$prefix/include" "driver.c toggle.c ops.c count-call.S" \
        "-L$prefix/lib -Wl,-rpath,$prefix/lib -lftrace" >"$build/patched.log" 2>&1 ||
        { wait $plain || :; failed "the patched build failed (see $build/patched.log)"; }
    wait $plain || failed "the plain build failed (see $build/plain.log)"
}

case ${1:-},${3:-} in
--help,* | -h,* | *,--help | *,-h)
    usage
    exit 0
    ;;
esac
methods="stop breakpoint"
ops=
given_build=${1:-}
given_prefix=${2:-}
shift $(($# < 2 ? $# : 2))
while [ $# -gt 0 ]; do
    case $1,${2:-} in
    --ops,*) ops=ops- ;;
    --method,stop | --method,breakpoint | --method,auto)
        methods=$2
        shift
        ;;
    *) given_prefix= ;;
    esac
    shift
done
[ -n "$given_build" ] && [ -n "$given_prefix" ] || {
    usage >&2
    exit 64
}
cc=${CC:-gcc}
command -v "$cc" >/dev/null || unsupported "no C compiler (package gcc)"
prepare "$given_build" "$given_prefix"

fetch_source lua5.4
build_all
echo "Lua 5.4, $threads threads, $rounds rounds of $(ls "$here"/scripts | wc -l) scripts"
run_variant plain none scripts/*.lua
for each in $methods; do
    run_variant patched "$ops$each" scripts/*.lua
    compare patched "$ops$each"
done
echo "lua: output identical"
