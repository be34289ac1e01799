#!/bin/sh
# SPDX-License-Identifier: MIT
#
# control_command.sh MODE COMMAND LIBRARY PROGRAM - ftrace status, on, off and filter, as a user calls them.
set -eu

mode=$1 ftrace=$2 library=$3 program=$4
folder=$(mktemp -d)
trap 'exec 3>&- || :; rm -rf "$folder"' EXIT
cd "$folder"

fail() {
    echo "$*" >&2
    exit 1
}

# The program runs until descriptor 3 is closed; sets pid.
start() {
    mkfifo input output
    "$@" < input > output &
    job=$!
    exec 3> input
    read -r pid < output
}

finish() {
    exec 3>&-
    wait $job
    rm input output
}

start_by_environment() {
    start env LD_PRELOAD="$library" FTRACE_RECORD="$folder/trace.data" FTRACE_RECORD_FILTER='work_*' "$program"
}

# fails WITH COMMAND...: it fails with 1, and one line that says why.
fails() {
    with=$1
    shift
    if "$@" > out 2> err; then
        fail "$* does not fail"
    fi
    case $(cat err) in
        *"$with"*) ;;
        *) fail "$*: $(cat err)" ;;
    esac
    [ "$(wc -l < err)" = 1 ] || fail "$*: more than one line: $(cat err)"
}

has() {
    "$ftrace" status --raw "$1" | grep -qx "$2" || fail "status of $1 lacks $2: $("$ftrace" status --raw "$1")"
}

# In the trace of a program that has ended.
count() {
    "$ftrace" dump --format csv -i trace.data -o - | grep -c "$1" || :
}

case $mode in
process)
    start_by_environment
    for target in "$pid" trace.data; do
        "$ftrace" status "$target" | grep -q '^tracing:  on$'
        "$ftrace" off "$target"
        has "$target" state=off
        "$ftrace" status "$target" | grep -q '^tracing:  off$'
        "$ftrace" on "$target"
        has "$target" state=on
    done
    "$ftrace" filter "$pid" work_two --depth 3 --min-time 1ns
    has "$pid" depth=3
    has "$pid" min_time_ns=1
    "$ftrace" filter "$pid" --all --depth 0 --min-time 0
    "$ftrace" filter "$pid" -n work_one
    has "$pid" depth=0
    finish
    fails 'the recording has ended' "$ftrace" status trace.data
    ;;
command)
    start "$ftrace" record -q -f 'work_*' -o trace.data "$program" 2> log || start "$ftrace" record -f 'work_*' -o trace.data "$program"
    has "$pid" state=on
    "$ftrace" off "$pid"
    has "$pid" state=off
    finish
    ;;
together)
    start_by_environment
    jobs=
    for i in 1 2 3 4 5 6; do
        "$ftrace" status --raw "$pid" > "status.$i" &
        jobs="$jobs $!"
    done
    for job_ in $jobs; do
        wait "$job_"
    done
    for i in 1 2 3 4 5 6; do
        grep -qx state=on "status.$i"
    done
    for i in 1 2 3 4 5 6 7 8; do
        "$ftrace" filter "$pid" work_one &
        killed=$!
        kill -9 $killed 2> /dev/null || :
        wait $killed 2> /dev/null || :
    done
    has "$pid" state=on
    finish
    ;;
errors)
    start_by_environment
    fails 'no such process' "$ftrace" on 2147483647
    fails 'no such file or process' "$ftrace" off nothing.data
    fails 'is not being recorded' "$ftrace" status $$
    echo text > text
    fails 'is not a trace file' "$ftrace" status text
    fails 'a pattern is invalid' "$ftrace" filter "$pid" '['
    long=$(printf '%01100d' 0)
    fails 'the request has 1100 bytes' "$ftrace" filter "$pid" "$long"
    status=0
    "$ftrace" filter "$pid" > out 2> err || status=$?
    [ $status = 64 ] || fail "filter without a pattern: $status"
    has "$pid" state=on
    kill -9 "$pid"
    wait $job || :
    exec 3>&-
    fails 'has ended' "$ftrace" status "trace.data"
    ;;
esac
