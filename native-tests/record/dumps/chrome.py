#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""chrome.py JSON CSV: the trace event format, strictly: types of fields, nesting, times; as many calls as the CSV has."""
import csv
import json
import sys


def refuse(constant):
    sys.exit(f"chrome: {constant} is not JSON")


def unique(pairs):
    assert len({key for key, _ in pairs}) == len(pairs), f"a key is there twice: {pairs}"
    return dict(pairs)


with open(sys.argv[1], encoding="utf-8") as file:
    trace = json.load(file, parse_constant=refuse, object_pairs_hook=unique)
stacks = {}
last = {}
begins = ends = 0
for event in trace["traceEvents"]:
    assert event["ph"] in ("B", "E", "i", "M"), event
    assert isinstance(event["pid"], int) and isinstance(event["tid"], int), event
    if event["ph"] == "M":
        assert event["name"] in ("process_name", "thread_name") and isinstance(event["args"]["name"], str), event
        continue
    assert isinstance(event["ts"], float) and event["ts"] >= last.get(event["tid"], 0), event
    last[event["tid"]] = event["ts"]
    stack = stacks.setdefault(event["tid"], [])
    if event["ph"] == "B":
        assert isinstance(event["name"], str) and isinstance(event["cat"], str), event
        stack.append(event["name"])
        begins += event.get("args", {}).get("begin") != "continued"
    elif event["ph"] == "E":
        stack.pop()
        ends += event.get("args", {}).get("end") != "continues"
assert not any(stacks.values()), "everything ends"
with open(sys.argv[2], encoding="utf-8", newline="") as file:
    calls = sum(1 for _ in csv.DictReader(file, strict=True))
assert begins == ends == calls, (begins, ends, calls)
print(f"chrome: {len(trace['traceEvents'])} events, {calls} calls")
