#!/bin/bash
# SPDX-License-Identifier: MIT
#
# soak.sh MINUTES BUILD PREFIX [SEED] - all that the library does, in turn, under random seeds, until the time is over: see usage.
#
# Two processes live as long as the soak, soak-life and soak-target. What they have after each turn must not grow. Programs
# that live for one turn only check themselves; the hammer is looked at once a second.
set -u

usage() {
    cat <<'END'
usage: soak.sh MINUTES BUILD PREFIX [SEED]

Takes turns until MINUTES are over:
  patch      the hammer: code changes while it is executed
  ops        the hammer: handlers come and go
  graph      the hammer: handlers at both ends of calls
  recorder   threads that come and go are recorded, streamed, sampled, and each event is checked
  life       one process does everything that the library has, for the whole soak
  attach     ftrace attaches to one process again and again, for the whole soak, and is killed at times
  test       one of the long tests (./build.sh soak NAME): real hosts, attached and not
  program    Lua, jsoncpp or Zstandard, as ./build.sh run, traced while they work

If MINUTES are 10 or more, the C parts with the sanitizers and the tests under valgrind come first (soak sanitized, soak valgrind).
A failed turn is printed with the command that repeats it. Exit status: 0 all passed and nothing grows, 1 otherwise, 64 wrong usage.
END
}

