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
  run [OPTIONS]         run the hammer, which patches running code under signals, or
                        with --ops or --graph traces it (run --help)
  run lua [OPTIONS]     patch or trace every function of Lua 5.4 while it runs scripts
                        (run lua --help); with --graph, trace both ends
  run jsoncpp [OPTIONS] run the test suite of jsoncpp (C++ with exceptions) with all its
                        functions traced; with --graph, at both ends
  run zstd [OPTIONS]    compress with Zstandard, which creates threads, with all its
                        functions traced; with --graph, at both ends
  run names             set a filter for each function that the headers of leveldb, re2 and
                        protobuf declare, by its name there
  run trace             record Lua 5.4 with the command ftrace, print what takes its time,
                        and write the trace in all formats, a flame graph too
  run attach [OPTIONS]  attach to a Redis server under load, print what takes its time, and
                        how many requests it answers before, meanwhile and after
  test                  run all tests, native and managed; the last lines count the
                        skipped tests, and give the reason for each. If libclang is
                        not installed, get it from NuGet (216 MB); with
                        FTRACE_LIBCLANG=nuget, do so in any case
  windows               build the library as a Windows DLL, in build/windows: bin, lib, include
                        (docs/windows.md)
  test windows          build it and its tests, by gcc and by clang, and run them under wine
                        (not part of test)
  soak MINUTES          do all that the library does, in turn, under random seeds, for so
                        long: change code, trace, record, attach, real programs; check
                        that no memory, descriptor, thread or mapping is left
  soak [NAME]           run the long tests, or one of them: the hammer for 60 seconds in
                        each configuration, 50 rounds of programs that have failed
                        before, each real host for a minute; about two hours in all.
                        bullseye: the native tests, and the command, on Debian 11, which
                        debootstrap installs (as root; docs/systems.md).
                        windows-hammer: that of the Windows DLL, under wine
  fuzz [OPTIONS]        fuzz the parsers of ELF files, patterns, C++ and Rust names and trace
                        files with libFuzzer, starting from the corpus in managed-tests/fuzz
      --seconds N       time for ELF files (600); the others take a tenth each
      --replay FILE...  only run these inputs, and print the stack trace of a failure
      --keep            add inputs to the corpus that reached new code in earlier runs
  prove                 explore larger configurations of the protocol
  mutants [NAME]        apply each patch in managed-tests/mutants, or one of them, to a
                        copy of the library; the check that the patch names must fail
  bench [OPTIONS]       measure speed as ratios to peers in the same run, and write the
                        results as JSON, and as a page with plots (bench --help)
  lint                  look at C, shell and C# for what is not seen by compilers (cppcheck,
                        shellcheck, dotnet format)
  install PREFIX        install the library, the headers, pkg-config and CMake files, the
                        command ftrace, manual pages and shell completion
  package               make packages of that, an archive and Debian's, in build/packages
                        (docs/packages.md)
  clean                 remove the build folder
  help                  print this text

Options:
  --version             print the version of the library
  --install-deps        install missing packages (as root on Debian), for the build
                        (dotnet-sdk-10.0 gcc g++ cmake make), for bench (liburcu-dev
                        gnuplot-nox uftrace ltrace lttng-tools liblttng-ust1 linux-perf
                        tcl), for the tests (pkg-config libclang1-14 clang-19
                        libclang-rt-19-dev binutils-gold lld-19 mold libunwind-dev libunwind-19
                        libboost-context-dev gdb strace valgrind python3 rustc git
                        protobuf-compiler chromium chromium-driver libc6-i386 abigail-tools debootstrap
                        mandoc man-db zsh fish), for the tests in real hosts (golang-go
                        default-jdk-headless librdkafka-dev libzmq3-dev libjemalloc2
                        redis-tools sqlite3 musl-tools), for packages (debhelper elfutils lintian
                        diffoscope-minimal), for lint (cppcheck shellcheck), and for Windows (gcc-mingw-w64-x86-64-win32
                        g++-mingw-w64-x86-64-win32 clang-19 lld-19 llvm-19 wine64)

Everything is built in build/; set FTRACE_BUILD to use another folder.
Exit codes: 0 success, 1 failure (fuzz: something was found), 2 inconclusive (run),
3 not possible on this system, 64 wrong usage.
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

system_libclang() {
    ldconfig -p | grep -q 'libclang-[0-9]*\.so' || compgen -G '/usr/lib/llvm-*/lib/libclang.so.1' >/dev/null
}

