#!/bin/sh
# SPDX-License-Identifier: MIT
#
# command.sh CASE FTRACE LIBRARY RECORDED SEND CONTENT [COMPILER [HELD]] - the command ftrace record, from outside: what it does to the
# program, to files and to signals.
set -u

case=$1
ftrace=$2
FTRACE_LIBRARY=$3
recorded=$4
send=$5
content=$6
compiler=${7:-gcc}
held=${8:-}
export FTRACE_LIBRARY

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
# shellcheck disable=SC3045 # dash has it
ulimit -c 0

# Entry and exit of 100 calls of each of two functions, and of main().
all=402

fail() {
	echo "command.sh $case: $*" >&2
	[ ! -s err ] || sed 's/^/    /' err >&2
	exit 1
}

skip() {
	echo "skipped: $1"
	exit 77
}

# status EXPECTED COMMAND...: with its output in out and err
status() {
	expected=$1
	shift
	"$@" >out 2>err
	got=$?
	[ "$got" = "$expected" ] || fail "$*: exit status $got, expected $expected"
}

record() {
	expected=$1
	shift
	status "$expected" "$ftrace" record "$@"
}

# says TEXT: standard error has one line, with this text
says() {
	[ "$(wc -l <err)" = 1 ] || fail "expected one line on standard error"
	grep -qF -e "$1" err || fail "standard error lacks: $1"
}

# has FILE EVENTS: it is finished, by the program or by the command
has() {
	found=$("$content" "$1") || fail "$1 is damaged"
	case $found in
	"$2 events, 1 threads, state 2" | "$2 events, 1 threads, state 4") ;;
	*) fail "$1: $found, expected $2 events" ;;
	esac
}

# Nothing but these files, and those of this script.
only() {
	found=$(ls -A | grep -vxE 'out|err' | tr '\n' ' ')
	[ "$found" = "$1" ] || fail "files: $found, expected: $1"
}

# check_sum: what was recorded and what was lost, of $all events and 400,000 more
check_sum() {
	sum=$(sed -n 's/.* \([0-9]*\) events of 1 thread; \([0-9]*\) events lost$/\1 + \2/p; s/.* \([0-9]*\) events of 1 thread$/\1/p' err)
	[ $(($sum)) = $((all + 400000)) ] || fail "recorded and lost: $sum"
}

case $case in
status)
	for n in 0 1 3 126 127 255; do
		record $n -q "$recorded" exit $n
		[ ! -s err ] || fail "-q prints something"
		has ftrace.data $all
	done
	for n in 1 2 6 9 11 13 15; do
		record $((128 + n)) "$recorded" signal $n
		says "ftrace.data: "
		says "$((all - 1)) events of 1 thread"
		has ftrace.data $((all - 1))
	done
	;;
program)
	printf 'echo ran\n' >plain
	printf '#!/nonexistent/interpreter\n' >script
	printf '#!/bin/sh\nexit 9\n' >good
	cp plain without
	chmod +x plain script good
	record 127 nonexistent-command
	says "nonexistent-command: command not found"
	record 127 ./nonexistent
	says "No such file"
	record 127 ./script
	says "No such file"
	record 126 ./without
	says "Permission denied; make it executable"
	record 126 /
	says "is a directory"
	record 126 ./plain
	says "Exec format error"
	record 127 ''
	PATH=/bin:/usr/bin:/nonexistent record 127 good
	says "did you mean ./good?"
	PATH=$PATH: record 9 good
	PATH=/nonexistent:$dir record 9 good
	PATH=$PATH:$dir record 126 without
	rm -f ftrace.data*
	record 64
	record 64 -b 3X ./good
	record 64 --depth 0 ./good
	record 64 -f 'a;b' ./good
	record 64 -p nonsense ./good
	record 64 --nonsense ./good
	only "good plain script without "
	;;
arguments)
	# Bytes that are no UTF-8, options of the program, an empty one.
	bad=$(printf 'a\377b')
	record 0 -q -b 64K "$recorded" print -q --help '' "$bad" -- @file "two words"
	printf '[-q][--help][][%s][--][@file][two words]\n' "$bad" >expected
	cmp -s out expected || fail "arguments: $(cat out)"
	record 0 -q --output=named -- "$recorded" print --
	[ "$(cat out)" = "[--]" ] || fail "arguments after --: $(cat out)"
	has named $all
	record 0 -qo together "$recorded" print -o x
	[ "$(cat out)" = "[-o][x]" ] || fail "arguments after -qo: $(cat out)"
	has together $all
	;;