[[ $# -ge 3 && $# -le 4 && $1 =~ ^[1-9][0-9]{0,4}$ && ${4:-1} =~ ^[0-9]{1,10}$ ]] || {
    usage >&2
    exit 64
}
minutes=$1 build=$2 prefix=$3 seed=${4:-$((RANDOM << 15 | RANDOM))}
here=$(cd "$(dirname "$0")" && pwd)
tests=$build/native-tests
end=$((SECONDS + minutes * 60))
slice=$((minutes * 60 / 24))
slice=$((slice < 5 ? 5 : slice > 60 ? 60 : slice))
work=$(mktemp -d)
export FTRACE_LIBRARY=$build/lib/libftrace.so.1
RANDOM=$seed
echo "soak: $minutes minutes, seed $seed"

life='' target='' attached=''
finish_all() {
    local process
    for process in $life $target $attached $(jobs -p); do
        kill -9 "$process" 2>/dev/null
    done
    wait 2>/dev/null
    rm -rf "$work"
}
trap finish_all EXIT
trap 'exit 130' INT TERM

# below N: sets $drawn
below() {
    drawn=$(((RANDOM << 15 | RANDOM) % $1))
}

# one_of WORD...: sets $drawn
one_of() {
    below $#
    shift "$drawn"
    drawn=$1
}

left() {
    echo $((end - SECONDS))
}

# grows FILE MEMORY DESCRIPTORS THREADS MAPPINGS: what grows by more
grows() {
    awk -v memory="$2" -v descriptors="$3" -v threads="$4" -v mappings="$5" -f "$here/growth.awk" "$1"
}

# has PID: what it has, as soak-life prints it
has() {
    local memory files tasks mappings
    memory=$(awk '$1 == "RssAnon:" { print $2 }' "/proc/$1/status" 2>/dev/null)
    [ -n "$memory" ] || return
    files=("/proc/$1/fd"/*) tasks=("/proc/$1/task"/*)
    mappings=$(wc -l 2>/dev/null <"/proc/$1/maps")
    echo "has $memory memory, ${#files[@]} descriptors, ${#tasks[@]} threads, ${mappings:-0} mappings"
}

# Each turn: its commands, in $did; what it prints is in $work/log. Its exit status is 0, or 77 if it could not run.

# hammer OPTION...: watched
hammer() {
    below 1000000000
    did="$tests/hammer/hammer --seconds $slice --seed $drawn --no-control $*"
    : >"$work/watched"
    $did >"$work/log" 2>&1 &
    local process=$! status=0
    while kill -0 $process 2>/dev/null; do
        has $process >>"$work/watched"
        sleep 1
    done
    wait $process || status=$?
    case $status in
    0 | 2) ;; # 2: nothing was interrupted in time, of which a busy machine is capable
    3) return 77 ;;
    *) return 1 ;;
    esac
    sed -i '$d' "$work/watched" # it may have been about to end
    grows "$work/watched" 8192 2 2 32 >>"$work/log"
}

threads_and_rate() {
    below 12
    threads=$((1 + drawn))
    below 6000
    rate=$((500 + drawn))
}

turn_patch() {
    threads_and_rate
    one_of "--method stop" "--method stop --mask-all" "--method breakpoint" "--method breakpoint" "--method auto" \
        "--method stop --writer mprotect" "--method breakpoint --writer proc-mem" "--seize"
    local how=$drawn
    below 4000
    hammer "$how" --sites $((16 + drawn)) --threads $threads --nmi-hz $rate
}

turn_ops() {
    threads_and_rate
    one_of "--method stop" "--method breakpoint" "" "--seize"
    hammer --ops "$drawn" --threads $threads --nmi-hz $rate
}

turn_graph() {
    threads_and_rate
    one_of "--method stop" "--method breakpoint" ""
    hammer --graph "$drawn" --threads $threads --nmi-hz $rate
}

turn_recorder() {
    below 1000000000
    local number=$drawn
    threads_and_rate
    one_of "record-churn --threads $((4 + threads * 4)) --hz $rate" "record-story --threads $((1 + threads / 2)) --hz $rate"
    did="$tests/record/$drawn --seconds $slice --seed $number"
    # shellcheck disable=SC2086 # words
    (cd "$work" && timeout $((slice + 300)) $did) >"$work/log" 2>&1
}

turn_life() {
    local i answer
    did="soak-life"
    for ((i = 0; i < slice; i += 5)); do
        below 1000000000
        did="echo 5000 $drawn | $tests/soak/soak-life $tests/soak/libsoak-plugin.so"
        echo "5000 $drawn" >&8
        until read -r -t 120 answer <&7 && [[ $answer = has* ]]; do
            [ -n "$answer" ] || {
                echo "soak-life has ended, or does not answer: $(cat "$work/life.err")" >"$work/log"
                return 1
            }
            echo "$answer" >"$work/log"
            answer=
        done
        echo "$answer" >>"$work/life"
    done
}

is_attached() {
    grep -q "ftrace: attached to " "$work/attach.log"
}

no_thread_of_ours() {
    ! cat "/proc/$target"/task/*/comm 2>/dev/null | grep -q '^ftrace-'
}

# within SECONDS COMMAND...
within() {
    local limit=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $limit ] || return 1
        sleep 0.02
    done
}

ask_target() {
    one_of "status $target" "off $target" "on $target" "filter $target work_*" "list $target" \
        "snapshot $target -o $work/snapshot.data"
    did="ftrace $drawn"
    rm -f "$work/snapshot.data"
    set -f
    # shellcheck disable=SC2086 # words
    "$build/bin/ftrace" $drawn >"$work/log" 2>&1 || grep -q "try again" "$work/log"
    local status=$?
    set +f
    if [[ $how = *--stream* && $drawn = snapshot* ]]; then
        grep -q "a streamed one has no snapshots\|try again" "$work/log"
        status=$?
    fi
    return $status
}

turn_attach() {
    local until=$((SECONDS + slice)) status how
    while [ $SECONDS -lt $until ]; do
        one_of "" "-f work_*" "--stream -o $work/attached.data" "-p sample" "-b 64K"
        how=$drawn did="ftrace attach $target $how"
        rm -f "$work/attached.data"
        : >"$work/attach.log"
        set -f
        # shellcheck disable=SC2086 # words
        "$build/bin/ftrace" attach "$target" $how >"$work/attach.log" 2>&1 7>&- 8>&- 9>&- &
        set +f
        attached=$!
        within 60 eval "is_attached || ! kill -0 $attached 2>/dev/null"
        cp "$work/attach.log" "$work/log"
        is_attached || {
            wait $attached
            status=$?
            attached=
            [ $status = 86 ] && continue # no thread came to a good place
            return 1
        }
        below 4
        case $drawn in
        0) kill -9 $attached ;;
        1) ask_target || return 1 ;;&
        *)
            kill -TERM $attached
            ;;
        esac
        wait $attached 2>/dev/null
        status=$?
        attached=
        [ $status = 0 ] || [ $status = 137 ] || return 1
        did="ftrace attach $target $how, killed"
        within 60 no_thread_of_ours || {
            echo "threads of ftrace are left" >>"$work/log"
            return 1
        }
        kill -0 "$target" 2>/dev/null || return 1
        has "$target" >>"$work/target"
        attaches=$((attaches + 1))
    done
}
attaches=0

