#!/bin/sh
# SPDX-License-Identifier: MIT
#
# command.sh MODE COMMAND LIBRARY PROGRAM - ftrace attach, record -P, detach and status, as a user calls them, for a program that
# knows nothing of ftrace.
set -eu

mode=$1 ftrace=$2 library=$3 program=$4
folder=$(mktemp -d)
tool=
trap 'exec 3>&- || :; [ -z "$tool" ] || kill -9 $tool 2>/dev/null || :; rm -rf "$folder"' EXIT
cd "$folder"
export FTRACE_LIBRARY="$library"

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
    wait $job || fail "the program has ended with $?"
    rm input output
}

# will WHAT COMMAND...: it succeeds, within a minute.
will() {
    what=$1
    shift
    tries=0
    until "$@" > /dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || fail "$what"
        sleep 0.1
    done
}

has() {
    "$ftrace" status --raw "$1" | grep -qx "$2"
}

# fails STATUS WITH COMMAND...: one line says why.
fails() {
    expected=$1 with=$2 status=0
    shift 2
    "$@" > out 2> err || status=$?
    [ $status = "$expected" ] || fail "$*: exit status $status instead of $expected: $(cat err)"
    grep -qF "$with" err || fail "$*: $(cat err)"
    [ "$(wc -l < err)" = 1 ] || fail "$*: more than one line: $(cat err)"
}

threads() {
    set -- /proc/"$pid"/task/*
    echo $#
}

descriptors() {
    set -- /proc/"$pid"/fd/*
    echo $#
}

is_alone() {
    [ "$(threads)" = 1 ]
}

attach() {
    "$ftrace" attach "$pid" "$@" > attach.log 2>&1 3>&- &
    tool=$!
    will "it is not recorded: $(cat attach.log)" has "$pid" state=on
}

# The functions that a trace has.
functions_in() {
    "$ftrace" dump --format csv -i "$1" -o - | sed -n '2,$s/.*,\(work_[a-z]*\),.*/\1/p' | sort -u | tr '\n' ' '
}

# Of the program. Functions that have been traced begin with one nop of five bytes, instead of five.
text_of() {
    python3 - "$pid" <<'END'
import hashlib, os, sys
pid = sys.argv[1]
exe = os.readlink(f"/proc/{pid}/exe")
for line in open(f"/proc/{pid}/maps"):
    if line.rstrip().endswith(exe) and "x" in line.split()[1]:
        start, end = (int(x, 16) for x in line.split()[0].split("-"))
        with open(f"/proc/{pid}/mem", "rb") as memory:
            memory.seek(start)
            print(hashlib.sha256(memory.read(end - start).replace(b'\x0f\x1f\x44\x00\x00', b'\x90' * 5)).hexdigest())
END
}

case $mode in
record)
    # Nothing of ftrace is in the process before; afterwards the library, and nothing else. Its name need not be one for LD_PRELOAD.
    mkdir 'a: b'
    cp "$library" 'a: b/libftrace.so.1'
    export FTRACE_LIBRARY="$folder/a: b/libftrace.so.1"
    start "$program"
    before="$(descriptors) $(text_of)"
    ! grep -q libftrace "/proc/$pid/maps" || fail "the program has the library"
    "$ftrace" record -P "$pid" --seconds 1 -f 'work_*' -o trace.data 2> log || fail "$(cat log)"
    grep -q "^ftrace: attached to $pid (" log && grep -q "^ftrace: detached from $pid" log || fail "$(cat log)"
    [ "$(functions_in trace.data)" = "work_one work_two " ] || fail "recorded: $(functions_in trace.data)"
    will "threads are left" is_alone
    [ "$(descriptors) $(text_of)" = "$before" ] || fail "something is left: $(descriptors) $(text_of), before $before"
    finish
    ;;
attach)
    # It stays until it is told to end, by a signal; other commands change what is recorded meanwhile.
    start "$program"
    attach -o trace.data -f work_one
    will "the recording can be changed" "$ftrace" filter "$pid" work_two
    "$ftrace" off "$pid"
    has "$pid" state=off || fail "it is on"
    "$ftrace" on "$pid"
    "$ftrace" trigger "$pid" work_two:snapshot:1
    will "no snapshot" [ -e trace.data.1 ]
    "$ftrace" snapshot "$pid" -o snapshot.data 2> log
    case $(functions_in snapshot.data) in
        *work_two*) ;;
        *) fail "the snapshot: $(functions_in snapshot.data)" ;;
    esac
    kill -TERM $tool
    wait $tool || fail "exit status $?: $(cat attach.log)"
    tool=
    grep -q "^ftrace: detached from $pid" attach.log || fail "$(cat attach.log)"
    [ -s trace.data ] || fail "no trace"
    will "threads are left" is_alone
    has "$pid" state=none || fail "it is recorded"
    finish
    ;;
