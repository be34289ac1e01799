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
usage: run.sh BUILD_DIR PREFIX [--ops | --graph] [--method stop|breakpoint|auto]

Fetches the source of Lua 5.4 with apt into BUILD_DIR. Builds it twice, unmodified, and
with patchable function entries and the libftrace that is installed in PREFIX. Runs the
same scripts with both builds, and compares the output. Without --method the patched
build runs twice, with the stop and with the breakpoint method. With --ops a handler
counts the calls of functions, and its filter changes ten times a second. With --graph
handlers are called at both ends of functions, and each entry must have one exit.

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

ops=
take_option() {
    case $1 in
    --ops) ops=ops- ;;
    --graph)
        ops=graph-
        rounds=2
        ;;
    *) return 1 ;;
    esac
}

take_arguments "$@"
cc=${CC:-gcc}
command -v "$cc" >/dev/null || unsupported "no C compiler (package gcc)"
prepare

fetch_source lua5.4
build_both patched driver.c "toggle.c ops.c graph.c ../pairs.c count-call.S" ""
echo "Lua 5.4, $threads threads, $rounds rounds of $(ls "$here"/scripts | wc -l) scripts"
run_variant plain none scripts/*.lua
for each in $methods; do
    run_variant patched "$ops$each" scripts/*.lua
    compare patched "$ops$each"
done
echo "lua: output identical"
