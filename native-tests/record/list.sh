#!/bin/sh
# SPDX-License-Identifier: MIT
#
# list.sh CASE FTRACE LIBRARY COMPILER [OTHER] - ftrace list: what can be traced, and why the rest
# cannot. What it lists is compared with what the library finds, where that is run too.
set -u

case=$1
ftrace=$2
library=$3
compiler=$4
other=${5:-}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

fail() {
	echo "list.sh $case: $*" >&2
	for file in out err; do
		[ ! -s $file ] || sed "s/^/    $file: /" $file >&2
	done
	exit 1
}

skip() {
	echo "skipped: $1"
	exit 77
}

# list EXPECTED ARGUMENTS...
list() {
	expected=$1
	shift
	"$ftrace" list "$@" >out 2>err
	got=$?
	[ "$got" = "$expected" ] || fail "list $*: exit status $got, expected $expected"
}

says() {
	grep -qF -e "$1" out || fail "the list lacks: $1"
}

# functions NAME...: in any order
functions() {
	printf '%s\n' "$@" | sort >expected
	grep -v '^#' out | sort >got
	cmp -s expected got || fail "functions: $(tr '\n' ' ' <got), expected: $*"
}

build() {
	"$compiler" -O2 "$@" || fail "$compiler $*"
}

cat >one.c <<'END'
#include <unistd.h>
__attribute__((noipa)) int inner(int x) { return x + 1; }
__attribute__((noipa)) int outer(int x) { return inner(x) + 1; }
int main(int argc, char **argv) { int sum = outer(argc); if (argc > 1) { write(1, "\n", 1); read(0, argv[1], 1); } return sum == 0; }
END
flag=-fpatchable-function-entry=5

case $case in
program)
	build $flag one.c -o one
	list 0 ./one
	functions main inner outer
	says "# ./one: functions that can be traced: 3"
	list 0 one
	functions main inner outer
	PATH=$PATH:$dir/sub
	mkdir sub && cp one sub/only-here
	list 0 only-here
	functions main inner outer
	# With an address that is fixed, with endbr64, with room before the entry too.
	for way in -no-pie -fcf-protection -fpatchable-function-entry=7,2; do
		build $flag $way one.c -o one
		list 0 ./one
		functions main inner outer
	done
	list 0 -f 'in*' -f '*ter' ./one
	functions inner outer
	list 0 -f '!in*' ./one
	functions main outer
	list 1 -f iner ./one
	grep -qF 'iner: no function matches; the nearest name is inner' err || fail "no nearest name"
	list 1 -f '[' ./one
	# Also those that cannot be traced.
	list 0 --all ./one
	says "_start # no room for a call"
	list 0 --format json ./one
	says '"name": "inner"'
	command -v python3 >/dev/null && { python3 -m json.tool out >/dev/null || fail "invalid JSON"; }
	;;
objects)
	# A library of the program, and one alone.
	echo 'int in_library(int x) { return x + 1; }' >library.c
	echo 'int in_library(int); int main(int argc, char **argv) { return in_library(argc); }' >user.c
	build $flag -fPIC -shared library.c -o libone.so
	build $flag user.c -L. -lone -Wl,-rpath,"$dir" -o user
	list 0 ./user
	functions main 'in_library [libone.so]'
	grep -q '^# not compiled for tracing: .*libc\.so\.6' out || fail "the C library"
	list 0 -f '*:mod:libone*' ./user
	functions 'in_library [libone.so]'
	list 0 -f '*:mod:program' ./user
	functions main
	list 0 ./libone.so
	functions in_library
	;;
process)
	build $flag one.c -o one
	mkfifo in out2
	./one wait <in >out2 &
	pid=$!
	exec 3>in
	read -r _ <out2
	list 0 $pid
	functions main inner outer
	mv one moved
	rm moved
	list 0 $pid
	functions main inner outer
	echo >&3
	wait $pid
	list 1 $pid
	grep -qF "$pid: there is no such process" err || fail "a process that has ended"
	;;