install_deps() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 ||
        die "--install-deps works only as root on Debian" 3
    local packages=()
    command -v dotnet >/dev/null 2>&1 || packages+=(dotnet-sdk-10.0)
    command -v gcc >/dev/null 2>&1 || packages+=(gcc)
    command -v g++ >/dev/null 2>&1 || packages+=(g++)
    command -v cmake >/dev/null 2>&1 || packages+=(cmake)
    command -v make >/dev/null 2>&1 || packages+=(make)
    command -v git >/dev/null 2>&1 || packages+=(git)
    command -v pkg-config >/dev/null 2>&1 || packages+=(pkg-config)
    [ -e /usr/include/urcu/urcu-memb.h ] || packages+=(liburcu-dev)
    system_libclang || packages+=(libclang1-14)
    command -v clang-19 >/dev/null 2>&1 || packages+=(clang-19)
    compgen -G '/usr/lib/llvm-19/lib/clang/*/lib/linux/libclang_rt.xray-x86_64.a' >/dev/null ||
        packages+=(libclang-rt-19-dev)
    command -v ld.gold >/dev/null 2>&1 || packages+=(binutils-gold)
    command -v ld.lld-19 >/dev/null 2>&1 || packages+=(lld-19)
    command -v mold >/dev/null 2>&1 || packages+=(mold)
    [ -e /usr/include/x86_64-linux-gnu/libunwind-x86_64.h ] || packages+=(libunwind-dev)
    compgen -G '/usr/lib/llvm-*/lib/libunwind.so.1' >/dev/null || packages+=(libunwind-19)
    [ -e /usr/include/boost/context/fiber.hpp ] || packages+=(libboost-context-dev)
    command -v gnuplot >/dev/null 2>&1 || packages+=(gnuplot-nox)
    command -v uftrace >/dev/null 2>&1 || packages+=(uftrace)
    command -v ltrace >/dev/null 2>&1 || packages+=(ltrace)
    command -v lttng >/dev/null 2>&1 || packages+=(lttng-tools)
    compgen -G '/usr/lib/x86_64-linux-gnu/liblttng-ust-cyg-profile.so.1' >/dev/null || packages+=(liblttng-ust1)
    command -v perf >/dev/null 2>&1 || packages+=(linux-perf)
    command -v tclsh >/dev/null 2>&1 || packages+=(tcl)
    # What reads the dumps of ftrace in the tests.
    command -v protoc >/dev/null 2>&1 || packages+=(protobuf-compiler)
    command -v chromium >/dev/null 2>&1 || packages+=(chromium)
    command -v chromedriver >/dev/null 2>&1 || packages+=(chromium-driver)
    # What reads the manual pages in the tests, and the shells that complete options.
    command -v mandoc >/dev/null 2>&1 || packages+=(mandoc)
    command -v man >/dev/null 2>&1 || packages+=(man-db)
    command -v zsh >/dev/null 2>&1 || packages+=(zsh)
    command -v fish >/dev/null 2>&1 || packages+=(fish)
    # For lint
    command -v cppcheck >/dev/null 2>&1 || packages+=(cppcheck)
    command -v shellcheck >/dev/null 2>&1 || packages+=(shellcheck)
    # The loader of 32-bit programs, which ftrace record meets.
    [ -e /lib/ld-linux.so.2 ] || packages+=(libc6-i386)
    # What compares the ABI with that of earlier versions, and installs an older system to run on.
    command -v abidiff >/dev/null 2>&1 || packages+=(abigail-tools)
    command -v debootstrap >/dev/null 2>&1 || packages+=(debootstrap)
    # What the tests of debuggers and of real hosts (native-tests/host/programs) run.
    command -v gdb >/dev/null 2>&1 || packages+=(gdb)
    command -v strace >/dev/null 2>&1 || packages+=(strace)
    command -v valgrind >/dev/null 2>&1 || packages+=(valgrind)
    command -v python3 >/dev/null 2>&1 || packages+=(python3)
    command -v rustc >/dev/null 2>&1 || packages+=(rustc)
    command -v go >/dev/null 2>&1 || packages+=(golang-go)
    command -v javac >/dev/null 2>&1 || packages+=(default-jdk-headless)
    [ -e /usr/include/librdkafka/rdkafka_mock.h ] || packages+=(librdkafka-dev)
    [ -e /usr/include/zmq.h ] || packages+=(libzmq3-dev)
    ldconfig -p | grep -q 'libjemalloc\.so\.2' || packages+=(libjemalloc2)
    # For the Windows DLL, and its tests.
    command -v x86_64-w64-mingw32-gcc >/dev/null 2>&1 || packages+=(gcc-mingw-w64-x86-64-win32)
    command -v x86_64-w64-mingw32-g++ >/dev/null 2>&1 || packages+=(g++-mingw-w64-x86-64-win32)
    command -v llvm-dlltool-19 >/dev/null 2>&1 || packages+=(llvm-19)
    [ -x /usr/lib/wine/wine64 ] || packages+=(wine64)
    # What ftrace attaches to in the tests. redis-tools has the server too, under another name, and starts none.
    command -v redis-check-rdb >/dev/null 2>&1 || packages+=(redis-tools)
    command -v sqlite3 >/dev/null 2>&1 || packages+=(sqlite3)
    command -v musl-gcc >/dev/null 2>&1 || packages+=(musl-tools)
    # For packages, and their tests.
    command -v dh >/dev/null 2>&1 || packages+=(debhelper)
    command -v eu-unstrip >/dev/null 2>&1 || packages+=(elfutils)
    command -v lintian >/dev/null 2>&1 || packages+=(lintian)
    command -v diffoscope >/dev/null 2>&1 || packages+=(diffoscope-minimal)
    [ ${#packages[@]} -eq 0 ] && return
    apt-get update -q
    apt-get install -q -y --no-install-recommends "${packages[@]}" && return
    # If one is not available, install the others all the same.
    local package missing=()
    for package in "${packages[@]}"; do
        apt-get install -q -y --no-install-recommends "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] || die "not installed: ${missing[*]}"
}

# quietly COMMAND...: prints its output only if it fails
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
    quietly cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo
}

