# SPDX-License-Identifier: MIT
# gcov.py compare STAT GCOV...  the calls of each function in what ftrace stat --format csv has written, against what gcov --json-format has
# gcov.py drop FILE COPY       a copy of a trace file without one call of the many: what compare must find
import csv, json, struct, sys


def counted_by_gcov(paths):
    counts = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        place = 0
        while place < len(text):
            document, place = json.JSONDecoder().raw_decode(text, place)
            place += len(text[place:]) - len(text[place:].lstrip())
            for source in document["files"]:
                for function in source["functions"]:
                    name = function["demangled_name"]
                    counts[name] = counts.get(name, 0) + function["execution_count"]
    return {name: count for name, count in counts.items() if count}


def recorded(path):
    with open(path, encoding="utf-8", newline="") as file:
        return {row["function"]: int(row["calls"]) for row in csv.DictReader(file)}


def compare(stat, paths):
    expected, found = counted_by_gcov(paths), recorded(stat)
    wrong = [name for name in sorted(expected.keys() | found.keys()) if expected.get(name, 0) != found.get(name, 0)]
    for name in wrong[:20]:
        print(f"{name}: gcov counts {expected.get(name, 0)} calls, the recording has {found.get(name, 0)}")
    print(f"{len(expected)} functions, {sum(expected.values())} calls by gcov, {sum(found.values())} recorded")
    return 1 if wrong or not expected else 0


# The first entry that its exit follows at once: both units get the tag of a unit that was not written.
def drop(path, copy):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    size = struct.unpack_from("<I", data, 16)[0]
    for block in range(size, len(data) - size + 1, size):
        magic, kind, _, sequence = struct.unpack_from("<IHHQ", data, block)
        if magic != 0x4B425446 or kind != 1 or not sequence:
            continue
        for unit in range(block + 64, block + size - 16, 16):
            when, what, later, then = struct.unpack_from("<QQQQ", data, unit)
            tag = sequence % 13 + 1
            if what & 15 and when & 15 == tag and later & 15 == tag and then == what | 1 << 63:
                data[unit] &= 0xF0
                data[unit + 16] &= 0xF0
                with open(copy, "wb") as file:
                    file.write(data)
                return 0
    print("no call to drop")
    return 1


if sys.argv[1] == "drop":
    sys.exit(drop(sys.argv[2], sys.argv[3]))
sys.exit(compare(sys.argv[2], sys.argv[3:]))