streams)
	head -c 200000 "$recorded" >in
	"$ftrace" record "$recorded" copy <in >copied 2>err || fail "copy"
	cmp -s in copied || fail "standard input or output was touched"
	says "ftrace.data: "
	"$ftrace" record "$recorded" copy <&- >out 2>err
	[ ! -s out ] || fail "output without input"
	# What has closed descriptors, and who reads them.
	"$ftrace" record "$recorded" exit 3 <&- >&- 2>&-
	[ $? = 3 ] || fail "closed descriptors"
	has ftrace.data $all
	"$ftrace" record "$recorded" print x 2>err | :
	"$ftrace" record "$recorded" print x 2>&1 >/dev/null | grep -q . || fail "no summary"
	# The program has the same descriptors, limits and signals as without.
	cat >look <<-'END'
		ls /proc/self/fd | grep -vxE '[0-9]{3,}'
		echo "limit $(ulimit -n)"
		grep -E 'SigBlk|SigIgn|^Umask' /proc/self/status
	END
	sh look 3<look >expected
	"$ftrace" record -q sh look 3<look >out 2>err || fail "look"
	cmp -s expected out || fail "the program's world: $(diff expected out)"
	(
		trap '' INT HUP
		sh look 3<look >expected
		"$ftrace" record -q sh look 3<look >out 2>err
	)
	cmp -s expected out || fail "ignored signals: $(diff expected out)"
	;;
environment)
	cat >look <<-'END'
		env | grep '^FTRACE_RECORD' | sort
	END
	FTRACE_RECORD_HZ=7 FTRACE_RECORD=old record 0 -q sh look
	cat >expected <<-END
		FTRACE_RECORD=fd:1000
		FTRACE_RECORD_CHILDREN=1
		FTRACE_RECORD_CHILD_PATH=$dir/ftrace.data
	END
	cmp -s out expected || fail "defaults: $(cat out)"
	record 0 -q -f one -n two -f 'three*' -T x:snapshot -p function -b 64K --max-size 2M --depth 3 --min-time 1.5us --hz 1000 \
		--snapshot-signal USR1 --off --no-children -o sub sh look
	cat >expected <<-END
		FTRACE_RECORD=fd:1000
		FTRACE_RECORD_BUFFER=65536
		FTRACE_RECORD_CHILDREN=0
		FTRACE_RECORD_CHILD_PATH=$dir/sub
		FTRACE_RECORD_DEPTH=3
		FTRACE_RECORD_FILTER=one;three*
		FTRACE_RECORD_HZ=1000
		FTRACE_RECORD_MAX_SIZE=2097152
		FTRACE_RECORD_MIN_TIME=1500
		FTRACE_RECORD_NOTRACE=two
		FTRACE_RECORD_OFF=1
		FTRACE_RECORD_PLUGIN=function
		FTRACE_RECORD_SNAPSHOT_SIGNAL=10
		FTRACE_RECORD_TRIGGER=x:snapshot
	END
	cmp -s out expected || fail "options: $(diff out expected)"
	echo 'echo $LD_PRELOAD' >look
	record 0 -q sh look
	[ "$(cat out)" = "$FTRACE_LIBRARY" ] || fail "LD_PRELOAD: $(cat out)"
	other=$(sed -n 's/.* \(\/.*libc\.so\.6\)$/\1/p' /proc/self/maps | head -n 1)
	[ -n "$other" ] || other=libc.so.6
	LD_PRELOAD=$other record 0 -q sh look
	[ "$(cat out)" = "$FTRACE_LIBRARY:$other" ] || fail "LD_PRELOAD: $(cat out)"
	;;
library)
	FTRACE_LIBRARY=$dir/none record 1 "$recorded" print ran
	says "$dir/none: no such file"
	cp "$FTRACE_LIBRARY" libftrace.so.9.0.0
	FTRACE_LIBRARY=$dir/libftrace.so.9.0.0 record 1 "$recorded" print ran
	says "has version 9.0.0"
	ln -s libftrace.so.9.0.0 plain.so
	FTRACE_LIBRARY=plain.so record 1 "$recorded" print ran
	says "has version 9.0.0"
	mkdir 'with space'
	ln -s "$FTRACE_LIBRARY" 'with space/lib.so'
	FTRACE_LIBRARY='with space/lib.so' record 1 "$recorded" print ran
	says "with a space or a colon"
	ln -s "$FTRACE_LIBRARY" relative.so
	FTRACE_LIBRARY=relative.so record 0 "$recorded" print ran
	has ftrace.data $all
	# Beside the command; through a link to it; and nowhere.
	mkdir bin lib
	cp "$ftrace" bin/
	cp "$FTRACE_LIBRARY" lib/libftrace.so.1
	ln -s bin/ftrace link
	unset FTRACE_LIBRARY
	status 0 ./link record -o beside "$recorded"
	has beside $all
	rm -r lib
	/sbin/ldconfig -p 2>/dev/null | grep -q libftrace || {
		status 1 bin/ftrace record "$recorded" print ran
		says "libftrace.so.1: not found"
		[ ! -s out ] || fail "the program was run"
	}
	mkdir lib2
	mv relative.so lib2/libftrace.so.1
	LD_LIBRARY_PATH=/nonexistent:$dir/lib2 status 0 bin/ftrace record -o path "$recorded"
	has path $all
	;;
