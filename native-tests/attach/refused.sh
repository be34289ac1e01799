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
    [ -e "$work/in" ] || mkfifo "$work/in"
    : >"$work/out"
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

# will_be PROGRAM: the target executes it
will_be() {
    for _ in $(seq 6000); do
        [ "$(readlink "/proc/$pid/exe")" != "$1" ] || return
        sleep 0.01
    done
    fail "the target does not start"
}

# refused STATUS PATTERN PID [--as USER | --without CAPABILITY | --kernel VERSION] OPTION...
refused() {
    local want=$1 pattern=$2 target=$3 library=$folder/agent/libftrace.so before=()
    shift 3
    case ${1:-} in
    --as)
        before=(setpriv --reuid="$2" --regid="$2" --clear-groups)
        shift 2
        ;;
    --without)
        before=(setpriv "--bounding-set=-$2" "--inh-caps=-$2")
        shift 2
        ;;
    --kernel)
        before=("$folder/../host/older-kernel" "$2")
        shift 2
        ;;
    esac
    case " $* " in *" --library "*) ;; *) set -- --library "$library" "$@" ;; esac
    "${before[@]}" "$command" attach-probe "$target" "$@" >"$work/answer" 2>&1 9>&-
    local status=$?
    [ "$status" = "$want" ] || fail "exit status $status, not $want: $(cat "$work/answer")"
    grep -q -- "$pattern" "$work/answer" || fail "no '$pattern' in: $(cat "$work/answer")"
}

"$cc" -O2 -o "$work/idle" "$here/idle.c" -pthread -ldl || fail "the target is not compiled"

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
traced-thread)
    # Only a thread is traced that is not the first one; that one cannot be borrowed.
    command -v strace >/dev/null || skip "strace"
    start "$work/idle" lock thread
    until grep -qv ready "$work/out"; do sleep 0.01; done
    thread=$(grep -v ready "$work/out")
    strace -o "$work/trace" -p "$thread" 2>/dev/null 9>&- &
    tracer=$!
    until ! grep -q '^TracerPid:.0$' "/proc/$pid/task/$thread/status"; do sleep 0.01; done
    refused 77 "by process $tracer (strace)" "$pid"
    kill "$tracer"
    wait "$tracer"
    kill "$pid"
    finish 42
    ;;
traced-gdb)
    command -v gdb >/dev/null || skip "gdb"
    start "$work/idle"
    gdb -q -nx -batch -p "$pid" -ex 'shell echo $PPID > '"$work/gdb" -ex "shell until [ -e $work/go ]; do sleep 0.01; done" >/dev/null 2>&1 9>&- &
    tracer=$!
    until [ -s "$work/gdb" ]; do sleep 0.01; done
    refused 77 "is being traced already, by process $tracer (gdb)" "$pid"
    touch "$work/go"
    wait "$tracer"
    finish 42
    ;;
machine)
    printf '.globl _start\n_start: mov $1, %%edx\n mov %%esp, %%ecx\n mov $0, %%ebx\n mov $3, %%eax\n int $0x80\n' >"$work/other.S"
    printf ' mov $42, %%ebx\n mov $1, %%eax\n int $0x80\n' >>"$work/other.S"
    "$cc" -m32 -nostdlib -static -o "$work/other" "$work/other.S" 2>/dev/null || skip "no 32-bit programs can be linked"
    "$work/other" </dev/null
    [ $? = 42 ] || skip "no 32-bit programs run here"
    # shellcheck disable=SC2016
    start sh -c 'echo ready; exec "$0"' "$work/other"
    will_be "$work/other"
    refused 73 'is a 32-bit program' "$pid"
    finish 42
    ;;
musl)
    command -v musl-gcc >/dev/null || skip "needs package musl-tools"
    musl-gcc -O2 -o "$work/other" -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu "$here/idle.c" -pthread -ldl || fail "not compiled"
    start "$work/other"
    refused 75 'runs with musl' "$pid"
    finish 42
    ;;
go)
    command -v go >/dev/null || skip "needs package golang-go"
    printf 'package main\nimport "os"\nfunc main() {\nprintln("ready")\nos.Stdin.Read(make([]byte, 1))\nos.Exit(42)\n}\n' >"$work/other.go"
    GOCACHE=$folder/go-cache GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=0 go build -o "$work/other" "$work/other.go" || fail "not compiled"
    # shellcheck disable=SC2016
    start sh -c 'exec "$0" 2>&1' "$work/other"
    refused 74 'statically' "$pid"
    finish 42
    ;;
libc)
    # A loader, and no libc
    printf '.globl _start\n_start: mov $1, %%edx\n mov %%rsp, %%rsi\n xor %%edi, %%edi\n xor %%eax, %%eax\n syscall\n' >"$work/other.S"
    printf ' mov $42, %%edi\n mov $60, %%eax\n syscall\n' >>"$work/other.S"
    "$cc" -nostdlib -pie -Wl,--dynamic-linker=/lib64/ld-linux-x86-64.so.2 -o "$work/other" "$work/other.S" || fail "not compiled"
    # shellcheck disable=SC2016
    start sh -c 'echo ready; exec "$0"' "$work/other"
    will_be "$work/other"
    refused 76 'has no glibc' "$pid"
    finish 42
    ;;
static)
    "$cc" -O2 -static -o "$work/static" "$here/idle.c" -pthread -ldl 2>/dev/null || skip "no static libc"
    start "$work/static"
    refused 74 'statically' "$pid"
    finish 42
    ;;
