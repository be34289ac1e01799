#!/bin/sh
# SPDX-License-Identifier: MIT
#
# sanitizers.sh CC SANITIZER PROGRAM.c INCLUDE LIBRARY [OPTION...] - a program under
# a sanitizer ends as it would without the library: with 0, and with the sanitizer's
# own status if it has leaks itself, of which only they are reported.
set -eu

cc=$1
sanitizer=$2
source=$3
include=$4
library=$5
shift 5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

skip() {
	echo "skipped: $*"
	exit 77
}

fail() {
	echo "sanitizers.sh: $*" >&2
	cat "$dir/output" >&2
	exit 1
}

for command in "$cc" "$cc-19"; do
	command -v "$command" >/dev/null && break
done
command -v "$command" >/dev/null || skip "needs package ${command##*/}"
case $cc in
*clang*) runtimes=libclang-rt-19-dev ;;
*) runtimes=gcc ;;
esac
case "$*" in
*-shared-libasan*) set -- "$@" "-Wl,-rpath,$(dirname "$("$command" -print-file-name=libclang_rt.asan-x86_64.so)")" ;;
esac
echo 'int main(void) { return 0; }' >"$dir/empty.c"
"$command" "-fsanitize=$sanitizer" "$@" "$dir/empty.c" -o "$dir/empty" 2>/dev/null &&
	"$dir/empty" 2>/dev/null || skip "$command has no -fsanitize=$sanitizer $* that works here (package $runtimes)"

"$command" -g -O1 -Wno-attributes "-fsanitize=$sanitizer" "$@" -I"$include" "$source" -o "$dir/program" "$library" \
	-Wl,-rpath,"$(dirname "$library")" -pthread
# ThreadSanitizer has a thread of its own with every signal blocked, which nobody can stop by one.
modes="asks uses"
test "$sanitizer" != thread || modes=asks
for mode in $modes; do
	status=0
	timeout 120 "$dir/program" "$mode" >"$dir/output" 2>&1 || status=$?
	test "$status" = 0 || fail "$mode ended with $status"
	! grep -q Sanitizer "$dir/output" || fail "$mode: a report"
done
test "$sanitizer" != thread || exit 0
status=0
timeout 120 "$dir/program" leaks >"$dir/output" 2>&1 || status=$?
test "$status" = 1 -o "$status" = 23 || fail "leaks ended with $status"
grep -q 'leak of \(4711\|9422\|14133\|18844\) byte' "$dir/output" || fail "the program's leak is not reported"
! grep -q libftrace "$dir/output" || fail "a leak of the library's"
