#!/bin/sh
# SPDX-License-Identifier: MIT
# redis-server, compiled with one more flag and linked with nothing of ours, is attached to while it answers requests.
set -eu

name=attach
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../source.sh"

usage() {
    cat <<'END'
usage: attach.sh BUILD_DIR PREFIX [--seconds N]

Fetches the source of Redis with apt into BUILD_DIR, and compiles it with the flag that makes
functions traceable. Starts redis-server, which knows nothing of the library, and lets
redis-benchmark ask it all the time. Attaches with the command ftrace that is installed in
PREFIX, for N seconds (3); prints which functions took most time; and how many requests a
second were answered before, meanwhile, and after.

Exit code: 0 success, 1 failed, 64 wrong usage, 3 not supported on this system.
END
}

seconds=3
take_option() {
    case ${expects:-} in
    seconds)
        expects=
        seconds=$1
        case $seconds in *[!0-9]* | "" | 0*) return 1 ;; esac
        ;;
    *)
        [ "$1" = --seconds ] || return 1
        expects=seconds
        ;;
    esac
}

end() {
    kill $load $server 2>/dev/null || :
    wait $load $server 2>/dev/null || :
}

ask() {
    "$src/redis-cli" -s "$socket" "$@" 2>/dev/null
}

answered() {
    ask info stats | tr -d '\r' | sed -n 's/^total_commands_processed://p'
}

# rate: the requests that are answered in a second, from now on for some seconds
rate() {
    from=$(answered)
    begin=$(date +%s%N)
    sleep "$seconds"
    to=$(answered)
    echo $(((to - from) * 1000 / (($(date +%s%N) - begin) / 1000000)))
}

# say COMMAND...: shows a command as one would type it, and runs it
say() {
    echo "\$ $*"
    "$@"
}

take_arguments "$@"
[ -z "${expects:-}" ] || wrong_usage
cc=${CC:-gcc}
command -v "$cc" >/dev/null || unsupported "no C compiler (package gcc)"
command -v make >/dev/null || unsupported "no make (package make)"
prepare
[ -x "$prefix/bin/ftrace" ] || failed "no ftrace in $prefix/bin"
PATH=$prefix/bin:$PATH
name=redis
fetch_source redis
name=attach
src=$build/redis/src
if [ ! -x "$src/redis-server" ] || [ ! -x "$src/redis-cli" ]; then
    echo "redis: compiled with -fpatchable-function-entry=5"
    make -C "$src" -j "$(nproc)" redis-server redis-benchmark redis-cli MALLOC=libc OPTIMIZATION=-O2 CC="$cc" \
        CFLAGS=-fpatchable-function-entry=5 >"$build/redis.log" 2>&1 || failed "redis cannot be compiled (see $build/redis.log)"
fi

cd "$build"
folder=$(mktemp -d)
socket=$folder/redis.sock
rm -f redis.data
"$src/redis-server" --port 0 --unixsocket "$socket" --save "" --appendonly no --dir "$folder" >redis-server.log 2>&1 &
server=$!
load=
trap 'end; rm -rf "$folder"' EXIT
tries=0
until [ "$(ask ping || :)" = PONG ]; do
    kill -0 $server 2>/dev/null || failed "redis-server has ended (see $build/redis-server.log)"
    tries=$((tries + 1))
    [ $tries -lt 300 ] || failed "redis-server does not answer"
    sleep 0.1
done
! grep -q libftrace "/proc/$server/maps" || failed "redis-server has the library already"
"$src/redis-benchmark" -s "$socket" -c 20 -n 1000000 -t get,set,lpush,lpop -q -l >/dev/null 2>&1 &
load=$!
tries=0
until [ "$(answered)" -gt 1000 ]; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || failed "redis-benchmark asks nothing"
    sleep 0.1
done

before=$(rate)
echo "redis-server is process $server, which knows nothing of ftrace"
echo "\$ ftrace record -P $server --seconds $seconds --stream -b 64M -o redis.data"
ftrace record -P "$server" --seconds "$seconds" --stream -b 64M -o redis.data &
tracer=$!
tries=0
until ftrace status "$server" >/dev/null 2>&1; do
    kill -0 $tracer 2>/dev/null || break
    tries=$((tries + 1))
    [ $tries -lt 300 ] || failed "nothing is recorded"
    sleep 0.1
done
during=$(rate)
wait $tracer || failed "ftrace record has failed"
after=$(rate)
[ "$(ask ping)" = PONG ] || failed "redis-server does not answer any more"
say ftrace stat redis.data --limit 12
printf 'requests a second: %d before, %d while it was recorded, %d after (%d%% of before)\n' \
    "$before" "$during" "$after" $((after * 100 / before))