older-kernel)
    start "$work/idle"
    refused 92 'pidfd_open(2) has failed (Function not implemented); it needs Linux 5.6' "$pid" --kernel 5.2
    refused 92 'pidfd_getfd(2) has failed (Function not implemented); it needs Linux 5.6' "$pid" --kernel 5.5
    ! grep -q libftrace "/proc/$pid/maps" || fail "the library has been loaded all the same"
    refused 0 was_loaded=0 "$pid" --kernel 5.6
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
protected)
    # Its user's, and protected from that one: by PR_SET_DUMPABLE; by a program with set-user-ID. Another user's if that is root.
    [ "$(id -u)" = 0 ] || skip "needs root"
    chmod 755 "$work"
    nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    "${nobody[@]}" "$command" --help >/dev/null 2>&1 || skip "the command cannot be run by other users here"
    start "${nobody[@]}" "$work/idle" protected
    refused 79 'PR_SET_DUMPABLE' "$pid" --as 65534
    refused 0 was_loaded=0 "$pid"
    finish 42
    cp "$work/idle" "$work/changes"
    chown 65534 "$work/changes"
    chmod 4755 "$work/changes"
    start setpriv --reuid=65533 --regid=65533 --clear-groups "$work/changes"
    refused 79 'changes the user' "$pid" --as 65534
    refused 78 'belongs to user 65534' "$pid" --as 65533
    finish 42
    chown 0 "$work/changes"
    chmod 4755 "$work/changes"
    start "${nobody[@]}" "$work/changes"
    refused 78 'belongs to user 0' "$pid" --as 65534
    finish 42
    ;;
forbidden)
    [ "$(id -u)" = 0 ] || skip "needs root"
    start "$work/idle"
    refused 80 'cap-add=SYS_PTRACE' "$pid" --without sys_ptrace
    finish 42
    ;;
valgrind)
    command -v valgrind >/dev/null || skip "needs package valgrind"
    start valgrind -q "$work/idle"
    refused 91 'runs in valgrind' "$pid"
    finish 42
    ;;
descriptors)
    # One is left: enough to open the library, not for two sockets
    start "$work/idle"
    free=0
    while [ -e "/proc/$pid/fd/$free" ]; do free=$((free + 1)); done
    prlimit --pid "$pid" --nofile=$((free + 1)) || skip "no prlimit"
    refused 92 'no sockets can be created in it: Too many open files' "$pid"
    [ ! -e "/proc/$pid/fd/$free" ] || fail "a descriptor is left"
    finish 42
    ;;
agent)
    # A library whose agent cannot create its thread
    echo 'int __wrap_pthread_create(void); int __wrap_pthread_create(void) { return 11; }' >"$work/fails.c"
    "$cc" -O2 -shared -fPIC -Wl,--wrap=pthread_create -o "$work/libftrace.so" "$here/agent.c" "$work/fails.c" || fail "not compiled"
    start "$work/idle"
    refused 94 'Resource temporarily unavailable' "$pid" --library "$work/libftrace.so"
    finish 42
    ;;
place | interrupted)
    # It waits for a lock that it has, until SIGTERM
    start "$work/idle" lock
    if [ "$case" = place ]; then
        refused 86 'try again when it waits for something' "$pid"
    else
        "$command" attach "$pid" >"$work/answer" 2>&1 9>&- &
        tool=$!
        # It has the process in its hand: SIGTERM is deferred since
        until readlink "/proc/$tool/fd"/* | grep -q pidfd; do sleep 0.01; done
        kill "$tool"
        wait "$tool"
        status=$?
        [ "$status" = 95 ] || fail "exit status $status: $(cat "$work/answer")"
        grep -q 'interrupted, and nothing was changed' "$work/answer" || fail "$(cat "$work/answer")"
    fi
    ! grep -q libftrace "/proc/$pid/maps" || fail "it has the library"
    kill "$pid"
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
    inode=$(stat -c %i "$there")
    refused 0 was_loaded=0 "$pid" --library "$work/hidden/libftrace.so" --copy-to "$work/hidden/link"
    [ -z "$(ls "$work/hidden/folder")" ] || fail "the library is in a folder that the process does not see"
    # Nobody can change the new one between a look at it and its use.
    [ "$(stat -c %i "$there")" != "$inode" ] || fail "a file that was there is used"
    [ "$(ls "/proc/$pid/root$work/hidden/folder")" = libftrace.so ] || fail "more is left there"
    refused 0 was_loaded=1 "$pid"
    finish 42
    ;;
allocator)
    # Not refused: but a thread that sleeps in an allocator is not borrowed, whether that is a library or part of the program.
    "$cc" -O2 -shared -fPIC -fno-plt -fno-builtin -ftls-model=initial-exec -DALLOCATOR -o "$work/libbackoff.so" "$here/backoff.c" || fail "not compiled"
    "$cc" -O2 -fno-builtin -DPROGRAM -o "$work/linked" "$here/backoff.c" "$work/libbackoff.so" -Wl,-rpath,"$work" -pthread || fail "not compiled"
    "$cc" -O2 -c -fno-builtin -DALLOCATOR -o "$work/backoff.o" "$here/backoff.c" || fail "not compiled"
    "$cc" -O2 -fno-builtin -DPROGRAM -rdynamic -o "$work/built-in" "$here/backoff.c" "$work/backoff.o" -pthread || fail "not compiled"
    for program in linked built-in; do
        for mode in '' sleeps; do
            start "$work/$program" $mode
            refused 0 was_loaded=0 "$pid"
            finish 42
        done
    done
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
namespace)
    start "$work/idle" namespace
    refused 0 was_loaded=0 "$pid"
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