turn_test() {
    [ "$(left)" -gt 150 ] || return 77
    # shellcheck disable=SC2046 # names without blanks
    one_of $(ctest --test-dir "$build" -C Soak -L '^soak$' -N |
        sed -n 's/^ *Test *#[0-9]*: \(soak-\(hosts-\|attach-hosts-\|graph-\|agent-\|attach-\|record-\).*\)/\1/p' | grep -v 'gcov\|storm')
    long_test "${drawn#soak-}"
}

# long_test NAME: of ./build.sh soak NAME
long_test() {
    did="./build.sh soak $1"
    ctest --test-dir "$build" -C Soak -L '^soak$' -R "^soak-$1\$" --output-on-failure >"$work/log" 2>&1 || return 1
    ! grep -q 'Skipped\|No tests were found' "$work/log" || return 77
}

turn_sanitized() {
    long_test sanitized
}

turn_valgrind() {
    long_test valgrind
}

turn_program() {
    [ "$(left)" -gt 240 ] || return 77
    one_of lua jsoncpp zstd
    local name=$drawn how status=0
    one_of --graph --graph "" --ops
    how=$drawn
    [ "$name" = lua ] || how=--graph
    did="./build.sh run $name $how"
    # shellcheck disable=SC2086 # none, or one
    "$here/../$name/run.sh" "$build/$name" "$prefix" $how >"$work/log" 2>&1 || status=$?
    [ $status != 3 ] || return 77
    return $status
}

declare -A turns skipped
failures=0
# take_turn MODE
take_turn() {
    local begin=$SECONDS status=0 did=
    : >"$work/log"
    "turn_$1" || status=$?
    turns[$1]=$((${turns[$1]:-0} + 1))
    case $status in
    0) result=passed ;;
    77)
        reason=$(grep . "$work/log" | tail -n 1)
        result="skipped: ${reason:-there is not enough time}"
        skipped[$1]=$((${skipped[$1]:-0} + 1))
        ;;
    *)
        result=FAILED
        failures=$((failures + 1))
        ;;
    esac
    printf '%5d s  %-8s %4d s  %s  %s\n' "$begin" "$1" $((SECONDS - begin)) "${did//"$build"\//}" "$result"
    [ "$result" != FAILED ] || tail -n 100 "$work/log" | sed 's/^/    /'
}

mkfifo "$work/to-life" "$work/from-life" "$work/to-target"
(cd "$work" && exec "$tests/soak/soak-life" "$tests/soak/libsoak-plugin.so" <to-life >from-life 2>life.err) &
life=$!
exec 8>"$work/to-life" 7<"$work/from-life"
"$tests/soak/soak-target" <"$work/to-target" >"$work/target.log" 2>&1 7>&- 8>&- &
target=$!
exec 9>"$work/to-target"
touch "$work/life" "$work/target"

if [ "$minutes" -ge 10 ]; then
    take_turn sanitized
    take_turn valgrind
fi
modes=(patch life ops attach graph recorder test program)
at=0
while [ "$(left)" -gt 0 ]; do
    take_turn "${modes[at % ${#modes[@]}]}"
    at=$((at + 1))
    # What is not there is not asked again.
    for mode in "${!skipped[@]}"; do
        [ "${skipped[$mode]}" -lt 3 ] || modes=("${modes[@]/#%"$mode"/}")
    done
    read -r -a modes <<<"${modes[*]}"
    [ $failures -lt 20 ] || break
done

exec 8>&- 9>&-
wait $life || {
    echo "soak-life has ended with $?: $(cat "$work/life.err")"
    failures=$((failures + 1))
}
life=
wait $target || {
    echo "soak-target has ended with $?: $(cat "$work/target.log")"
    failures=$((failures + 1))
}
target=

echo
for mode in "${!turns[@]}"; do
    echo "$mode: ${turns[$mode]} turns, ${skipped[$mode]:-0} skipped"
done | sort
for process in life target; do
    growth=$(grows "$work/$process" 1024 0 0 16) || {
        echo "soak-$process: $growth"
        failures=$((failures + 1))
    }
    echo "soak-$process: $(wc -l <"$work/$process") looks; at first it $(head -n 1 "$work/$process"), in the middle it $(
        sed -n "$((($(wc -l <"$work/$process") + 1) / 2))p" "$work/$process"), at the end it $(tail -n 1 "$work/$process")"
done
echo "attached and left $attaches times"
echo "soak: $failures failures, seed $seed"
[ $failures = 0 ]
