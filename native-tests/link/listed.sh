#!/bin/sh
# SPDX-License-Identifier: MIT
#
# listed.sh WAY INCLUDE LIBRARY COMPILER LINKER PACKAGE - programs whose list of functions is
# incomplete, because compiler or linker lose entries, and the ways out.
#
#   cxx     C++ of several files: GCC before 13 has one list for a file, in the group of its
#           first function. If that is an inline function that another file has too, the
#           list goes with the second copy
#   unused  the same with --gc-sections, if the first function of a file is not used
#   mcount  -mrecord-mcount with --gc-sections: nothing refers to the list
set -u

way=$1
include=$2
library=$3
compiler=$4
path=$5
package=$6
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
mkdir "$dir/bin"
ln -s "$(command -v "$path")" "$dir/bin/ld.$linker"
case $compiler in
*clang*)
	use="--ld-path=$dir/bin/ld.$linker -Wno-unused-command-line-argument"
	keeps=1
	;;
*)
	use="-B$dir/bin -fuse-ld=$linker"
	[ "$("$compiler" -dumpversion | cut -d. -f1)" -ge 13 ] && keeps=1 || keeps=0
	;;
esac
"$compiler" -O1 -Wall -Wextra -Werror -I"$include" -c "$(dirname "$0")/listed.c" -o "$dir/listed.o" || exit 1

# The first function of both files is one that both have.
cat >"$dir/cxx-1.cpp" <<'TXT'
inline __attribute__((noinline)) int in_both(int x) { return x * 3; }
int first(int x) { return in_both(x) + 1; }
TXT
cat >"$dir/cxx-2.cpp" <<'TXT'
inline __attribute__((noinline)) int in_both(int x) { return x * 3; }
int first(int x);
extern "C" __attribute__((noinline)) int second(int x) { return x + 2; }
int third(int x) { return in_both(x) + second(x); }
extern "C" int work(void) { return first(1) + third(2); }
TXT
cat >"$dir/unused-1.c" <<'TXT'
int not_used(int x) { return x - 10; }
int second(int x) { return x * 3; }
TXT
cat >"$dir/unused-2.c" <<'TXT'
int second(int x);
int work(void) { return second(1); }
TXT
cp "$dir/unused-1.c" "$dir/mcount-1.c"
cp "$dir/unused-2.c" "$dir/mcount-2.c"

failed=0

# try EXPECTED OPTION...: OPTION... compile and link; EXPECTED as for the program
try() {
	expected=$1
	shift
	if ! "$compiler" -O1 "$@" $use "$dir/$way"-1.c* "$dir/$way"-2.c* "$dir/listed.o" -o "$dir/listed" "$library" \
		-Wl,-rpath,"$(dirname "$library")" >"$dir/log" 2>&1; then
		echo "failed: $*: does not link: $(cat "$dir/log")"
		failed=1
		return
	fi
	name=second
	[ "$expected" != nothing ] || name=nobody
	if "$dir/listed" $name "$expected" >"$dir/log" 2>&1; then
		echo "ok: $*: $expected"
	else
		echo "failed: $*: not $expected: $(cat "$dir/log")"
		failed=1
	fi
}

lost=traced
[ $keeps = 1 ] || lost="GCC before 13"
entry=-fpatchable-function-entry=5
case $way in
cxx)
	if [ $linker = mold ]; then try traced $entry; else try "$lost" $entry; fi
	[ $linker != bfd ] || try traced $entry -flto
	;;
unused)
	used="$entry -ffunction-sections -Wl,--gc-sections"
	if [ $linker = gold ]; then
		try "the linker dropped the list" $used
	elif [ $linker = mold ]; then
		try traced $used
	else
		try "$lost" $used
	fi
	try traced $entry -ffunction-sections
	try nothing $entry -ffunction-sections
	xray="-fxray-instrument -fxray-instruction-threshold=1 -fno-xray-link-deps -ffunction-sections"
	if "$compiler" $xray -E -x c /dev/null >/dev/null 2>&1; then # not GCC, nor every Clang
		try traced $xray
		[ $linker = gold ] && listed="the linker dropped the list" || listed=traced
		try "$listed" $xray -Wl,--gc-sections
	fi
	;;
mcount)
	mcount="-pg -mfentry -mrecord-mcount -ffunction-sections"
	[ $linker != lld ] || mcount="$mcount -fno-pie -no-pie" # it makes no relocation in a section of constants
	try "add -mrecord-mcount" -pg -mfentry
	try traced $mcount
	try nothing $mcount
	if [ $linker = mold ]; then
		try traced $mcount -Wl,--gc-sections
	else
		try "-Wl,-u,__start___mcount_loc" $mcount -Wl,--gc-sections
		[ $linker != gold ] || try "-Wl,-u,__start___mcount_loc" $mcount -Wl,--gc-sections -fno-pie -no-pie
	fi
	[ $linker != bfd ] || try traced $mcount -Wl,--gc-sections -Wl,-u,__start___mcount_loc
	;;
esac
exit $failed
