#!/bin/sh
# SPDX-License-Identifier: MIT
#
# control_command.sh MODE COMMAND LIBRARY PROGRAM - ftrace status, on, off, filter, notrace, trigger and snapshot, as a user calls them.
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

# The functions that a snapshot has, which is removed.
functions_in() {
    "$ftrace" dump --format csv -i "$1" -o - | sed -n '2,$s/.*,\(work_[a-z]*\),.*/\1/p' | sort -u | tr '\n' ' '
    rm "$1"
}

# will WHAT COMMAND...: it succeeds, within a minute.
will() {
    what=$1
    shift
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || fail "$what"
        sleep 0.1
    done
}

# A snapshot that was taken now has exactly these functions. Calls that were under way may still end in the first one.
records() {
    rm -f now
    "$ftrace" snapshot "$pid" -o now 2> log && [ "$(functions_in now)" = "$1" ]
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
notrace)
    start_by_environment
    will "both are recorded" records "work_one work_two "
    "$ftrace" notrace "$pid" work_one
    will "work_one is not recorded" records "work_two "
    "$ftrace" notrace trace.data --add work_two
    will "nothing is recorded" records ""
    "$ftrace" notrace "$pid" 'work_t*'
    will "work_two is not recorded" records "work_one "
    "$ftrace" notrace "$pid" --none
    will "both are recorded again" records "work_one work_two "
    fails 'a pattern is invalid: [' "$ftrace" notrace "$pid" '['
    will "nothing has changed" records "work_one work_two "
    finish
    ;;
trigger)
    start_by_environment
    "$ftrace" trigger "$pid" work_two:snapshot:1
    will "no snapshot" [ -e trace.data.1 ]
    "$ftrace" trigger "$pid" work_two:traceoff
    "$ftrace" trigger "$pid" --none
    "$ftrace" on "$pid"
    will "both are recorded" records "work_one work_two "
    "$ftrace" trigger "$pid" 'work_*:snapshot:>10s' 'a*:traceon' b:traceoff:2 c:snapshot
    fails 'there can be 4 triggers' "$ftrace" trigger "$pid" --add d:snapshot
    fails 'a trigger is malformed: work_one:nonsense' "$ftrace" trigger "$pid" work_one:nonsense
    fails 'remove those that there are first, with --none' "$ftrace" trigger "$pid" d:snapshot
    "$ftrace" trigger "$pid" --none
    "$ftrace" trigger trace.data d:snapshot
    "$ftrace" trigger "$pid" -a e:snapshot
    finish
    ;;
snapshot)
    start_by_environment
    mkdir sub
    (cd sub && "$ftrace" snapshot "$pid" -o ../relative 2> ../log)
    grep -qF "$folder/relative: see it with: ftrace report $folder/relative" log || fail "$(cat log)"
    [ "$(functions_in relative)" = "work_one work_two " ] || fail "a relative path"
    "$ftrace" snapshot "$pid" 2> log
    set -- ftrace-*Z.data
    [ -e "$1" ] || fail "no name: $(ls)"
    echo precious > other
    fails "$folder/other: exists" "$ftrace" snapshot "$pid" -o other
    [ "$(cat other)" = precious ] || fail "a file was replaced"
    fails "$folder/none/file: process $pid cannot write it: No such file or directory" "$ftrace" snapshot "$pid" -o none/file
    finish
    ;;
elsewhere)
    # The process has other mounts: the path is that of another file there.
    unshare -rm true 2> /dev/null || { echo "skipped: needs a user namespace, to mount a file system"; exit 77; }
    mkdir inner
    start unshare -rm sh -c 'mount -t tmpfs none inner && exec env LD_PRELOAD="$1" FTRACE_RECORD="$2/trace.data" "$3"' sh "$library" "$folder" "$program"
    "$ftrace" snapshot "$pid" -o inner/file 2> log
    there=/proc/$pid/root$folder/inner/file
    grep -qF "$folder/inner/file: is in the file system of process $pid, which has mounts or a root directory of its own" log || fail "$(cat log)"
    grep -qF "ftrace report $there" log || fail "$(cat log)"
    [ ! -e inner/file ] || fail "the mount is the same"
    cp "$there" copy
    [ "$(functions_in copy)" = "work_one work_two " ] || fail "the snapshot"
    mkdir inner/only-here
    fails "cannot write it: No such file or directory; it has mounts or a root directory of its own" "$ftrace" snapshot "$pid" -o inner/only-here/file
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
    for arguments in "notrace $pid" "trigger $pid" "trigger $pid --none x:snapshot" "notrace $pid --none --add" "trigger"; do
        status=0
        "$ftrace" $arguments > out 2> err || status=$?
        [ $status = 64 ] || fail "$arguments: $status"
    done
    fails 'no such process' "$ftrace" trigger 2147483647 x:snapshot
    fails 'is not being recorded' "$ftrace" notrace $$ x
    has "$pid" state=on
    kill -9 "$pid"
    wait $job || :
    exec 3>&-
    fails 'has ended' "$ftrace" status "trace.data"
    ;;
esac
