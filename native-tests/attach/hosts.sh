#!/bin/bash
# SPDX-License-Identifier: MIT
#
# hosts.sh [-p LIBRARY] [-r] CASE ROUNDS COMMAND LIBRARY UNTIL COMMAND-OF-PROGRAM... - the command ftrace is attached to a real
# program, takes a snapshot, and leaves: ROUNDS times. The program checks its results, and ends as without. Nothing of ftrace is left
# in it but the library.
#
# CASE is "program": one of native-tests/host/programs, which is run untouched too, and must write the same; its functions work_*
# are seen. -p: preload this library; -r: without address space randomization. Or it is one of those below; then PROGRAM is
# one that calls work_one and work_two until its input ends.
set -u

preload=
prefix=()
while :; do
    case $1 in
    -p)
        preload="$preload $2"
        shift 2
        ;;
    -r)
        ! setarch -R true 2>/dev/null || prefix=(setarch -R)
        shift
        ;;
    *) break ;;
    esac
done
case=$1 rounds=$2 ftrace=$3 library=$4 until=$5
shift 5
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
jobs=() tool=
export FTRACE_LIBRARY=$library
export ATTACH_UNTIL=$work/until

finish_all() {
    exec 8>&- 9>&-
    for process in $tool "${jobs[@]}"; do
        kill -9 "$process" 2>/dev/null
    done
    wait 2>/dev/null
    rm -rf "$work"
}
trap finish_all EXIT

fail() {
    echo "$case: $*" >&2
    for file in "$work"/*.err "$work"/*.log; do
        [ ! -s "$file" ] || {
            echo "--- ${file##*/}"
            head -c 4000 "$file"
        } >&2
    done
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

need() {
    command -v "$1" >/dev/null || skip "needs package $2"
}

bound=${FTRACE_TEST_BOUND:-60} # seconds, far from what it takes
# will WHAT COMMAND...: it succeeds
will() {
    local what=$1 end=$((SECONDS + bound))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "not within ${bound}s: $what"
        [ -z "$pid" ] || [ -e "/proc/$pid" ] || fail "the program has ended: $what"
        sleep 0.02
    done
}

# start COMMAND...: a program, whose input is descriptor 9, and whose output is a file; sets job, and pid
pid=
start() {
    mkfifo "$work/in"
    "$@" <"$work/in" >"$work/out" 2>"$work/program.err" 8>&- &
    job=$!
    jobs+=("$job")
    exec 9>"$work/in"
    pid=$job
}

# finish STATUS: its input ends, and the file UNTIL exists: it ends with that status
finish() {
    exec 9>&-
    touch "$ATTACH_UNTIL"
    will_end "$1"
}

will_end() {
    timeout 60 tail -f --pid="$job" /dev/null || fail "the program does not end"
    wait "$job"
    local status=$?
    [ $status = "$1" ] || fail "the program has ended with $status"
}

is_ready() {
    grep -q ready "$work/out"
}

has_output() {
    [ -s "$work/out" ]
}

# child_of PROCESS: its first child
child_of() {
    read -r pid _ <"/proc/$1/task/$1/children"
    [ -n "$pid" ]
}

no_thread_of_ours() {
    ! cat "/proc/$pid"/task/*/comm 2>/dev/null | grep -q '^ftrace-'
}

# What a process has: files, threads, mappings
state() {
    set -- "/proc/$pid/fd"/*
    local files=$#
    set -- "/proc/$pid/task"/*
    echo "$files descriptors, $# threads, $(grep -c . "/proc/$pid/maps") mappings"
}

# Files and mappings that are ftrace's, but for the library
left() {
    {
        readlink "/proc/$pid/fd"/*
        sed 's/^[^/]*//' "/proc/$pid/maps"
    } 2>/dev/null | grep ftrace | grep -v 'libftrace[^/]*$'
}

# Asked again if no thread came to a place where it can be borrowed, as the command says
attached() {
    local status=0
    ! grep -q "ftrace: attached to " "$work/attach.log" || return 0
    ! kill -0 "$tool" 2>/dev/null || return 1
    wait "$tool" || status=$?
    [ $status = 86 ] || fail "ftrace attach has ended with $status"
    start_tool "$@"
    return 1
}

