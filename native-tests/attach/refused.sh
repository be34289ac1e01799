#!/bin/bash
# refused.sh CASE COMMAND FOLDER CC: a process that cannot be attached to. The command says why, and how it can be changed, with an
# exit status of its own; the process goes on, and ends with its own status.
set -u
case=$1 command=$2 folder=$3 cc=$4
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$work"' EXIT

fail() {
    echo "$case: $*" >&2
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

# start COMMAND...: its input ends with this shell, or with finish
start() {
    mkfifo "$work/in"
    "$@" <"$work/in" >"$work/out" &
    pid=$!
    exec 9>"$work/in"
    for _ in $(seq 6000); do
        grep -q ready "$work/out" && return
        sleep 0.01
    done
    fail "the target does not start"
}

# finish STATUS: the target ends with that status
finish() {
    exec 9>&-
    wait "$pid"
    local status=$?
    pid=
    [ "$status" = "$1" ] || fail "the target ends with $status, not $1"
}

# refused STATUS PATTERN PID OPTION...
refused() {
    local want=$1 pattern=$2 target=$3 library=$folder/agent/libftrace.so
    shift 3
    case " $* " in *" --library "*) ;; *) set -- --library "$library" "$@" ;; esac
    "$command" attach-probe "$target" "$@" >"$work/answer" 2>&1
    local status=$?
    [ "$status" = "$want" ] || fail "exit status $status, not $want: $(cat "$work/answer")"
    grep -q -- "$pattern" "$work/answer" || fail "no '$pattern' in: $(cat "$work/answer")"
}

"$cc" -O2 -o "$work/idle" "$here/idle.c" -pthread || fail "the target is not compiled"

case $case in
none)
    refused 70 'no such process' 4194305
    ;;
kernel)
    [ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ] || skip "no thread of the kernel is seen here"
    refused 72 'thread of the kernel' 2
    ;;
ended)
    start "$work/idle" zombie
    refused 71 'has ended' "$(head -n 1 "$work/out")"
    finish 42
    ;;
stopped)
    start "$work/idle"
    kill -STOP "$pid"
    until grep -q '^State:.T' "/proc/$pid/status"; do sleep 0.01; done
    refused 90 "kill -CONT $pid" "$pid"
    kill -CONT "$pid"
    finish 42
    ;;
traced)
    command -v strace >/dev/null || skip "strace"
    start "$work/idle"
    strace -o "$work/trace" -p "$pid" 2>/dev/null &
    tracer=$!
    until ! grep -q '^TracerPid:.0$' "/proc/$pid/status"; do sleep 0.01; done
    refused 77 "by process $tracer (strace)" "$pid"
    kill "$tracer"
    wait "$tracer"
    finish 42
    ;;
static)
    "$cc" -O2 -static -o "$work/static" "$here/idle.c" -pthread 2>/dev/null || skip "no static libc"
    start "$work/static"
    refused 74 'statically' "$pid"
    finish 42
    ;;
seccomp)
    start "$work/idle" seccomp
    refused 81 'use --force' "$pid"
    refused 0 was_loaded=0 "$pid" --force
    finish 42
    ;;
user)
    [ "$(id -u)" = 0 ] || skip "needs root"
    start "$work/idle"
    chmod 755 "$work"
    setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null || skip "no setpriv"
    setpriv --reuid=65534 --regid=65534 --clear-groups "$command" --help >/dev/null 2>&1 || skip "the command cannot be run by other users here"
    setpriv --reuid=65534 --regid=65534 --clear-groups "$command" attach-probe "$pid" --library "$folder/agent/libftrace.so" >"$work/answer" 2>&1
    status=$?
    [ "$status" = 78 ] || fail "exit status $status: $(cat "$work/answer")"
    grep -q 'belongs to user 0' "$work/answer" || fail "$(cat "$work/answer")"
    finish 42
    ;;
memory)
    start "$work/idle"
    prlimit --pid "$pid" --as=$((1 << 20)) || skip "no prlimit"
    refused 87 'cannot open the library: ' "$pid"
    finish 42
    ;;
stack)
    # shellcheck disable=SC2016
    start sh -c 'ulimit -s 128 && exec "$0"' "$work/idle"
    refused 84 'of its stack left' "$pid"
    finish 42
    ;;
main)
    start "$work/idle" main
    until grep -q '^State:.Z' "/proc/$pid/status"; do sleep 0.01; done
    refused 71 'main thread has ended' "$pid"
    finish 0
    ;;
version)
    start "$work/idle"
    refused 83 'has no agent' "$pid" --library "$folder/old/libftrace.so"
    refused 83 'no agent' "$pid"
    finish 42
    ;;
visible)
    unshare -m true 2>/dev/null || skip "no mount namespaces here"
    mkdir -p "$work/hidden/folder" "$work/hidden/taken"
    cp "$folder/agent/libftrace.so" "$work/hidden/"
    # What is at the library's path is a FIFO; and a link leads to another folder here than there.
    # shellcheck disable=SC2016
    start unshare -m sh -c 'mount -t tmpfs none "$1" && cd "$1" && mkdir folder && ln -s "$1/folder" link &&
        mkfifo libftrace.so && cp "$3" folder && exec "$2"' sh "$work/hidden" "$work/idle" "$folder/agent/libftrace.so"
    refused 82 "$work/hidden/libftrace.so is not there; .* --copy-to" "$pid" --library "$work/hidden/libftrace.so"
    refused 82 'No such file' "$pid" --library "$work/hidden/libftrace.so" --copy-to "$work/hidden/taken"
    there=/proc/$pid/root$work/hidden/folder/libftrace.so
    before=$(stat -c %i "$there")
    refused 0 was_loaded=0 "$pid" --library "$work/hidden/libftrace.so" --copy-to "$work/hidden/link"
    [ -z "$(ls "$work/hidden/folder")" ] || fail "the library is in a folder that the process does not see"
    # Nobody can change the new one between a look at it and its use.
    [ "$(stat -c %i "$there")" != "$before" ] || fail "a file that was there is used"
    [ "$(ls "/proc/$pid/root$work/hidden/folder")" = libftrace.so ] || fail "more is left there"
    refused 0 was_loaded=1 "$pid"
    finish 42
    ;;
thread)
    start "$work/idle" thread
    until grep -qv ready "$work/out"; do sleep 0.01; done
    refused 0 was_loaded=0 "$(grep -v ready "$work/out")"
    finish 42
    ;;
mapped)
    start "$work/idle" mapped "$folder/agent/libftrace.so"
    refused 0 was_loaded=0 "$pid"
    refused 0 was_loaded=1 "$pid"
    finish 42
    ;;
aborts)
    start "$work/idle"
    refused 88 SIGABRT "$pid" --library "$folder/aborts/libftrace.so"
    finish 42
    ;;
faults)
    start "$work/idle"
    refused 88 SIGSEGV "$pid" --library "$folder/faults/libftrace.so"
    finish 42
    ;;
waits)
    start "$work/idle"
    refused 89 'has not returned' "$pid" --library "$folder/waits/libftrace.so"
    # The constructor returns two seconds later, and the thread is in its call again.
    finish 42
    ;;
*)
    exit 64
    ;;
esac
