#!/bin/sh
# SPDX-License-Identifier: MIT
#
# shim.sh INCLUDE MAP SONAME CC OUTPUT - makes a shared object that has the functions and
# variables of the public headers, with their types in its debug information, for abidw. The
# library's own are compiled from C# and have none. The functions do nothing. A macro
# that is a number is an enum of its own.
set -eu

include=$1
map=$2
soname=$3
cc=$4
output=$5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# shim NAME DEFINE HEADER: a source file that defines what HEADER declares
shim() {
	echo "#include <ftrace/$3>" >"$dir/declarations.c"
	"$cc" "$2" -I"$include" -aux-info "$dir/declarations" -c "$dir/declarations.c" -o /dev/null
	cp "$dir/declarations.c" "$dir/$1.c"
	sed -nE 's@^/\* .*/ftrace/.*:NC \*/ extern (.*);$@\1 { __builtin_trap(); }@p' "$dir/declarations" >>"$dir/$1.c"
}

shim all -DFTRACE_NO_INLINE ftrace.h
"$cc" -DFTRACE_NO_INLINE -I"$include" -E -dM "$dir/declarations.c" |
	sed -nE '/FTRACE_VERSION_/d; s/^#define (FTRACE_[A-Z0-9_]+) [0-9(].*/enum macro_\1 { value_\1 = \1 };/p' |
	sort >>"$dir/all.c"
shim inline -UFTRACE_NO_INLINE nmi-inline.h
echo '__typeof__(ftrace_modifying_code) ftrace_modifying_code; __thread __typeof__(ftrace_nmi_thread) ftrace_nmi_thread;' \
	>>"$dir/inline.c"

for source in all.c inline.c; do
	define=-DFTRACE_NO_INLINE
	test "$source" = all.c || define=-UFTRACE_NO_INLINE
	"$cc" "$define" -std=gnu2x -g -fPIC -fno-eliminate-unused-debug-types -fno-builtin \
		-fdebug-prefix-map="$dir"=. -I"$include" -c "$dir/$source" -o "$dir/$source.o"
done
"$cc" -shared -nostdlib -Wl,-soname,"$soname" -Wl,--version-script="$map" "$dir"/*.o -o "$output"
