#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh FTRACE FOLDER [EVENTS] - how fast the command reads traces of so many million events (100), and in how much memory.
set -euo pipefail

ftrace=$1
folder=$2
events=${3:-100}
here=$(dirname "$(realpath "$0")")
compile=("${CC:-gcc}" -std=gnu11 -O2 -Wall -Wextra -Werror)

[[ $events =~ ^[1-9][0-9]{0,4}$ ]] || {
    echo "bench tool: $events: is not a number of million events" >&2
    exit 64
}

mkdir -p "$folder"
available=$(df --output=avail -k "$folder" | tail -n 1)
if [ "$((events * 16 * 1000 + 1000000))" -gt "$available" ]; then
    echo "bench tool: $folder has no room for $((events * 16)) MB; give fewer million events" >&2
    exit 3
fi

"${compile[@]}" "$here/trace_file.c" -o "$folder/trace_file"
"${compile[@]}" "$here/measure.c" -o "$folder/measure"
trap 'rm -f "$folder/bench.data"' EXIT

echo "$events million events; $(nproc) CPUs, load $(cut -d ' ' -f 1 /proc/loadavg)"
printf '%-28s %8s %10s %10s %11s\n' '' 'M/s' 'M/CPU s' 'at least' 'memory'
for threads in 1 2 16; do
    rm -f "$folder/bench.data"
    "$folder/trace_file" "$folder/bench.data" "${events}000000" "$threads"
    measure() {
        "$folder/measure" "$1, threads: $threads" "$events" "$2" "$ftrace" "${@:3}"
    }
    measure "stat" 20 stat "$folder/bench.data"
    if [ "$threads" = 2 ]; then
        measure "stat --by-thread" 20 stat --by-thread "$folder/bench.data"
        measure "graph" 0 graph -i "$folder/bench.data"
        measure "dump perfetto" 5 dump --format perfetto "$folder/bench.data"
        measure "dump chrome" 3 dump --format chrome "$folder/bench.data"
    fi
done