interrupted)
    # Ctrl-C
    start "$program"
    python3 - "$ftrace" "$pid" <<'END' || fail "$(cat attach.log)"
import signal, subprocess, sys, time
log = open("attach.log", "w")
tool = subprocess.Popen([sys.argv[1], "attach", sys.argv[2]], stderr=log,
                        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
for _ in range(600):
    if "Ctrl-C detaches" in open("attach.log").read():
        break
    time.sleep(0.1)
tool.send_signal(signal.SIGINT)
sys.exit(tool.wait())
END
    grep -q "^ftrace: detached from $pid" attach.log || fail "$(cat attach.log)"
    [ -z "$(ls ./*.data* 2> /dev/null)" ] || fail "a file was written: $(ls)"
    finish
    ;;
stopped)
    # The agent does not answer: it is said why; the next signal ends the command, and the process ends the recording when it continues.
    start "$program"
    attach -o trace.data
    kill -STOP "$pid"
    will "it is stopped" grep -q '^State:.T' "/proc/$pid/status"
    kill -TERM $tool
    will "it is not said what is waited for" grep -qF "waits for the process, which is stopped by a signal; continue it with: kill -CONT $pid. Ctrl-C" attach.log
    kill -TERM $tool
    status=0
    wait $tool 2> /dev/null || status=$?
    tool=
    [ $status = 143 ] || fail "exit status $status: $(cat attach.log)"
    grep -q "the process goes on, and ends a recording" attach.log || fail "$(cat attach.log)"
    kill -CONT "$pid"
    will "threads are left" is_alone
    has "$pid" state=none || fail "it is recorded"
    # It continues in time.
    attach -o trace.data
    kill -STOP "$pid"
    kill -TERM $tool
    will "it is not said what is waited for" grep -q "waits for the process" attach.log
    kill -CONT "$pid"
    wait $tool || fail "exit status $?: $(cat attach.log)"
    tool=
    grep -q "^ftrace: detached from $pid" attach.log || fail "$(cat attach.log)"
    [ "$(functions_in trace.data)" = "work_one work_two " ] || fail "recorded: $(functions_in trace.data)"
    finish
    ;;
detach)
    start "$program"
    attach -o trace.data
    "$ftrace" detach "$pid"
    wait $tool || fail "exit status $?: $(cat attach.log)"
    tool=
    grep -q "the recording was ended by another process" attach.log || fail "$(cat attach.log)"
    [ -s trace.data ] || fail "no trace"
    will "threads are left" is_alone
    fails 1 'is not being recorded' "$ftrace" detach "$pid"
    finish
    # A recording that the program was started with is not ended.
    start env LD_PRELOAD="$library" FTRACE_RECORD="$folder/own.data" "$program"
    fails 1 'was started by the process itself' "$ftrace" detach "$pid"
    has "$pid" state=on || fail "it is off"
    fails 93 'a recording runs already' "$ftrace" attach "$pid"
    finish
    ;;
held)
    start "$program"
    attach
    fails 93 "another process is attached: $tool" "$ftrace" attach "$pid"
    fails 93 "another process is attached: $tool" "$ftrace" record -P "$pid" --seconds 1 -o second.data
    [ ! -e second.data ] || fail "a file was written"
    has "$pid" state=on || fail "it is off"
    # The tool is killed: the process is as it was.
    kill -9 $tool
    wait $tool 2> /dev/null || :
    tool=
    will "threads are left" is_alone
    has "$pid" state=none || fail "it is recorded"
    "$ftrace" record -P "$pid" --seconds 1 -o trace.data -q
    [ "$(functions_in trace.data)" = "work_one work_two " ] || fail "recorded: $(functions_in trace.data)"
    finish
    ;;
again)
    start "$program"
    "$ftrace" record -P "$pid" --seconds 1 -q -o trace.data
    will "threads are left" is_alone
    before="$(descriptors) $(grep -c . "/proc/$pid/maps")"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        attach -q
        kill -TERM $tool
        wait $tool || fail "exit status $?"
        tool=
        will "threads are left" is_alone
    done
    [ "$(descriptors) $(grep -c . "/proc/$pid/maps")" = "$before" ] || fail "it has grown: $(descriptors) $(grep -c . "/proc/$pid/maps"), before $before"
    finish
    ;;
ended)
    # The process ends while it is recorded: what it has done is in the file.
    start "$program"
    attach -o trace.data
    exec 3>&-
    wait $job || fail "the program has ended with $?"
    wait $tool || fail "exit status $?: $(cat attach.log)"
    tool=
    grep -q "the process has ended" attach.log || fail "$(cat attach.log)"
    [ "$(functions_in trace.data)" = "work_one work_two " ] || fail "recorded: $(functions_in trace.data)"
    ;;
