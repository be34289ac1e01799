#!/bin/sh
# SPDX-License-Identifier: MIT
#
# linkers.sh INCLUDE LIBRARY COMPILER LINKER PACKAGE - linked.c, linked in every way that
# drops or folds code. LINKER is bfd, gold, lld or mold, or the path of one; if it is not
# installed, the test is skipped. A way that the pair does not have is left out.
#
# linkers.sh --control ...: with the header of version 1.0, where no code refers to the
# entries of its branches: linkers drop and fold, and what the library can notice, it does.
set -u

control=
[ "$1" = --control ] && {
	control=1
	shift
}
headers=$1
include=$headers
library=$2
compiler=$3
path=$4
package=$5
source=$(dirname "$0")/linked.c

for tool in "$compiler" "$path"; do
	command -v "$tool" >/dev/null || {
		[ "$tool" = "$compiler" ] && package=${compiler##*/}
		echo "skipped: needs package $package"
		exit 77
	}
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
linker=${path##*/}
linker=${linker#ld.}
linker=${linker%%-*}
case $compiler in *clang*) family=clang ;; *) family=gcc ;; esac

# Compilers look for ld.lld, and Debian's packages give it a number.
mkdir "$dir/bin"
ln -s "$(command -v "$path")" "$dir/bin/ld.$linker"
case $family in
clang) use="--ld-path=$dir/bin/ld.$linker -Wno-unused-command-line-argument" ;;
*) use="-B$dir/bin -fuse-ld=$linker" ;;
esac

# header SCRIPT: a copy of the headers, in which sed changes static_key.h
header() {
	rm -rf "$dir/include"
	cp -r "$headers" "$dir/include"
	include=$dir/include
	sed -i "$1" "$include/ftrace/static_key.h"
	! cmp -s "$headers/ftrace/static_key.h" "$include/ftrace/static_key.h" || exit 1
}

cat >"$dir/main.c" <<'TXT'
int check(int sites);
int main(int argc, char **argv) { (void)argc; return check(*argv[1]) & 255; }
TXT

failed=0
ran=0
lost=0

# objects OPTION...: first.o and second.o
objects() {
	for file in first second; do
		define=
		[ $file = first ] || define=-DSECOND
		"$compiler" -O2 -Wall -Wextra -Werror -fpatchable-function-entry=5 -I"$include" $define "$@" \
			-c "$source" -o "$dir/$file.o" || exit 1
	done
}

# merge: one object of both, by the linker's -r
merge() {
	"$compiler" $use -r -nostdlib "$dir/first.o" "$dir/second.o" -o "$dir/merged.o" || exit 1
	mv "$dir/merged.o" "$dir/first.o"
	: >"$dir/empty.c"
	"$compiler" -c "$dir/empty.c" -o "$dir/second.o"
}

entries() {
	readelf -SW "$1" | sed -n 's/.* ftrace_jump_table  *PROGBITS  *[0-9a-f]*  *[0-9a-f]*  *\([0-9a-f]*\) .*/\1/p'
}

# try NAME SITES OPTION...: links and runs. SITES as in linked.c; in a control the expected
# result: ok, lost (a branch is missing, and that is said) or wrong
try() {
	name="$family $linker: $1"
	sites=$2
	shift 2
	tried=$dir/program
	case " $* " in
	*" -shared "*)
		tried=$dir/shared.so
		"$compiler" $use "$@" "$dir/first.o" "$dir/second.o" -o "$tried" "$library" \
			-Wl,-rpath,"$(dirname "$library")" >"$dir/log" 2>&1 &&
			"$compiler" "$dir/main.c" "$tried" -Wl,-rpath,"$dir" -o "$dir/program" >>"$dir/log" 2>&1
		;;
	*)
		"$compiler" $use "$@" "$dir/first.o" "$dir/second.o" -o "$tried" "$library" \
			-Wl,-rpath,"$(dirname "$library")" >"$dir/log" 2>&1
		;;
	esac || {
		case " $* " in
		*" -flto"*) echo "left out: $name: $(head -n 1 "$dir/log")" ;;
		*)
			echo "failed: $name: does not link: $(cat "$dir/log")"
			failed=1
			;;
		esac
		return
	}
	ran=$((ran + 1))
	status=0
	if [ -n "$control" ]; then
		FTRACE_PRINT=stderr "$dir/program" t 2>"$dir/said" || status=$?
		result=wrong
		[ $status = 0 ] && result=ok
		grep -q 'no branch on the static key .* gold' "$dir/said" && result=lost
		[ $result = "$sites" ] || {
			echo "failed: $name: $result (line $status), but $sites was expected"
			failed=1
		}
		echo "$name: $result"
		return
	fi
	"$dir/program" "$sites" || status=$?
	[ $status = 0 ] || {
		echo "failed: $name: line $status (of 256 more) of $source"
		failed=1
	}
	readelf -rW "$tried" | grep -q R_X86_64_NONE && {
		echo "failed: $name: empty relocations are left"
		failed=1
	}
	table=$((0x$(entries "$tried") / 12))
	unused=$(nm "$tried" | grep -c ' not_used$')
	[ $table = $((3 + unused)) ] || {
		echo "failed: $name: $table entries, but $unused of the unused function"
		failed=1
	}
	lost=$((lost + (1 - unused)))
	echo "ok: $name"
}

