#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh FTRACE LIBRARY OUT: records a program and shows its dumps to those that they are for: uftrace, Chromium (the flame graph), speedscope,
# protoc. Screenshots stay in OUT. PERFETTO_PROTO can name Perfetto's own perfetto_trace.proto, and SPEEDSCOPE the folder of its npm package.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
ftrace=$1
library=$2
out=$3

skip() {
    echo "skipped: needs package $1"
    exit 77
}

for tool in g++:g++ python3:python3 uftrace:uftrace chromium:chromium chromedriver:chromium-driver protoc:protobuf-compiler; do
    command -v "${tool%:*}" >/dev/null || skip "${tool#*:}"
done

rm -rf "$out"
mkdir -p "$out"
g++ -O2 -fpatchable-function-entry=5 -pthread -o "$out/program" "$here/program.cpp"
FTRACE_RECORD="$out/ftrace.data" LD_PRELOAD="$library" "$out/program" 200 >"$out/program.txt"
for format in perfetto chrome speedscope folded svg uftrace csv; do
    "$ftrace" dump "$out/ftrace.data" --format $format -o "$out/dump.$format"
done

python3 "$here/chrome.py" "$out/dump.chrome" "$out/dump.csv"
python3 "$here/flamegraph.py" "$out/dump.svg" "$out/dump.folded" "$out"

# A line for each function, the same calls as in the CSV. Names with spaces are there, so the number comes last.
uftrace report --no-pager --color=no -d "$out/dump.uftrace" -f call |
    sed -n '3,$s/^ *\([0-9]*\)  \(.*\)$/\2 \1/p' | LC_ALL=C sort >"$out/uftrace.txt"
python3 - "$out/dump.csv" <<'END' | LC_ALL=C sort >"$out/calls.txt"
import collections, csv, sys
with open(sys.argv[1], encoding="utf-8", newline="") as file:
    for name, count in collections.Counter(row["function"] for row in csv.DictReader(file)).items():
        print(name, count)
END
diff "$out/calls.txt" "$out/uftrace.txt"
uftrace replay --no-pager --color=no -d "$out/dump.uftrace" >"$out/replay.txt"
grep -q 'work(long)() {\|work(long) {' "$out/replay.txt"
echo "uftrace: $(wc -l <"$out/uftrace.txt") functions, $(wc -l <"$out/replay.txt") lines of replay"

if [ -n "${PERFETTO_PROTO:-}" ]; then
    python3 - "$out/dump.perfetto" "$out/dump.packets" <<'END'
import sys, zlib
def varint(data, place):
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, place
with open(sys.argv[1], "rb") as file:
    data = file.read()
place = 0
with open(sys.argv[2], "wb") as file:
    while place < len(data):
        _, place = varint(data, place)
        _, place = varint(data, place)
        _, place = varint(data, place) # compressed_packets
        length, place = varint(data, place)
        file.write(zlib.decompress(data[place:place + length]))
        place += length
END
    protoc --proto_path="$(dirname "$PERFETTO_PROTO")" --decode=perfetto.protos.Trace "$PERFETTO_PROTO" \
        <"$out/dump.packets" >"$out/perfetto.txt"
    ! grep -nE '^ *[0-9]+(:| \{)' "$out/perfetto.txt"
    echo "perfetto: $(grep -c '^packet' "$out/perfetto.txt") packets, no unknown field"
fi

if [ -z "${SPEEDSCOPE:-}" ] && command -v npm >/dev/null; then
    npm install --silent --no-audit --no-fund --prefix "$out/npm" speedscope@1 >"$out/npm.log" 2>&1 && SPEEDSCOPE=$out/npm/node_modules/speedscope
fi
if [ -n "${SPEEDSCOPE:-}" ]; then
    python3 "$here/speedscope.py" "$SPEEDSCOPE" "$out/dump.speedscope" "$out"
else
    echo "speedscope: not tried; npm cannot get it"
fi