build_library() {
    need_tools
    configure
    quietly cmake --build "$build" --target libftrace
}

build_tool() {
    build_library
    quietly cmake --build "$build" --target tool
}

# build_all: what is installed
build_all() {
    build_tool
    quietly cmake --build "$build" --target manual
}

# build_windows: the DLL, in $build/windows
build_windows() {
    need dotnet dotnet-sdk-10.0
    need cmake cmake
    need make make
    need x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64-win32
    need x86_64-w64-mingw32-g++ g++-mingw-w64-x86-64-win32
    need clang-19 clang-19
    need lld-link-19 lld-19
    need llvm-dlltool-19 llvm-19
    quietly cmake -S "$root" -B "$build/windows/build" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DCMAKE_TOOLCHAIN_FILE="$root/cmake/toolchains/windows-x86_64.cmake"
    quietly cmake --build "$build/windows/build"
    quietly cmake --install "$build/windows/build" --prefix "$build/windows"
}

# build_windows_tests FOLDER TOOLCHAIN: against the installed DLL, as the programs of a user are
build_windows_tests() {
    quietly cmake -S "$root/native-tests/windows" -B "$1" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DCMAKE_TOOLCHAIN_FILE="$root/cmake/toolchains/$2.cmake" -DCMAKE_PREFIX_PATH="$build/windows" \
        -DFTRACE_WINEPREFIX="$build/windows/wine"
    quietly cmake --build "$1" -j "$jobs"
}

# test_windows: the tests by mingw's gcc and by clang, under wine
test_windows() {
    local failed=0 toolchain folders=()
    build_windows
    for toolchain in windows-x86_64 windows-x86_64-clang; do
        folders+=("$build/windows/tests-$toolchain")
        build_windows_tests "${folders[-1]}" "$toolchain"
    done
    for build in "${folders[@]}"; do
        native_tests || failed=1
        count_skipped
    done
    return $failed
}

# soak_windows: the hammer for 60 seconds, and its negative control
soak_windows() {
    local failed=0
    build_windows
    build_windows_tests "$build/windows/tests-windows-x86_64" windows-x86_64
    build=$build/windows/tests-windows-x86_64
    native_tests -C Soak -L '^soak$' -V || failed=1
    count_skipped
    return $failed
}

# The programs are built against the installed library, as those of a user are.
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

# run_foreign NAME OPTIONS...: runs a third-party program
run_foreign() {
    local name=$1
    shift
    build_library
    quietly cmake --install "$build" --prefix "$prefix"
    exec "$root/native-tests/$name/run.sh" "$build/$name" "$prefix" "$@"
}