status)
    start "$program"
    # A file of that name is ./PID.
    echo text > "$pid"
    fails 1 'is not a trace file' "$ftrace" status "./$pid"
    fails 1 'is not being recorded' "$ftrace" status "$pid"
    "$ftrace" list "$pid" | grep -q work_one || fail "the functions of a file are listed"
    fails 1 'no such process' "$ftrace" status 99999999999
    finish
    start env LD_PRELOAD="$library" "$program"
    echo text > "$pid"
    "$ftrace" status "$pid" > out
    grep -q "not recorded; record it with: ftrace attach $pid" out && grep -q "^library:  /" out || fail "$(cat out)"
    "$ftrace" record -P "$pid" --seconds 1 -q -o trace.data # and there is a file of that name
    [ "$(functions_in trace.data)" = "work_one work_two " ] || fail "recorded: $(functions_in trace.data)"
    finish
    ;;
socket)
    start env LD_PRELOAD="$library" FTRACE_CONTROL="$folder/socket" "$program"
    will "no socket" [ -S socket ]
    [ "$(stat -c %a socket)" = 600 ] || fail "$(ls -l socket)"
    "$ftrace" record -P "$folder/socket" --seconds 1 -q -o trace.data
    [ "$(functions_in trace.data)" = "work_one work_two " ] || fail "recorded: $(functions_in trace.data)"
    "$ftrace" attach socket > attach.log 2>&1 3>&- &
    tool=$!
    will "it is not recorded" has "$pid" state=on
    fails 93 "another process is attached: $tool" "$ftrace" attach socket
    kill -TERM $tool
    wait $tool || fail "$(cat attach.log)"
    tool=
    # It has waited for an answer, and has it: the first signal detaches, as always.
    kill -STOP "$pid"
    will "it is not stopped" grep -q '^State:.T' "/proc/$pid/status"
    "$ftrace" attach socket -o waited.data > attach.log 2>&1 3>&- &
    tool=$!
    will "it is not said what is waited for" grep -q "waits for the process" attach.log
    kill -CONT "$pid"
    will "it is not recorded" has "$pid" state=on
    will "it is not attached" grep -q "attached to" attach.log
    kill -TERM $tool
    wait $tool || fail "exit status $?: $(cat attach.log)"
    tool=
    [ "$(functions_in waited.data)" = "work_one work_two " ] || fail "recorded: $(functions_in waited.data)"
    finish
    [ ! -e socket ] || fail "the socket is left"
    ;;
stream)
    start "$program"
    fails 1 'name it with -o FILE' "$ftrace" attach --stream "$pid"
    "$ftrace" record -P "$pid" --seconds 1 --stream -o trace.data 2> log
    ! grep -q overwritten log || fail "$(cat log)"
    [ "$(functions_in trace.data)" = "work_one work_two " ] || fail "recorded: $(functions_in trace.data)"
    "$ftrace" record -P "$pid" --seconds 1 -p sample --hz 200 -q -o samples.data
    "$ftrace" stat samples.data > /dev/null
    finish
    # One that sleeps uses no CPU time.
    start sh -c 'echo $$; exec cat'
    will "it is not the program" grep -q '^Name:.cat$' "/proc/$pid/status"
    "$ftrace" record -P "$pid" --seconds 1 -p sample -o samples.data 2> log
    grep -q "samples.data: nothing was recorded: no sample was taken: the threads have used too little CPU time" log || fail "$(cat log)"
    finish
    ;;
errors)
    start "$program"
    fails 70 'no such process' "$ftrace" attach 2147483647
    fails 70 'give the id of a process' "$ftrace" attach ./nothing
    for arguments in "attach" "record" "record -P $pid $program" "record --seconds 3 $program" "attach $pid --seconds x" "attach $pid -f"; do
        status=0
        # shellcheck disable=SC2086 # words
        "$ftrace" $arguments > out 2> err || status=$?
        [ $status = 64 ] || fail "$arguments: $status: $(cat err)"
    done
    fails 1 '[' "$ftrace" attach "$pid" -f '['
    attach -f nothing_of_this_name -f work_one
    will "no warning" grep -qF "ftrace: -f nothing_of_this_name: no function of process $pid matches; see: ftrace list $pid" attach.log
    kill -TERM $tool
    wait $tool || fail "exit status $?: $(cat attach.log)"
    tool=
    mkdir directory
    fails 1 'is a directory' "$ftrace" record -P "$pid" -o directory
    [ ! -e ftrace.data ] || fail "a file was written"
    will "threads are left" is_alone
    finish
    ;;
*) fail "unknown mode $mode" ;;
esac