signals)
	# Ctrl-C is for the program, and the file is finished.
	status 5 "$send" 2 group "$ftrace" record "$recorded" handle
	[ "$(cat out)" = "got 2" ] || fail "SIGINT: $(cat out)"
	[ "$("$content" ftrace.data)" != "" ] || fail "SIGINT: no file"
	status 5 "$send" 3 group "$ftrace" record "$recorded" handle
	[ "$(cat out)" = "got 3" ] || fail "SIGQUIT: $(cat out)"
	status 130 "$send" 2 group "$ftrace" record "$recorded" wait
	[ ! -s out ] || fail "default of SIGINT: $(cat out)"
	status 143 "$send" 15 group "$ftrace" record "$recorded" wait
	# The tool forwards what ends processes, and outlives it.
	for n in 1 15; do
		rm -f ftrace.data
		status 5 "$send" $n tool "$ftrace" record "$recorded" handle
		[ "$(cat out)" = "got $n" ] || fail "signal $n to the tool: $(cat out)"
		[ -f ftrace.data ] || fail "signal $n to the tool: no file"
	done
	# Killed, the program's file is there all the same.
	rm -f ftrace.data
	status 137 "$send" 9 program "$ftrace" record "$recorded" wait
	"$content" ftrace.data | grep -q 'state 4$' || fail "killed: $("$content" ftrace.data)"
	;;
orphan)
	# Without the tool the program goes on, and nothing is left.
	status 92 "$send" 9 orphan "$ftrace" record "$recorded" line
	printf 'alive\nended by signal 9\n' >expected
	cmp -s out expected || fail "the program did not go on: $(cat out)"
	rm expected
	only ""
	;;
files)
	umask 0
	record 0 "$recorded"
	[ "$(stat -c %a ftrace.data)" = 600 ] || fail "mode $(stat -c %a ftrace.data)"
	cp ftrace.data first
	record 0 "$recorded"
	cmp -s first ftrace.data.old || fail "the first file was not kept"
	cmp -s first ftrace.data && fail "the file is not a new one"
	record 0 "$recorded"
	only "first ftrace.data ftrace.data.old "
	rm first ftrace.data*
	echo precious >target
	ln -s target link
	record 1 -o link "$recorded" print ran
	says "link: is a symbolic link"
	[ "$(cat target)" = precious ] && [ ! -s out ] || fail "a link was followed"
	mkdir folder
	record 1 -o folder "$recorded" print ran
	says "folder: is a directory"
	record 1 -o none/file "$recorded" print ran
	says "none/file: cannot be created: No such file"
	record 1 -o /proc/file "$recorded" print ran
	[ ! -s out ] || fail "the program was run"
	record 1 -o '' "$recorded"
	only "folder link target "
	# Devices are written to, and never renamed.
	record 0 -o /dev/null "$recorded"
	[ -c /dev/null ] || fail "/dev/null is gone"
	record 1 -o /dev/full "$recorded" print ran
	says "/dev/full: No space left on device"
	[ "$(cat out)" = "[ran]" ] || fail "the program was not run"
	record 3 -o /dev/full "$recorded" exit 3
	mkfifo fifo
	cat fifo >./read &
	record 0 -o fifo "$recorded"
	wait
	has read $all
	cd folder && record 0 -o ../named sh -c "cd / && exec '$recorded'"
	cd ..
	[ -f named ] || fail "the name is not relative to where it was given"
	;;
full)
	# What fits can be read.
	unshare -rm true 2>/dev/null || skip "needs a user namespace, to mount a small file system"
	mkdir small
	cat >inside <<-END
		mount -t tmpfs -o size=70k none small || exit 77
		"$ftrace" record -o small/file "$recorded" exit 0
		echo "status \$?"
		ls -A small
		"$content" small/file
	END
	unshare -rm sh inside >out 2>err
	[ $? != 77 ] || skip "needs a user namespace, to mount a small file system"
	says "small/file: No space left on device; 64 KB of "
	sed 's/ [0-9]* events.*/ events/; s/^[0-9]* events.*/events/' out >got
	printf 'status 1\nfile\nevents\n' >expected
	cmp -s got expected || fail "$(cat out)"
	;;
