#!/bin/sh
# SPDX-License-Identifier: MIT
# The test suite of jsoncpp, C++ that throws and catches, must give the result of an ordinary build while all of
# its functions are traced.
set -eu

name=jsoncpp
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../source.sh"

rounds=800
limit=300 # seconds; a run takes a few

usage() {
    cat <<'END'
usage: run.sh BUILD_DIR PREFIX [--graph] [--method stop|breakpoint|auto]

Fetches the source of jsoncpp with apt into BUILD_DIR. Builds it and its test suite
twice, unmodified, and with patchable function entries and the libftrace that is
installed in PREFIX. Runs the suite with both builds in several threads, and compares
the output. A handler counts the calls of functions, and its filter changes ten times a
second; a signal interrupts every thread 2000 times a second. Without --method the
traced build runs twice, with the stop and with the breakpoint method. With --graph
handlers are called at both ends of functions, and each entry must have one exit.

Exit code: 0 identical, 1 different or failed, 64 wrong usage, 3 not supported on this
system. CXX chooses the compiler (g++).
END
}

# build_variant NAME FLAGS DRIVER_FLAGS DRIVER_SOURCES LINK_FLAGS
build_variant() {
    dir=$build/$1
    rm -rf "$dir"
    mkdir -p "$dir"
    # In one file: with patchable entries GCC before 13 makes objects of which the linker takes only one, if they
    # have inline functions in common.
    # json_writer comes last: it defines isnan as a macro.
    for part in test_lib_json/jsontest test_lib_json/fuzz test_lib_json/main lib_json/json_value \
        lib_json/json_reader lib_json/json_writer; do
        echo "#include \"$build/jsoncpp/src/$part.cpp\""
    done >"$dir/suite.cpp"
    # The suite in front, so that its inline functions are the ones that stay.
    # shellcheck disable=SC2086 # lists of words
    (cd "$here" &&
        $cxx -c -O2 -std=c++17 -w -I"$build/jsoncpp/include" -include output.h -Dmain=suite_main $2 \
            "$dir/suite.cpp" -o "$dir/suite.o" &&
        $cxx -O2 -std=c++17 -Wall -Wextra -Werror -isystem "$build/jsoncpp/include" $3 "$dir/suite.o" $4 \
            -o "$dir/jsoncpp" -pthread $5)
}

graph=
take_option() {
    [ "$1" = --graph ] && graph=graph-
}

take_arguments "$@"
cxx=${CXX:-g++}
command -v "$cxx" >/dev/null || unsupported "no C++ compiler (package g++)"
prepare

fetch_source libjsoncpp
build_both traced driver.cpp "tracer.cpp graph.cpp ../pairs.c" -Wl,--wrap=__cxa_throw
echo "jsoncpp, $threads threads, $rounds rounds of its test suite"
run_variant plain none
for each in $methods; do
    run_variant traced "$graph$each"
    compare traced "$graph$each"
    echo "  result of the test suite $(tail -n 1 "$build/traced/out-$graph$each/0.out")"
done
echo "jsoncpp: output identical"
