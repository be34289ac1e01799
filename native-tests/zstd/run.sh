#!/bin/sh
# SPDX-License-Identifier: MIT
# Zstandard, whose compressor has threads of its own, must write the bytes of an ordinary build while all of its
# functions are traced.
set -eu

name=zstd
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../source.sh"

rounds=2
limit=300 # seconds; a run takes a few

usage() {
    cat <<'END'
usage: run.sh BUILD_DIR PREFIX [--graph] [--method stop|breakpoint|auto]

Fetches the source of Zstandard with apt into BUILD_DIR. Builds the library twice,
unmodified, and with patchable function entries and the libftrace that is installed in
PREFIX. Compresses its own source in several threads with both builds, decompresses the
result, and compares what was written. A handler counts the calls of functions, and its
filter changes ten times a second; a signal interrupts every thread 2000 times a second,
also those of Zstandard. Without --method the traced build runs twice, with the stop and
with the breakpoint method. With --graph handlers are called at both ends of functions,
and each entry must have one exit.

Exit code: 0 identical, 1 different or failed, 64 wrong usage, 3 not supported on this
system. CC chooses the compiler (gcc).
END
}

# build_variant NAME FLAGS DRIVER_FLAGS DRIVER_SOURCES LINK_FLAGS
build_variant() {
    dir=$build/$1
    rm -rf "$dir"
    mkdir -p "$dir/obj"
    # shellcheck disable=SC2086 # lists of words
    (cd "$dir/obj" &&
        $cc -c -O2 -w -DZSTD_MULTITHREAD -DZSTD_DISABLE_ASM $2 "$build"/zstd/lib/common/*.c \
            "$build"/zstd/lib/compress/*.c "$build"/zstd/lib/decompress/*.c &&
        cd "$here" &&
        $cc -O2 -std=gnu11 -Wall -Wextra -Werror -isystem "$build/zstd/lib" $3 $4 "$dir"/obj/*.o \
            -o "$dir/zstd" -pthread $5)
}

graph=
take_option() {
    [ "$1" = --graph ] && graph=graph-
}

take_arguments "$@"
cc=${CC:-gcc}
command -v "$cc" >/dev/null || unsupported "no C compiler (package gcc)"
prepare

fetch_source libzstd
build_both traced driver.c "tracer.c ../pairs.c" -Wl,--wrap=pthread_create
cat "$build"/zstd/lib/*/*.[ch] >"$build/input"
echo "Zstandard, $threads threads, $rounds rounds of $(wc -c <"$build/input") bytes"
run_variant plain none "$build/input"
for each in $methods; do
    run_variant traced "$graph$each" "$build/input"
    compare traced "$graph$each"
done
echo "zstd: output identical"