empty)
	printf 'int main(void) { return 4; }\n' >none.c
	"$compiler" none.c -o none || fail "$compiler"
	record 4 ./none
	says "nothing was recorded: no function of ./none can be traced: "
	says "compile with -fpatchable-function-entry=5"
	record 4 -q ./none
	says "nothing was recorded"
	printf '#!/bin/sh\nexit 6\n' >script
	chmod +x script
	record 6 ./script
	grep -qF "no function of /bin/sh can be traced" err || fail "script"
	record 0 -f 'nonexistent*' "$recorded"
	grep -qF "that can be traced, see: ftrace list $recorded" err || fail "a filter that matches nothing"
	if "$compiler" -static none.c -o static 2>/dev/null; then
		rm -f ftrace.data*
		record 4 ./static
		says "./static is statically linked"
		[ ! -e ftrace.data ] || fail "a file without anything"
	fi
	;;
unmatched)
	# A line that names the pattern, and the program runs: a plug-in can have the function.
	record 3 -q -f 'nonexistent*' -f "pr_*" "$recorded" exit 3
	grep -qF "ftrace: -f nonexistent*, pr_*: no function of $recorded or its libraries matches; see: ftrace list $recorded" err ||
		fail "no warning"
	record 3 -q -f main -f 'nonexistent*' "$recorded" exit 3
	says "ftrace: -f nonexistent*: no function of"
	record 3 -q -f main -f '!none' "$recorded" exit 3
	[ ! -s err ] || fail "a warning, and all match"
	# Those of a library match too.
	printf 'void in_library(void) { }\n' >library.c
	printf 'void in_library(void);\nint main(void) { in_library(); return 5; }\n' >user.c
	"$compiler" -O2 -fpatchable-function-entry=5 -shared -fPIC library.c -o libown.so &&
		"$compiler" -O2 -fpatchable-function-entry=5 user.c -o user -L. -lown -Wl,-rpath,"$dir" || fail "$compiler"
	record 5 -f 'in_lib*' ./user
	says "ftrace.data: "
	# A shell has no functions; what it starts has.
	record 3 -q -f main sh -c "'$recorded' exit 3"
	[ ! -s err ] || fail "a warning about a shell"
	;;
privileged)
	# The loader ignores LD_PRELOAD if the program runs as another user.
	[ "$(id -u)" = 0 ] || skip "needs root"
	cp "$recorded" other
	chown 65534 other && chmod 4755 . other || skip "the file system has no owners"
	record 3 ./other exit 3
	says "./other has privileges (set-user-id"
	cp "$recorded" same
	chmod 4755 same
	record 3 ./same exit 3
	has ftrace.data $all
	;;
other-abi)
	# Without the C library, which needs a package; with it, its loader would complain of the library.
	printf '.globl _start\n_start: mov $1, %%eax\n mov $4, %%ebx\n int $0x80\n' >none.S
	"$compiler" -m32 -static -nostdlib none.S -o none 2>err || skip "needs an assembler and linker for i386"
	./none 2>/dev/null
	[ $? = 4 ] || skip "the kernel runs no 32-bit programs"
	record 4 ./none
	says "./none is a 32-bit program" # and the loader says nothing
	;;