start_tool() {
    : >"$work/attach.log"
    "$ftrace" attach "$pid" "$@" >"$work/attach.log" 2>&1 8>&- 9>&- &
    tool=$!
}

# attach OPTION...
attach() {
    start_tool "$@"
    will "it is attached" attached "$@"
}

detach() {
    kill -TERM "$tool"
    ended
    grep -q "detached from $pid" "$work/attach.log" || fail "not detached"
}

# The command ends, with 0
ended() {
    wait "$tool" || fail "ftrace attach has ended with $?"
    tool=
}

# The process writes it, where it can.
snapshots=$work
root=
snapshot() {
    will "a snapshot" has_snapshot
}

# Asked again if threads that begin have taken all buffers, as the command says
has_snapshot() {
    rm -f "$root$snapshots/snapshot.data"
    "$ftrace" snapshot "$pid" -o "$snapshots/snapshot.data" >"$work/snapshot.log" 2>&1 8>&- 9>&- && return
    grep -q "try again" "$work/snapshot.log" || fail "no snapshot"
    return 1
}

work_is_seen() {
    will "its functions are seen" sees_work
}

sees_work() {
    snapshot
    "$ftrace" stat "$root$snapshots/snapshot.data" >"$work/stat.log" 2>&1 && grep -q work_ "$work/stat.log"
}

has_samples() {
    snapshot
    "$ftrace" stat "$root$snapshots/snapshot.data" >"$work/stat.log" 2>&1 && [ "$(grep -A 1 SAMPLES "$work/stat.log" | wc -l)" = 2 ]
}

# attach_rounds ACTION [exact] OPTION...: ACTION is what is done while it is attached; exact: it has the same number of files, threads and
# mappings after each round
around=: # what is done before and after
attach_rounds() {
    local action=$1 i before='' exact=
    shift
    [ "${1:-}" != exact ] || {
        exact=1
        shift
    }
    for ((i = 1; i <= rounds; i++)); do
        "$around"
        attach "$@"
        "$action"
        detach
        "$around"
        will "its threads are gone" no_thread_of_ours
        [ -z "$(left)" ] || fail "left: $(left)"
        [ -z "$exact" ] || [ -z "$before" ] || [ "$(state)" = "$before" ] || fail "round $i: $(state); before: $before"
        [ -n "$before" ] || before=$(state)
    done
    echo "$rounds rounds; $before"
}

# ask QUESTION ANSWER: of a program that answers line by line
ask() {
    echo "$1" >&9
    answer=$2
    asked=$((asked + 1))
    will "an answer to $1" answered
}

answered() {
    [ "$(wc -l <"$work/out")" -ge "$asked" ] && {
        [ "$(tail -n 1 "$work/out")" = "$answer" ] || fail "$(tail -n 1 "$work/out") instead of $answer"
    }
}
asked=0

ask_bash() {
    ask $((asked + 3)) $(((asked + 3) * (asked + 3)))
}

ask_sqlite() {
    ask "select count(*), sum(x * $asked) from (with recursive n(x) as (values(1) union all select x + 1 from n where x < 100) select x from n);" \
        "100|$((asked * 5050))"
}

# refused STATUS PATTERN OPTION...
refused() {
    local want=$1 pattern=$2
    shift 2
    "$ftrace" attach "$pid" "$@" >"$work/attach.log" 2>&1 8>&- 9>&-
    local status=$?
    [ $status = "$want" ] || fail "exit status $status instead of $want"
    grep -q -- "$pattern" "$work/attach.log" || fail "no '$pattern'"
}

