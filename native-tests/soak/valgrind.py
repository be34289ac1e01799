# SPDX-License-Identifier: MIT
"""valgrind.py VALGRIND BUILD NAME... - runs tests under valgrind, each of which must pass, and without an error.

These are the tests whose handlers run on the stack that they interrupt: the library's own stacks look to valgrind like a stack pointer that
has moved."""
import json
import os
import subprocess
import sys
import tempfile

valgrind, build = sys.argv[1:3]
names = sys.argv[3:]
listed = json.loads(subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True, capture_output=True).stdout)
tests = {test["name"]: test for test in listed["tests"]}
failed = 0

for name in names:
    test = tests.get(name)
    if test is None:
        sys.exit(f"there is no test {name}")
    properties = {p["name"]: p["value"] for p in test["properties"]}
    environment = dict(os.environ, **dict(entry.split("=", 1) for entry in properties.get("ENVIRONMENT", [])))
    with tempfile.NamedTemporaryFile("r") as log:
        command = [valgrind, "-q", "--smc-check=all", "--error-exitcode=99", f"--log-file={log.name}", *test["command"]]
        try:
            run = subprocess.run(command, env=environment, cwd=properties.get("WORKING_DIRECTORY"), stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True, errors="replace", timeout=600)
            status, output = run.returncode, run.stderr
        except subprocess.TimeoutExpired:
            status, output = "timeout", ""
        if status not in (0, 77):
            failed += 1
            errors = "".join(line for line in log if line.startswith("=="))
            print(f"{name}: {status}\n{output[-2000:]}{errors[:4000]}", flush=True)

print(f"{len(names)} tests, {failed} failed")
sys.exit(failed != 0)