reasons)
	build one.c -o none
	list 0 ./none
	says "functions that can be traced: 0"
	says "have no room for a call; compile with $flag"
	build -fpatchable-function-entry=2 one.c -o few
	list 0 ./few
	says "3 begin with nops of fewer than five bytes"
	build -pg -mfentry one.c -o fentry
	list 0 ./fentry
	says "there is no list of the calls; add -mrecord-mcount"
	build -no-pie -pg -mfentry -mrecord-mcount one.c -o mcount
	list 0 ./mcount
	functions main inner outer
	build $flag -s one.c -o stripped
	list 0 ./stripped
	says "3 that can be traced have no name: the file is stripped"
	[ "$(grep -c '^0x' out)" = 3 ] || fail "functions without names"
	if "$compiler" $flag -static one.c -o static 2>/dev/null; then
		list 0 ./static
		says "it is statically linked"
		functions main inner outer
	fi
	;;
files)
	list 1 ./none
	grep -qF './none: no such file' err || fail "no file"
	list 1 one.c
	grep -qF 'is neither a program nor a shared object' err || fail "text"
	printf '#!/bin/sh\n' >script
	list 1 ./script
	grep -qF 'a script' err || fail "script"
	build -c one.c -o one.o
	list 1 one.o
	grep -qF 'not an object file' err || fail "object file"
	build $flag one.c -o one
	size=$(stat -c %s one)
	for part in 1 63 64 100 1000 5000 $((size / 2)) $((size - 1)); do
		head -c "$part" one >./cut
		"$ftrace" list ./cut >out 2>err
		got=$?
		[ $got -le 1 ] || fail "a file of $part bytes: exit status $got"
	done
	list 64
	list 64 --format xml ./one
	list 1 .
	;;
cxx)
	# C++ of several files: GCC before 13 loses functions (bug 93195).
	[ -n "$other" ] && command -v "$other" >/dev/null || skip "needs package g++"
	compiler=$other
	echo 'inline __attribute__((noinline)) int shared(int x) { asm volatile(""); return x + 1; } int one(int); int two(int);' >h.h
	printf '#include "h.h"\nint main() { return one(1) + two(2); }\n' >main.cpp
	printf '#include "h.h"\nint one(int x) { return shared(x) + 1; }\n' >one.cpp
	printf '#include "h.h"\nint two(int x) { return shared(x) + 2; }\n' >two.cpp
	build $flag main.cpp one.cpp two.cpp -o cxx
	list 0 ./cxx
	if [ "$("$compiler" -dumpversion | cut -d. -f1)" -lt 13 ]; then
		functions main 'one(int)' 'shared(int)'
		says "1 have room for a call, but are not in the compiler's list: GCC before 13"
		list 0 --all ./cxx
		says "two(int) # not in the compiler's list"
	else
		functions main 'one(int)' 'two(int)' 'shared(int)'
	fi
	list 0 --raw -f '_Z3one*' ./cxx
	functions _Z3onei
	list 0 -f 'one(int)' ./cxx
	functions 'one(int)'
	;;
gold)
	command -v "$other" >/dev/null || skip "needs package binutils-gold"
	build $flag -ffunction-sections -fuse-ld=gold -Wl,--gc-sections one.c -o gold
	list 0 ./gold
	says "3 have room for a call, but the linker dropped the compiler's list"
	;;
xray)
	command -v "$other" >/dev/null || skip "needs package clang-19"
	compiler=$other
	"$compiler" -O2 -fxray-instrument -fxray-instruction-threshold=1 one.c -o xray 2>err || skip "needs package libclang-rt-19-dev"
	list 0 --format json ./xray
	[ "$(grep -c '"room": "xray"' out)" = 3 ] || fail "sleds"
	;;
library)
	# The list is what the library finds.
	build $flag one.c -o one
	FTRACE_LIBRARY=$library "$ftrace" record -o data ./one 2>err || fail "record"
	grep -qF "6 events" err || fail "events: $(cat err)"
	;;
*)
	fail "no such case"
	;;
esac
