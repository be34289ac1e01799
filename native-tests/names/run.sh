#!/bin/sh
# SPDX-License-Identifier: MIT
# The names of all functions of C++ libraries, as their public headers have them, must match.
set -eu

name=names
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../source.sh"

usage() {
    cat <<'END'
usage: run.sh BUILD_DIR PREFIX

Fetches the sources of leveldb, re2 and protobuf with apt into BUILD_DIR, and builds them
with patchable function entries. Sets a filter for each function that their public headers
declare and that the library has, with the libftrace that is installed in PREFIX; the name
is as in the header, without parameters. Does the same with the full name of each C++
function in the libraries, which must select no other function. Prints the names that do
not match, and those that match more. Takes a few minutes.

Exit code: 0 all match, 1 some do not or something failed, 64 wrong usage, 3 not supported
on this system. CXX chooses the compiler, a Clang (clang++-19).
END
}

# The tables that Debian's package makes from Unicode's data. No regular expression is compiled here.
write_re2_tables() (
    cd "$build/re2/re2"
    cat >perl_groups.cc <<'END'
#include "re2/unicode_groups.h"
namespace re2 {
const UGroup perl_groups[1] = {}, posix_groups[1] = {};
const int num_perl_groups = 0, num_posix_groups = 0;
}
END
    cat >unicode_casefold.cc <<'END'
#include "re2/unicode_casefold.h"
namespace re2 {
const CaseFold unicode_casefold[1] = {}, unicode_tolower[1] = {};
const int num_unicode_casefold = 0, num_unicode_tolower = 0;
}
END
    cat >unicode_groups.cc <<'END'
#include "re2/unicode_groups.h"
namespace re2 {
const UGroup unicode_groups[1] = {};
const int num_unicode_groups = 0;
}
END
)

# build_library TARGET OPTION...: the library $library, with its sources' own build
build_library() {
    target=$1
    shift
    cmake -S "$build/$library" -B "$build/$library-built" -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_COMPILER="$cxx" \
        -DCMAKE_CXX_FLAGS="-O1 -w -fpatchable-function-entry=5" -DBUILD_SHARED_LIBS=ON "$@" &&
        cmake --build "$build/$library-built" -j "$threads" --target "$target"
}

# The public headers, as their own builds install them.
headers_of() {
    case $1 in
    leveldb) (cd "$build/leveldb/include" && ls leveldb/*.h) ;;
    re2) printf 're2/%s.h\n' filtered_re2 re2 set stringpiece ;;
    protobuf)
        sed -n 's/^copy.* include\\\(google.*\.h\)\r*$/\1/p' "$build/protobuf/cmake/extract_includes.bat.in" |
            tr '\\' / | grep -v '/compiler/'
        ;;
    esac
}

# check_names WHAT: those in $build/$library.txt
check_names() {
    code=0
    "$build/select" "$build/$library-built/lib$library.so" "$build/$library.txt" >"$build/$library.out" || code=$?
    sed '$d' "$build/$library.out"
    printf '%-10s %-12s %s\n' "$library" "$1" "$(tail -n 1 "$build/$library.out")"
    [ $code = 0 ] || result=1
    [ "$1" = "in headers" ] || ! grep -q "select more" "$build/$library.out" || result=1
}

# check_library INCLUDE_DIR NAMESPACE
check_library() {
    object=$build/$library-built/lib$library.so
    headers_of "$library" | sed 's/.*/#include <&>/' >"$build/$library.cc"
    "$cxx" -std=c++17 -w -fsyntax-only -I "$build/$library/$1" -Xclang -ast-dump=json -Xclang "-ast-dump-filter=$2" \
        "$build/$library.cc" >"$build/$library.json" || failed "the headers of $library cannot be read"
    "$here/names.py" "$object" "$build/$library.json" >"$build/$library.txt" ||
        failed "the names of $library cannot be read"
    rm "$build/$library.json"
    check_names "in headers"
    "$here/names.py" "$object" >"$build/$library.txt" || failed "the names in $object cannot be read"
    check_names "full names"
}

[ "${1:-}" != --help ] && [ "${1:-}" != -h ] || {
    usage
    exit 0
}
[ $# = 2 ] || wrong_usage
given_build=$1
given_prefix=$2
cxx=${CXX:-clang++-19}
command -v "$cxx" >/dev/null || unsupported "no $cxx (package clang-19)"
for tool in cmake python3 nm c++filt; do
    command -v $tool >/dev/null || unsupported "no $tool"
done
prepare

for library in leveldb re2 protobuf; do
    name=$library
    fetch_source "$library"
done
name=names
${CC:-gcc} -O2 -std=gnu11 -Wall -Wextra -Werror -I "$prefix/include" "$here/select.c" -o "$build/select" \
    -L "$prefix/lib" "-Wl,-rpath,$prefix/lib" -lftrace
[ -e "$build/re2/re2/unicode_groups.cc" ] || write_re2_tables
for library in leveldb re2 protobuf; do
    case $library in
    leveldb) build_library leveldb -DLEVELDB_BUILD_TESTS=OFF -DLEVELDB_BUILD_BENCHMARKS=OFF ;;
    re2) build_library re2 -DRE2_BUILD_TESTING=OFF ;;
    protobuf)
        build_library libprotobuf -Dprotobuf_BUILD_SHARED_LIBS=ON -Dprotobuf_BUILD_TESTS=OFF \
            -Dprotobuf_BUILD_PROTOC_BINARIES=OFF -Dprotobuf_INSTALL=OFF
        ;;
    esac >"$build/$library.log" 2>&1 || failed "$library cannot be built (see $build/$library.log)"
done

result=0
library=leveldb
check_library include leveldb
library=re2
check_library . re2
library=protobuf
check_library src google
exit $result