case $case in
program)
    touch "$ATTACH_UNTIL"
    timeout 60 "${prefix[@]}" env TOGGLE_PATTERN=. LD_PRELOAD="$preload $until" "$@" >"$work/untouched" 2>"$work/untouched.err" ||
        fail "untouched, it has ended with $?"
    rm "$ATTACH_UNTIL"
    start "${prefix[@]}" env TOGGLE_PATTERN=. LD_PRELOAD="$preload $until" "$@"
    # The program itself, not what starts it
    will "it has started" grep -qs -F "$until" "/proc/$pid/maps"
    attach_rounds work_is_seen -f 'work_*'
    finish 0
    cmp "$work/untouched" "$work/out" || fail "it has written $(cat "$work/out") instead of $(cat "$work/untouched")"
    ;;
python-sleeps)
    need python3 python3
    start python3 "$here/hosts.py" sleeps "$ATTACH_UNTIL"
    will "it has started" is_ready
    attach_rounds snapshot exact
    finish 0
    ;;
python-works)
    need python3 python3
    start python3 "$here/hosts.py" works "$ATTACH_UNTIL"
    will "it has started" is_ready
    wait_for_samples() {
        will "samples" has_samples
    }
    attach_rounds wait_for_samples -p sample
    finish 0
    ;;
threads)
    need python3 python3
    start python3 "$here/hosts.py" threads "$ATTACH_UNTIL"
    will "it has started" is_ready
    attach_rounds snapshot exact
    finish 0
    ;;
bash)
    start bash -c 'while read -r number; do echo $((number * number)); done; exit 7'
    around=ask_bash
    attach_rounds ask_bash exact
    finish 7
    ;;
sqlite)
    need sqlite3 sqlite3
    start sqlite3 -batch :memory:
    around=ask_sqlite
    attach_rounds ask_sqlite exact
    finish 0
    ;;
forks)
    # shellcheck disable=SC2016
    start bash -c 'until [ -e "$ATTACH_UNTIL" ]; do
            [ "$(echo 4711)" = 4711 ] || exit 1
            /bin/sh -c "exit 5"
            [ $? = 5 ] || exit 2
            echo ready
        done'
    will "it has started" is_ready
    attach_rounds snapshot
    finish 0
    ;;
exec)
    # shellcheck disable=SC2016
    start bash -c 'read -r first; exec bash -c "read -r second; exit \$second"'
    for ((i = 0; i < rounds; i++)); do
        [ $i = 0 ] || start bash -c 'read -r first; exec bash -c "read -r second; exit \$second"'
        attach -o "$work/trace.data"
        echo go >&9
        ended
        grep -q "has executed another program" "$work/attach.log" || fail "the command does not say that it was replaced"
        ! grep -q libftrace "/proc/$pid/maps" || fail "the library is in the new program"
        attach
        detach
        echo 6 >&9
        will_end 6
        exec 9>&-
        rm "$work/in"
    done
    ;;
redis)
    need redis-cli redis-tools
    # The server is the same program, by its name.
    # shellcheck disable=SC2016
    start bash -c 'exec -a redis-server "$0" "$@"' "$(command -v redis-check-rdb)" \
        --port 0 --unixsocket "$work/socket" --save "" --appendonly no --dir "$work"
    query() {
        redis-cli -s "$work/socket" "$@" 2>/dev/null 8>&- 9>&-
    }
    pongs() {
        [ "$(query ping)" = PONG ]
    }
    count=0
    counts() {
        count=$((count + 1))
        [ "$(query incr counter)" = $count ] || fail "the counter is not $count"
    }
    counts_and_samples() {
        counts
        will "samples" has_samples
    }
    will "it answers" pongs
    redis-benchmark -s "$work/socket" -c 20 -n 10000 -t set,get -l -q >/dev/null 2>&1 8>&- 9>&- &
    load=$!
    jobs+=("$load")
    attach_rounds counts
    attach_rounds counts_and_samples -p sample
    counts
    kill -0 $load || fail "the load has ended"
    kill -9 $load
    wait $load 2>/dev/null
    query shutdown nosave
    will_end 0
    ;;