# lonely EXPECTED: a program with a key, but without branches on it
lonely() {
	cat >"$dir/lonely.c" <<'TXT'
#include <ftrace/ftrace.h>
FTRACE_DEFINE_STATIC_KEY_FALSE(lonely);
int main(void) { return -ftrace_static_branch_enable(&lonely); }
TXT
	"$compiler" $use -I"$include" "$dir/lonely.c" -o "$dir/lonely" "$library" \
		-Wl,-rpath,"$(dirname "$library")" || exit 1
	status=0
	"$dir/lonely" || status=$?
	[ $status = "$1" ] || {
		echo "failed: $family $linker: a key without branches: error $status, expected $1"
		failed=1
	}
}

all() {
	# No code refers to the list of functions. After -r it belongs to one section of them.
	gc=t
	after_r=t
	case $family-$linker in
	*-gold)
		gc=d
		after_r=d
		;;
	clang-bfd) after_r=d ;;
	esac

	lonely 0
	objects -fPIE
	try "pie" t -pie
	try "pie, --gc-sections" "$gc" -pie -Wl,--gc-sections
	objects -fPIE -ffunction-sections
	try "pie, sections" t -pie
	try "pie, sections, --gc-sections" "$gc" -pie -Wl,--gc-sections
	[ $linker = bfd ] || try "pie, sections, --gc-sections, --icf=all" "$gc" -pie -Wl,--gc-sections -Wl,--icf=all
	merge
	try "-r" t -pie
	try "-r, --gc-sections" "$after_r" -pie -Wl,--gc-sections
	[ $linker = bfd ] || try "-r, --gc-sections, --icf=all" "$after_r" -pie -Wl,--gc-sections -Wl,--icf=all
	objects -fno-pie -ffunction-sections
	try "no-pie, sections, --gc-sections" "$gc" -no-pie -Wl,--gc-sections
	objects -fPIC -DSHARED -ffunction-sections -fcf-protection
	try "shared, sections, --gc-sections" "$gc" -shared -Wl,--gc-sections
	[ $linker = bfd ] || try "shared, sections, --gc-sections, --icf=all" "$gc" -shared -Wl,--gc-sections -Wl,--icf=all
	lto=-flto
	[ $family = gcc ] || lto=-flto=thin
	objects -fPIE "$lto"
	try "pie, $lto" t -pie "$lto" -fpatchable-function-entry=5
	try "pie, $lto, --gc-sections" "$gc" -pie "$lto" -fpatchable-function-entry=5 -Wl,--gc-sections
	objects -fPIC -DSHARED "$lto"
	try "shared, $lto, --gc-sections" "$gc" -shared "$lto" -fpatchable-function-entry=5 -Wl,--gc-sections
}

controls() {
	header '/^\t*"\.reloc /d; s/{{\([01]\), 1, /{{\1, 0, /'
	dropped=ok
	folded=wrong
	merged=ok
	case $family-$linker in
	*-gold)
		lonely 2 # ENOENT: such a key may have had branches
		dropped=lost
		folded=lost
		merged=lost
		;;
	clang-bfd) merged=wrong ;;
	esac
	objects -fPIE -ffunction-sections
	try "old header" ok -pie
	try "old header, --gc-sections" $dropped -pie -Wl,--gc-sections
	[ $linker = bfd ] || try "old header, --gc-sections, --icf=all" $folded -pie -Wl,--gc-sections -Wl,--icf=all
	merge
	try "old header, -r, --gc-sections" $merged -pie -Wl,--gc-sections
	header '/^\t*"\.reloc " symbol/d'
	objects -fPIE -ffunction-sections
	try "old static calls" ok -pie
	[ $linker = bfd ] || try "old static calls, --icf=all" wrong -pie -Wl,--icf=all
}

if [ -n "$control" ]; then controls; else all; fi
[ $failed = 0 ] || exit 1
echo "$ran programs; $lost without the unused function"