# run_trace OPTIONS...: records Lua with the command ftrace
run_trace() {
    build_tool
    quietly cmake --install "$build" --prefix "$prefix"
    exec "$root/native-tests/lua/trace.sh" "$build/lua" "$prefix" "$@"
}

# run_attach OPTIONS...: records a Redis server that runs already
run_attach() {
    build_tool
    quietly cmake --install "$build" --prefix "$prefix"
    exec "$root/native-tests/redis/attach.sh" "$build/redis" "$prefix" "$@"
}

# fetch_libclang: from NuGet, if the system has none. If that fails, the tests that need it are skipped.
fetch_libclang() {
    [ "${FTRACE_LIBCLANG:-}" = nuget ] || ! system_libclang || return 0
    dotnet restore "$root/managed-tests/managed-tests.csproj" --artifacts-path "$build/managed" --nologo -v quiet \
        -p:FetchLibClang=true >"$build/libclang.log" 2>&1 ||
        echo "libclang is not available from NuGet, see $build/libclang.log" >&2
}

# managed_tests NAME OPTION...: options of dotnet test; its results are $build/managed-NAME.trx
managed_tests() {
    local part=$1 table="$build/explorer-$1.txt"
    shift
    rm -f "$table"
    FTRACE_LIBRARY="$build/lib/libftrace.so" FTRACE_TABLE="$table" \
        dotnet test "$root/managed-tests/managed-tests.csproj" --artifacts-path "$build/managed" \
        --nologo --logger "console;verbosity=minimal" --logger "trx;LogFileName=$build/managed-$part.trx" "$@" || return 1
    [ ! -s "$table" ] || cat "$table"
}

# The explorer with the mutants of the protocol takes longer than all other managed tests: beside them.
all_managed_tests() {
    local failed=0 filter='TestCategory!=noinstr&TestCategory!=prove' explorer
    quietly dotnet build "$root/managed-tests/managed-tests.csproj" --artifacts-path "$build/managed" --nologo
    managed_tests explorer --no-build --filter "$filter&FullyQualifiedName~MutantTests" >"$build/managed-explorer.log" 2>&1 &
    explorer=$!
    managed_tests others --no-build --filter "$filter&FullyQualifiedName!~MutantTests" || failed=1
    wait "$explorer" || failed=1
    cat "$build/managed-explorer.log"
    return $failed
}

# native_tests OPTION...: options of ctest
native_tests() {
    ctest --test-dir "$build" --output-on-failure "$@" | tee "$build/native-tests.log"
}

# Prints the name of each native test that was skipped, and the reason that it printed.
skipped_native() {
    local name
    sed -n '/^The following tests did not run:/,/^$/s/^[[:space:]]*[0-9]* - \([^ ]*\) (.*/\1/p' "$build/native-tests.log" |
        while read -r name; do
            awk -v name="$name" '
                $2 == "Test:" { this = $3 == name; lines = 0 }
                this && /^-----/ { lines = 1; next }
                this && /^<end of output>/ { exit }
                this && lines && /^skipped: / { reason = substr($0, 10) }
                this && lines && NF && !reason { last = $0 }
                END { print name ": " (reason ? reason : last ? last : "no reason given") }
            ' "$build/Testing/Temporary/LastTest.log"
        done
}

# The same for the managed tests.
skipped_managed() {
    local results=("$build"/managed-*.trx)
    [ -f "${results[0]}" ] || return 0
    awk 'BEGIN { RS = "<UnitTestResult " }
        FNR > 1 && /outcome="NotExecuted"/ {
            match($0, /testName="[^"]*"/)
            name = substr($0, RSTART + 10, RLENGTH - 11)
            reason = match($0, /<Message>[^<]*/) ? substr($0, RSTART + 9, RLENGTH - 9) : "no reason given"
            gsub(/[\r\n]+/, " ", reason)
            print name ": " reason
        }' "${results[@]}" |
        sed 's/&quot;/"/g; s/&apos;/'\''/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g'
}

count_skipped() {
    local skipped
    skipped=$(skipped_native; skipped_managed)
    if [ -z "$skipped" ]; then
        echo "skipped 0"
    else
        echo "skipped $(echo "$skipped" | wc -l):"
        echo "$skipped" | sed 's/^/    /'
    fi
}

run_tests() {
    build_library
    quietly cmake --build "$build" -j "$jobs"
    rm -f "$build"/managed-*.trx
    fetch_libclang
    local failed=0
    native_tests -j "$jobs" || failed=1
    all_managed_tests || failed=1
    count_skipped
    return $failed
}