user)
    [ "$(id -u)" = 0 ] || skip "needs root"
    command -v setpriv >/dev/null || skip "needs package util-linux"
    chmod 755 "$work"
    snapshots=$work/snapshots
    mkdir -m 777 "$snapshots"
    cp "$library" "$work/libftrace.so.1"
    cp "$1" "$work/program"
    export FTRACE_LIBRARY=$work/libftrace.so.1
    start setpriv --reuid=65534 --regid=65534 --clear-groups "$work/program"
    will "it has started" has_output
    attach_rounds work_is_seen exact
    finish 0
    ;;
filtered)
    need python3 python3
    start python3 "$here/hosts.py" filtered "$ATTACH_UNTIL" "$1"
    will "it has started" has_output
    refused 81 'use --force'
    attach_rounds work_is_seen exact --force
    finish 0
    ;;
mounts)
    unshare -m true 2>/dev/null || skip "no mount namespaces here"
    mkdir "$work/hidden"
    cp "$library" "$work/hidden/libftrace.so.1"
    export FTRACE_LIBRARY=$work/hidden/libftrace.so.1
    # shellcheck disable=SC2016
    # Here its path is that of another program.
    cp /bin/true "$work/hidden/program"
    start unshare -m sh -c 'mount -t tmpfs none "$1" && cp "$2" "$1/program" && exec "$1/program"' sh "$work/hidden" "$1"
    will "it has started" has_output
    refused 82 "name a folder of that file system with --copy-to"
    attach_rounds work_is_seen exact --copy-to "$work/hidden"
    attach -o "$work/trace.data" -f nothing_of_this_name
    detach
    grep -q "nothing was recorded: .*; $work/hidden/program has [1-9][0-9]* that can be traced, see: ftrace list $pid$" "$work/attach.log" ||
        fail "the reason is another program's"
    finish 0
    ;;
container)
    need python3 python3
    unshare -m true 2>/dev/null || skip "no mount namespaces here"
    mkdir "$work/root"
    # What a container of glibc has
    for file in $(ldd "$1" "$library" | sed -n 's/.*[[:space:]]\(\/[^ ]*\) (0x.*/\1/p' | sort -u); do
        mkdir -p "$work/root${file%/*}"
        cp -L "$file" "$work/root$file"
    done
    cp "$1" "$work/root/program"
    start python3 "$here/hosts.py" container "$work/root" /program
    will "it has started" has_output
    will "a child" child_of "$job"
    grep -q '^NSpid:.*[[:space:]]1$' "/proc/$pid/status" || fail "it is in no pid namespace"
    refused 82 "is not there"
    mkdir "$work/root/tmp"
    snapshots=/tmp root=/proc/$pid/root
    attach_rounds work_is_seen exact --copy-to /lib
    grep -qF "/proc/$pid/root/tmp/snapshot.data" "$work/snapshot.log" || fail "where is the snapshot?"
    finish 0
    ;;
pids)
    unshare -pf --mount-proc true 2>/dev/null || skip "no pid namespaces here"
    start unshare -pf --mount-proc "$1"
    will "it has started" has_output
    will "a child" child_of "$job"
    attach_rounds work_is_seen exact
    grep -q "attached to $pid (" "$work/attach.log" || fail "another id"
    status_is_of() {
        "$ftrace" status "$1" | grep -qx "process:  $pid" && "$ftrace" status --raw "$1" | grep -qx "pid=$pid"
    }
    status_is_of "$pid" || fail "idle, it has another id"
    attach --stream -o "$work/trace.data"
    will "recorded, it has another id" status_is_of "$pid"
    status_is_of "$(echo "$work/trace.data".*.tmp)" || fail "the file has another id"
    detach
    # The library listens on a socket there.
    start_listening() {
        rm "$work/in"
        start unshare -pf --mount-proc env LD_PRELOAD="$library" FTRACE_CONTROL="$work/socket" "$1"
        will "a child" child_of "$job"
        will "a socket" [ -S "$work/socket" ]
    }
    finish 0
    start_listening "$1"
    "$ftrace" attach -s 1 "$work/socket" >"$work/attach.log" 2>&1 8>&- 9>&- || fail "not attached"
    grep -q "attached to $pid (" "$work/attach.log" || fail "by its socket, it has another id"
    finish 0
    ;;
*) exit 64 ;;
esac