other-loader)
	# The same for a program that a loader runs, and for what a program starts: the loader finds an object of its own.
	printf '.globl _start\n_start: mov $1, %%eax\n mov $4, %%ebx\n int $0x80\n' >none.S
	"$compiler" -m32 -pie -nostdlib -Wl,--dynamic-linker=/lib/ld-linux.so.2 none.S -o none 2>err || skip "needs an assembler and linker for i386"
	[ -e /lib/ld-linux.so.2 ] || skip "needs package libc6-i386"
	./none 2>/dev/null
	[ $? = 4 ] || skip "the kernel runs no 32-bit programs"
	record 4 sh -c "./none; exit \$?"
	grep -q "^ERROR: ld.so" err || fail "the loader of a 32-bit program does not complain of a library that was named"
	unset FTRACE_LIBRARY
	record 4 sh -c "./none; exit \$?"
	grep -qi "ld.so\|ignored" err && fail "the loader complains"
	record 4 ./none
	says "./none is a 32-bit program"
	# For 64-bit programs it is the library, whatever the loader's name for the processor is; and the same one as by its own path.
	rm -f ftrace.data*
	record 0 "$recorded"
	has ftrace.data $all
	cat >loaded.c <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <link.h>
		#include <stdio.h>
		#include <string.h>
		static int count(struct dl_phdr_info *info, size_t size, void *found)
		{
			(void)size;
			*(int *)found += strstr(info->dlpi_name, "libftrace") != NULL;
			return 0;
		}
		int main(int argc, char **argv)
		{
			int found = 0;
			void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
			dl_iterate_phdr(count, &found);
			return library && dlsym(library, "ftrace_tracing_stop") == dlsym(RTLD_DEFAULT, "ftrace_tracing_stop") ? found : 0;
		}
	END
	"$compiler" loaded.c -o loaded -ldl || fail "$compiler"
	folder=$(dirname "$(dirname "$ftrace")")/lib
	for name in "$folder"/ftrace/x86_64 "$folder"/ftrace/haswell "$folder"/ftrace/xeon_phi "$folder"/ftrace '$PLATFORM'; do
		case $name in '$'*) preload=$folder/ftrace/$name/libftrace.so.1 ;; *) preload=$name/libftrace.so.1 ;; esac
		LD_PRELOAD=$preload status 1 ./loaded "$folder/libftrace.so"
		[ ! -s err ] || fail "$preload"
	done
	;;
children)
	record 2 sh -c "'$recorded' exit 1; '$recorded' exit 2"
	grep -qF "2 files of programs that it started: ftrace.data." err || fail "not reported"
	grep -qE 'see one with: ftrace report ftrace.data.[0-9]+$' err || fail "no remedy"
	grep -qF "ftrace: nothing was recorded in /" err || fail "not said"
	[ ! -e ftrace.data ] || fail "a file without anything"
	for file in ftrace.data.*; do
		"$content" "$file" | grep -q "^$all events" || fail "$file: $("$content" "$file")"
	done
	rm ftrace.data*
	# An older file is not taken for the new trace; and the same when it is written while the program runs.
	echo older >ftrace.data
	record 2 sh -c "'$recorded' exit 1; '$recorded' exit 2"
	[ ! -e ftrace.data ] && [ "$(cat ftrace.data.old)" = older ] || fail "an older file"
	record 2 --stream sh -c "'$recorded' exit 1; '$recorded' exit 2"
	[ ! -e ftrace.data ] || fail "a stream without anything"
	[ "$(ls -A | grep -c 'tmp$')" = 0 ] || fail "files: $(ls -A)"
	rm ftrace.data*
	# Nothing was recorded anywhere: the file says so, and has the reason.
	record 0 sh -c "env true; exit 0"
	[ -e ftrace.data ] || fail "no file"
	grep -qF "ftrace.data: nothing was recorded: no function of" err || fail "not said"
	rm -f ftrace.data*
	record 2 --no-children sh -c "'$recorded' exit 1; '$recorded' exit 2"
	only "ftrace.data "
	# What a wrapper executes in its place is what was asked for.
	record 7 env A=1 "$recorded" exit 7
	says "$all events of 1 thread"
	has ftrace.data $all
	only "ftrace.data ftrace.data.old "
	;;
stream)
	record 0 --stream "$recorded"
	says "$all events of 1 thread"
	has ftrace.data $all
	only "ftrace.data "
	[ "$(stat -c %a ftrace.data)" = 600 ] || fail "mode"
	# Each block once, and nothing that is not used: of a buffer that holds all, and of one that is written again and again.
	echo >line
	record 0 --stream -b 16M "$recorded" line <line
	says "$((all + 400000)) events of 1 thread"
	has ftrace.data $((all + 400000))
	[ "$(stat -c %s ftrace.data)" -lt 8000000 ] || fail "the file has $(stat -c %s ftrace.data) bytes"
	record 0 --stream -b 64K "$recorded" line <line
	"$content" ftrace.data >/dev/null || fail "a stream that was written again and again"
	check_sum
	# The same if the thread that copies gets no CPU: nothing is copied, and all but the last ones are lost.
	LD_PRELOAD=$held record 0 --stream -b 64K "$recorded" line <line
	[ "$(stat -c %s ftrace.data)" -lt 300000 ] || fail "the keeper has run: the file has $(stat -c %s ftrace.data) bytes"
	says " events lost"
	check_sum
	record 137 --stream "$recorded" signal 9
	has ftrace.data $((all - 1))
	;;
*)
	fail "no such case"
	;;
esac