# soak_minutes MINUTES
soak_minutes() {
    build_library
    quietly cmake --build "$build" -j "$jobs"
    quietly cmake --install "$build" --prefix "$prefix"
    exec "$root/native-tests/soak/soak.sh" "$1" "$build" "$prefix"
}

# run_soak [NAME]: one test after the other, because most of them use all CPUs
run_soak() {
    if [ "${1:-}" = windows-hammer ]; then
        soak_windows
        return
    fi
    build_library
    quietly cmake --build "$build" -j "$jobs"
    rm -f "$build"/managed-*.trx
    local failed=0 names name=${1:-.*}
    names=$(ctest --test-dir "$build" -C Soak -L '^soak$' -N | sed -n 's/^ *Test *#[0-9]*: soak-//p')
    [ $# -eq 0 ] || echo "$names" | grep -qxF -e "$name" ||
        die "soak has no $name; it has $(echo "$names" | paste -sd ' ') windows-hammer" 64
    native_tests -C Soak -L '^soak$' -R "^soak-$name\$" || failed=1
    count_skipped
    if [ $# -eq 0 ] && command -v x86_64-w64-mingw32-g++ >/dev/null 2>&1; then
        (soak_windows) || failed=1
    elif [ $# -eq 0 ]; then
        echo "skipped windows-hammer: needs package g++-mingw-w64-x86-64-win32"
    fi
    return $failed
}

# build_fuzzer: builds the library twice, without and with counted branches, and libFuzzer as a shared library
build_fuzzer() {
    need dotnet dotnet-sdk-10.0
    need g++ g++
    local project=$root/managed-tests/fuzz/fuzz.csproj archive
    archive=$(compgen -G '/usr/lib/llvm-19/lib/clang/*/lib/linux/libclang_rt.fuzzer_no_main-x86_64.a') ||
        die "libFuzzer not found; install the package libclang-rt-19-dev (or: ./build.sh --install-deps)" 3
    dotnet restore "$project" --artifacts-path "$fuzz" --nologo -v quiet >&2 ||
        die "the NuGet packages of the fuzzer are not available" 3
    quietly dotnet build "$project" -c Release --no-restore --artifacts-path "$fuzz" --nologo -v quiet
    rm -rf "$fuzz/instrumented"
    cp -r "$fuzz/bin/fuzz/release_linux-x64" "$fuzz/instrumented"
    local library
    for library in libftrace ftrace; do
        quietly "$fuzz/bin/fuzz/release_linux-x64/fuzz" --instrument "$fuzz/instrumented/$library.dll"
    done
    quietly g++ -shared -fPIC -O2 -Wall -Wextra -Werror -o "$fuzz/instrumented/libfuzzer-driver.so" \
        -x c "$root/managed-tests/fuzz/mutator.c" -x none -Wl,--whole-archive "$archive" -Wl,--no-whole-archive -lpthread
}

# fuzz_target NAME SECONDS
fuzz_target() {
    local corpus=$root/managed-tests/fuzz/corpus/$1 found=$fuzz/findings/$1- log=$fuzz/$1.log status=0
    mkdir -p "$fuzz/corpus/$1" "$fuzz/findings"
    FTRACE_FUZZ_TARGET=$1 "$fuzz/instrumented/fuzz" -max_total_time="$2" -max_len=8192 -timeout=10 \
        -rss_limit_mb=1024 -print_funcs=0 -dict="$root/managed-tests/fuzz/$1.dict" -artifact_prefix="$found" \
        "$fuzz/corpus/$1" "$corpus" >"$log" 2>&1 || status=$?
    if [ "$status" != 0 ]; then
        tail -n 20 "$log" >&2
        local input
        input=$(sed -n 's/.*Test unit written to //p' "$log")
        [ -n "$input" ] || die "the fuzzer itself failed ($status), see $log"
        die "$1: found a failure with $input
    replay: ./build.sh fuzz --replay $input"
    fi
    echo "$1: no failure found. $(sed -n 's/^#.*INITED *\(cov: [0-9]*\).*/at first \1/p' "$log"), at the end $(
        sed -n 's/^#[0-9]*\tDONE *\(cov: [0-9]* ft: [0-9]*\).*/\1/p' "$log"); $(tail -n 1 "$log")"
}

replay_inputs() {
    local input name
    for input in "$@"; do
        [ -f "$input" ] || die "no such input: $input" 64
        case $(realpath "$input") in */glob/* | */glob-*) name=glob ;; */cxx/* | */cxx-*) name=cxx ;; */rust/* | */rust-*) name=rust ;; */trace/* | */trace-*) name=trace ;; *) name=elf ;; esac
        FTRACE_FUZZ_TARGET=$name "$fuzz/bin/fuzz/release_linux-x64/fuzz" --replay "$input" || return 1
    done
}

