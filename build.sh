#!/usr/bin/env bash
# Builds, runs, tests and installs libftrace. See ./build.sh help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${FTRACE_BUILD:-$root/build}
prefix=$build/prefix
jobs=$(nproc)

usage() {
    cat <<'TXT'
Usage: ./build.sh [--install-deps] COMMAND [OPTIONS]

Commands:
  run [OPTIONS]         the hammer: patch running code under signals (run --help)
  run lua [OPTIONS]     toggle every function of Lua 5.4 while it runs scripts, by
                        both methods or one; or trace them (run lua --help)
  run jsoncpp           the test-suite of jsoncpp, C++ with exceptions, with all its
                        functions traced
  test                  all tests, native and managed
  prove                 explore larger configurations of the protocol
  bench [--json FILE]   speed as ratios to peers in the same run (bench --help);
                        draws build/latency.svg
  install PREFIX        lib/, include/ftrace/, pkg-config and CMake files
  clean                 remove the build folder
  help                  this text

Options:
  --install-deps        as root on Debian: install the packages that are missing
                        (dotnet-sdk-10.0 gcc g++ cmake make pkg-config liburcu-dev
                        libclang1-14 clang-19 libclang-rt-19-dev libunwind-dev
                        gnuplot-nox uftrace)

Everything is built in build/; FTRACE_BUILD names another folder.
Exit codes: 0 done, 1 failed, 2 inconclusive (run), 3 not possible here,
64 wrong usage.
TXT
}

die() {
    echo "build.sh: $1" >&2
    exit "${2:-1}"
}

# need TOOL PACKAGE
need() {
    command -v "$1" >/dev/null 2>&1 ||
        die "$1 not found; install the package $2 (or: ./build.sh --install-deps)" 3
}

need_tools() {
    need dotnet dotnet-sdk-10.0
    need gcc gcc
    need g++ g++
    need cmake cmake
    need make make
    dotnet --list-sdks | grep -q '^10\.' ||
        die "the .NET SDK 10 is missing; install the package dotnet-sdk-10.0" 3
}

install_deps() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 ||
        die "--install-deps works as root on Debian only" 3
    local packages=()
    command -v dotnet >/dev/null 2>&1 || packages+=(dotnet-sdk-10.0)
    command -v gcc >/dev/null 2>&1 || packages+=(gcc)
    command -v g++ >/dev/null 2>&1 || packages+=(g++)
    command -v cmake >/dev/null 2>&1 || packages+=(cmake)
    command -v make >/dev/null 2>&1 || packages+=(make)
    command -v pkg-config >/dev/null 2>&1 || packages+=(pkg-config)
    [ -e /usr/include/urcu/urcu-memb.h ] || packages+=(liburcu-dev)
    ldconfig -p | grep -q 'libclang-[0-9]*\.so' || packages+=(libclang1-14)
    command -v clang-19 >/dev/null 2>&1 || packages+=(clang-19)
    compgen -G '/usr/lib/llvm-19/lib/clang/*/lib/linux/libclang_rt.xray-x86_64.a' >/dev/null ||
        packages+=(libclang-rt-19-dev)
    [ -e /usr/include/x86_64-linux-gnu/libunwind-x86_64.h ] || packages+=(libunwind-dev)
    command -v gnuplot >/dev/null 2>&1 || packages+=(gnuplot-nox)
    command -v uftrace >/dev/null 2>&1 || packages+=(uftrace)
    [ ${#packages[@]} -eq 0 ] && return
    apt-get update -q
    apt-get install -q -y --no-install-recommends "${packages[@]}"
}

# quietly COMMAND...: its output only if it fails
quietly() {
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "failed: $*"
    fi
    rm -f "$log"
}

configure() {
    quietly cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo "$@"
}

build_library() {
    need_tools
    configure
    quietly cmake --build "$build" --target libftrace
}

# The programs are built against what is installed, as a user's would be.
build_program() {
    build_library
    quietly cmake --install "$build" --prefix "$prefix"
    quietly cmake -S "$root/native-tests/$1" -B "$build/$1" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DCMAKE_PREFIX_PATH="$prefix"
    quietly cmake --build "$build/$1" -j "$jobs"
}

run_hammer() {
    build_program hammer
    exec "$build/hammer/hammer" "$@"
}

# run_foreign NAME OPTIONS...: a program that others wrote
run_foreign() {
    local name=$1
    shift
    build_library
    quietly cmake --install "$build" --prefix "$prefix"
    exec "$root/native-tests/$name/run.sh" "$build/$name" "$prefix" "$@"
}

managed_tests() {
    FTRACE_LIBRARY="$build/lib/libftrace.so" FTRACE_TABLE="$build/explorer.txt" \
        dotnet test "$root/managed-tests/managed-tests.csproj" --artifacts-path "$build/managed" \
        --nologo --logger "console;verbosity=minimal" "$@" || return 1
    cat "$build/explorer.txt"
}

run_tests() {
    build_library
    quietly cmake --build "$build" -j "$jobs"
    local failed=0
    ctest --test-dir "$build" -j "$jobs" --output-on-failure || failed=1
    managed_tests --filter 'TestCategory!=noinstr&TestCategory!=prove' || failed=1
    return $failed
}

[ "${1:-}" = --install-deps ] && {
    install_deps
    shift
    [ $# -eq 0 ] && exit 0
}

command=${1:-help}
[ $# -gt 0 ] && shift
case $command in
run)
    case ${1:-} in
    lua | jsoncpp) run_foreign "$@" ;;
    *) run_hammer "$@" ;;
    esac
    ;;
test)
    [ $# -eq 0 ] || die "test takes no options" 64
    run_tests
    ;;
prove)
    [ $# -eq 0 ] || die "prove takes no options" 64
    build_library
    begin=$SECONDS
    managed_tests --filter "TestCategory=prove"
    echo "proved in $((SECONDS - begin)) seconds"
    ;;
bench)
    build_program bench
    exec "$build/bench/bench" --plot "$build/latency.svg" "$@"
    ;;
install)
    [ $# -eq 1 ] || die "install takes one argument, the PREFIX" 64
    build_library
    cmake --install "$build" --prefix "$1"
    ;;
clean)
    rm -rf "$build"
    ;;
help | -h | --help)
    usage
    ;;
*)
    usage >&2
    exit 64
    ;;
esac
