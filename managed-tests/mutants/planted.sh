#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# planted.sh - run.sh, on a small tree with mutants of which it is known what becomes of them. What stands for dotnet
# there looks at a file.
set -euo pipefail

command -v git >/dev/null 2>&1 || {
    echo "skipped: needs package git"
    exit 77
}
run=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/run.sh
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
root=$dir/root
patches=$root/managed-tests/mutants
mkdir -p "$patches" "$dir/bin"

cat >"$root/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.20)
project(planted C)
enable_testing()
add_custom_target(libftrace)
add_executable(program program.c)
foreach(name passes fails)
    add_test(NAME ${name} COMMAND program ${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT 5 SKIP_RETURN_CODE 77)
endforeach()
END
cat >"$root/program.c" <<'END'
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
	/* The result. */
	return argc != 2 || strcmp(argv[1], "passes") != 0;
}
END
echo good >"$root/managed-tests/state"
cat >"$dir/bin/dotnet" <<'END'
#!/bin/sh
state=$(cat "$(dirname "$2")/state")
case "$1 $state $*" in
"build broken"*) exit 1 ;;
"test bad"*) echo "Failed!  - Failed:     1, Passed:     3, Skipped:     0, Total:     4" ;;
"test crashed"*) echo "The active test run was aborted." ;;
"test "*nothing*) echo "No test matches the given testcase filter" ;;
"test "*) echo "Passed!  - Failed:     0, Passed:     4, Skipped:     0, Total:     4" ;;
esac
END
chmod +x "$dir/bin/dotnet"

# state NAME CHECK TO [FROM]: a mutant of what stands for managed code
state() {
    cat >"$patches/$1.patch" <<END
# Planted.
check: $2
--- a/managed-tests/state
+++ b/managed-tests/state
@@ -1 +1 @@
-${4:-good}
+$3
END
}

# program NAME TEST LINE: a mutant of the program
program() {
    cat >"$patches/$1.patch" <<END
# Planted.
check: native $2
--- a/program.c
+++ b/program.c
@@ -4,3 +4,3 @@
 {
-	/* The result. */
+	$3
 	return argc != 2 || strcmp(argv[1], "passes") != 0;
END
}

state managed-bad 'managed Name~some' bad
state managed-broken 'managed Name~some' broken
state managed-comment 'managed Name~some' 'good, too'
state managed-crashed 'managed Name~some' crashed
state managed-nothing 'managed Name~nothing' bad
state managed-other 'managed Name~some' bad worse
state library-bad 'library Name~some' bad
program native-bad passes 'if (argc) return 1;'
program native-broken passes 'if (argc) return;;'
program native-comment passes '/* That is it. */'
program native-crashed passes 'abort();'
program native-fails fails 'if (argc) return 1;'
program native-hangs passes "system(\"echo \$\$ >$dir/hangs; exec sleep 1000\");"
program native-nothing nothing 'if (argc) return 1;'
program native-skipped passes 'if (argc) return 77;'
sed -i 's/return;;/retrun;/' "$patches/native-broken.patch"

# run CODE [NAME]: prints each row's name and result
run() {
    local code=0
    PATH=$dir/bin:$PATH "$run" "$root" "$root/build" "${@:2}" >"$dir/printed" 2>&1 || code=$?
    awk -F '  +' '/ [0-9]+ s  / { print $1 ": " $2 }' "$dir/printed" >"$dir/rows"
    [ "$code" = "$1" ] || { echo "ended with $code" && cat "$dir/printed"; } >&2
    [ "$code" = "$1" ]
}

# rows: the standard input is what they must be
rows() {
    diff - "$dir/rows" >"$dir/difference" || { cat "$dir/difference" "$dir/printed" >&2 && exit 1; }
}

cp -r "$root" "$dir/before"
run 1
rows <<'END'
(unchanged): passed
(unchanged): no such test
(unchanged): passed
(unchanged): passed
(unchanged): failed
(unchanged): no such test
managed-bad: caught
managed-broken: does not build
managed-comment: SURVIVED
managed-crashed: not run
managed-nothing: check is no use
managed-other: does not apply
library-bad: caught
native-bad: caught
native-broken: does not build
native-comment: SURVIVED
native-crashed: caught
native-fails: check is no use
native-hangs: caught
native-nothing: check is no use
native-skipped: not run
END
tail -n 1 "$dir/printed" | grep -q '^15 mutants: 5 caught, 2 SURVIVED, 3 check is no use, 1 does not apply, 2 does not build, 2 not run; ' || {
    tail -n 1 "$dir/printed" >&2
    exit 1
}
diff -r -x build "$dir/before" "$root"
if grep -q '^State:[[:space:]]*[^XZ[:space:]]' "/proc/$(cat "$dir/hangs")/status" 2>/dev/null; then
    echo "a process is left running" >&2
    exit 1
fi

# One of them, after the sources have changed.
sed -i 's/argc != 2/2 != argc/' "$root/program.c" "$patches/native-bad.patch"
run 0 native-bad
rows <<'END'
(unchanged): passed
native-bad: caught
END
run 64 other
grep -q 'no mutant other; there are library-bad managed-bad' "$dir/printed"