# Keeps inputs that reach a new branch, but not those that reach one more often, which would be a thousand.
keep_inputs() {
    local name corpus
    for name in elf glob cxx rust trace; do
        corpus=$root/managed-tests/fuzz/corpus/$name
        mkdir -p "$fuzz/corpus/$name"
        FTRACE_FUZZ_TARGET=$name quietly "$fuzz/instrumented/fuzz" -set_cover_merge=1 -max_len=16384 -use_counters=0 \
            -print_funcs=0 "$corpus" "$fuzz/corpus/$name"
        echo "$name: $(find "$corpus" -type f | wc -l) inputs, $(cat "$corpus"/* | wc -c) bytes"
    done
}

run_fuzz() {
    local seconds=600 fuzz=$build/fuzz
    case ${1:-} in
    --seconds)
        [[ $# -eq 2 && $2 =~ ^[1-9][0-9]*$ ]] || die "fuzz --seconds takes one number" 64
        seconds=$2
        ;;
    --replay) [ $# -gt 1 ] || die "fuzz --replay needs at least one FILE" 64 ;;
    --keep) [ $# -eq 1 ] || die "fuzz --keep takes no argument" 64 ;;
    '') ;;
    *) die "fuzz has no option $1; see ./build.sh help" 64 ;;
    esac
    build_fuzzer
    case ${1:-} in
    --replay) replay_inputs "${@:2}" ;;
    --keep) keep_inputs ;;
    *)
        fuzz_target glob $(((seconds + 9) / 10))
        fuzz_target cxx $(((seconds + 9) / 10))
        fuzz_target rust $(((seconds + 9) / 10))
        fuzz_target trace $(((seconds + 9) / 10))
        fuzz_target elf "$seconds"
        ;;
    esac
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
    lua | jsoncpp | zstd | names) run_foreign "$@" ;;
    trace) run_trace "${@:2}" ;;
    attach) run_attach "${@:2}" ;;
    *) run_hammer "$@" ;;
    esac
    ;;
test)
    if [ "${1:-}" = windows ]; then
        [ $# -eq 1 ] || die "test windows takes no options" 64
        test_windows
        exit
    fi
    [ $# -eq 0 ] || die "test takes no options but windows" 64
    run_tests
    ;;
windows)
    [ $# -eq 0 ] || die "windows takes no options" 64
    build_windows
    echo "$build/windows"
    ;;
soak)
    [ $# -le 1 ] || die "soak takes one NAME, or MINUTES" 64
    [[ ! ${1:-} =~ ^[1-9][0-9]{0,4}$ ]] || soak_minutes "$1"
    run_soak "$@"
    ;;
fuzz)
    run_fuzz "$@"
    ;;
prove)
    [ $# -eq 0 ] || die "prove takes no options" 64
    build_library
    begin=$SECONDS
    managed_tests prove --filter "TestCategory=prove"
    echo "explored in $((SECONDS - begin)) seconds"
    ;;
mutants)
    [ $# -le 1 ] || die "mutants takes at most one NAME" 64
    need_tools
    need git git
    exec "$root/managed-tests/mutants/run.sh" "$root" "$build" "$@"
    ;;
bench)
    . "$root/native-tests/bench/bench.sh"
    run_bench "$@"
    ;;
lint)
    exec "$root/.ci/lint" "$@"
    ;;
install)
    [ $# -eq 1 ] || die "install takes one argument, the PREFIX" 64
    build_all
    cmake --install "$build" --prefix "$1"
    ;;
package)
    [ $# -eq 0 ] || die "package takes no options" 64
    build_all
    exec "$root/cmake/packages/package.sh" "$build" "$build/packages"
    ;;
clean)
    rm -rf "$build"
    ;;
help | -h | --help)
    usage
    ;;
--version)
    sed -n 's/^#define FTRACE_VERSION_[A-Z]* //p' "$root/include/ftrace/version.h" | paste -sd . | sed 's/^/libftrace /'
    ;;
*)
    usage >&2
    exit 64
    ;;
esac
