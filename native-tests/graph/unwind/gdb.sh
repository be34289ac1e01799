#!/bin/sh
# SPDX-License-Identifier: MIT
#
# gdb.sh MODE PROGRAM - a debugger finds the way through calls whose exits are traced.
# Skipped without gdb, or where it may not trace.
#
#   steps    the callers at each instruction, from before the outer call to after it
#   finish   out of the function, out of the block, and to the caller's variables
set -u
command -v gdb >/dev/null || {
	echo "skipped: needs package gdb"
	exit 77
}
mode=$1
program=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# debug COMMAND-FILE: what gdb prints
debug() {
	out=$(gdb -batch -nx -ex "set pagination off" -ex "set debuginfod enabled off" -x "$1" "$program" 2>&1)
	case $out in
	*"Operation not permitted"*)
		echo "skipped: $out"
		exit 77
		;;
	esac
}

fail() {
	echo "gdb.sh: $1"
	printf '%s\n' "$out"
	exit 1
}

# True if all backtraces are those of the program: without the library's frames, and without the
# handlers. A stub, which is made at run time, is only seen if it is the innermost: "??" without
# the name of an object.
chains_are_true() {
	printf '%s\n' "$out" | awk '
		function check() {
			if (at && !stub && chain !~ /^( dbg_leaf)?( dbg_traced)?( its_caller)? main$/) {
				print "wrong chain:" chain
				wrong++
			}
			if (at && chain ~ /^ dbg_leaf dbg_traced its_caller main$/)
				deepest++
			if (at && library && chain == " main")
				wrong++
			if (at)
				steps++
		}
		/^at$/ { check(); at = 1; chain = ""; stub = 0; library = 0 }
		/^#/ {
			number = $1
			sub(/^#[0-9]+ +(0x[0-9a-f]+ in )?/, "")
			if (/libftrace\.so/) {
				library = 1
				next
			}
			if (/^\?\? / && number == "#0")
				stub = 1
			if (!/^(on_entry|on_return|in_the_leaf|\?\?) /)
				chain = chain " " $1
		}
		END {
			check()
			if (steps < 300 || deepest < 100) {
				print steps " steps, " deepest " of them with all functions"
				wrong++
			}
			exit wrong > 0
		}'
}

case $mode in
steps)
	cat >"$folder/commands" <<-'END'
		break ready
		run
		set $count = 0
		while finished == 0 && $count < 2000
		  stepi
		  echo at\n
		  bt
		  set $count = $count + 1
		end
	END
	debug "$folder/commands"
	chains_are_true || fail "a chain is wrong"
	# The same without one frame is noticed.
	out=$(printf '%s\n' "$out" | grep -v '^#.* its_caller (')
	! chains_are_true >/dev/null || fail "a missing caller is not noticed"
	;;
finish)
	cat >"$folder/commands" <<-'END'
		break ready
		run
		break in_the_leaf
		continue
		finish
		echo \n== up\n
		up
		up
		up
		up
		print kept
		frame 0
		echo \n== finish\n
		finish
		bt
		echo \n== finish of the block\n
		finish
		bt
		echo \n== on\n
		continue
	END
	debug "$folder/commands"
	printf '%s\n' "$out" >"$folder/out"
	# Up: dbg_leaf, the block, dbg_traced, the block, its_caller. Its variable is in a register.
	sed -n '/^== up/,/^== finish$/p' "$folder/out" | grep -q '^\$[0-9]* = 4712$' || fail "up: not its_caller"
	# The function has returned, into the block; then into its caller.
	sed -n '/^== finish$/,/^== finish of/p' "$folder/out" >"$folder/part"
	grep -q '^Value returned is \$[0-9]* = 2$' "$folder/part" || fail "finish: not the result"
	grep -q '^#0 .*libftrace\.so' "$folder/part" || fail "finish: not in the block"
	grep -q '^#1 .* dbg_traced (' "$folder/part" || fail "finish: the caller is not found"
	sed -n '/^== finish of/,/^== on/p' "$folder/out" | grep -q '^#0 .* dbg_traced (' ||
		fail "finish of the block: not in the caller"
	sed -n '/^== on/,$p' "$folder/out" | grep -q 'exited normally' || fail "the program does not end well"
	;;
esac
