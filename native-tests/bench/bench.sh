# SPDX-License-Identifier: MIT
# run_bench OPTION...: the command `bench` of build.sh, which has defined the functions used here.
# shellcheck shell=bash disable=SC2154

bench_usage() {
    cat <<'TXT'
usage: ./build.sh bench [OPTIONS]

Measure the speed of the library. Each row compares it with a peer, measured in turn in the same
run, and with a target. The parts:

  gate        enter and exit with the gate closed, on 1 to 16 threads, against the protocol before
              2010, the same gate in C, and liburcu
  patch       cost of a location, by batch size, method and writer
  enable      enabling and disabling 1 to 20,000 functions, against LLVM XRay
  latency     the longest time that a thread stands still, by threads and locations
  throughput  of running threads while 1,000 functions are turned on and off
  stop        stopping 1 to 64 threads, by a signal and by seizing them
  load        loading the library
  trace       calls of functions with and without a handler, against XRay and
              -finstrument-functions; 1 to 100,000 functions by name; static keys
  record      calls whose entry is recorded with the time, against XRay and uftrace
  count       a counter for each function, against a hash table; a lookup by address
  graph       calls whose entry and exit are traced, against XRay, -finstrument-functions,
              replaced return addresses, and handlers called by hand
  tracing     calls that the recorder records, against two readings of the clock, XRay,
              -finstrument-functions and uftrace; recording that is off; snapshots
  tools       the command ftrace against gprof, uftrace, LTTng, callgrind, uprobes, ltrace and gdb,
              by calls
  sampling    the recorder's samples, against perf record
  busy        changes of what is traced while all CPUs are busy
  attach      attaching to a process that runs, against gdb; what is left after detaching
  files       how fast the command reads a trace of 100 million events (1.6 GB), in how much memory
  programs    whole programs, Lua and SQLite, recorded, against uftrace (some GB of disk)

  --only PART[,PART...]  measure only these parts
  --quick                few repetitions, two minutes: shows that everything works, not the speed
  --json FILE            also write the results to FILE
  --markdown FILE        also write the page, from the results and the text in
                         native-tests/bench/performance.md.in; beside it FILE with .json, and the
                         plots, which gnuplot draws
  --from FILE            take what is not measured from these results, of the same machine; without
                         --only measure nothing
  --list                 print the list of all rows
  --version              print the version
  --help                 print this text

A missed target is shown, but is not an error, nor is a peer that is not installed. If the machine was in
use, if its hypervisor was, or if a median cannot be told from the target, a row is marked as noisy
instead. Exit code: 0 success, 1 a measurement failed, 3 not possible on this system, 64 wrong usage.
TXT
}

bench_wrong() {
    bench_usage >&2
    die "bench: $1" 64
}

bench_version() {
    sed -n 's/^#define FTRACE_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' "$root/include/ftrace/version.h" | paste -sd . | sed 's/^/bench of libftrace /'
}

# bench_report COMMAND ARGUMENT...: report/ makes pages of results
bench_report() {
    quietly dotnet build "$root/native-tests/bench/report/report.csproj" -c Release --artifacts-path "$build/bench-report" \
        --nologo -v quiet
    "$build/bench-report/bin/report/release_linux-x64/report" "$@"
}

# bench_parts: all of them, a line each
bench_parts() {
    sed -n 's/^\([a-z]*\) |.*/\1/p' "$root/native-tests/bench/rows.txt" | uniq
}

run_bench() {
    local part only='' quick='' json='' markdown='' from='' results=$build/bench-results.json commit
    while [ $# -gt 0 ]; do
        case $1 in
        --help) bench_usage && return ;;
        --version) bench_version && return ;;
        --list) grep -v '^#' "$root/native-tests/bench/rows.txt" && return ;;
        --quick) quick=1 ;;
        --only | --json | --markdown | --from)
            [ $# -ge 2 ] || bench_wrong "$1 needs a value"
            printf -v "${1#--}" %s "$2"
            shift
            ;;
        *) bench_wrong "there is no option $1" ;;
        esac
        shift
    done
    for part in ${only//,/ }; do
        bench_parts | grep -qxF -e "$part" || bench_wrong "there is no part $part"
    done
    [ -z "$from" ] || [ -r "$from" ] || die "bench: cannot read $from" 1
    if [ -z "$from" ] || [ -n "$only" ]; then
        build_tool
        build_program bench
        commit=$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)
        "$build/bench/bench" --json "$results" --commit "$commit" ${only:+--only "$only"} ${quick:+--quick}
        [ -z "$from" ] || bench_report merge "$from" "$results"
    else
        mkdir -p "$build"
        cp "$from" "$results"
    fi
    [ -z "$json" ] || cp "$results" "$json"
    [ -z "$markdown" ] || need gnuplot gnuplot-nox
    [ -z "$markdown" ] || bench_report page "$results" "$root/native-tests/bench" "$markdown"
}
