#!/bin/sh
# SPDX-License-Identifier: MIT
#
# planted.sh INCLUDE MAP VERSION SONAME CC LIBRARY - abi.sh finds each kind of change of the headers and
# of the map, and says whether it breaks programs.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
include=$1
map=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# planted MESSAGE FILE SED_SCRIPT...: with the files so changed, abi.sh must fail, and say so
planted() {
	rm -rf "$dir/tree"
	mkdir "$dir/tree"
	cp -r "$include" "$dir/tree/include"
	cp "$map" "$dir/tree/map"
	message=$1
	shift
	fault="$*"
	while [ $# -gt 0 ]; do
		cp "$dir/tree/$1" "$dir/before"
		sed -i -E "$2" "$dir/tree/$1"
		! cmp -s "$dir/tree/$1" "$dir/before" || {
			echo "changes nothing: $1: $2" >&2
			exit 1
		}
		shift 2
	done
	status=0
	"$folder/abi.sh" "$dir/tree/include" "$dir/tree/map" "$version" "$soname" "$cc" "$library" >"$dir/log" 2>&1 || status=$?
	test $status != 77 || {
		cat "$dir/log"
		exit 77
	}
	if [ $status = 0 ] || ! grep -qF -e "abi.sh: $message" "$dir/log"; then
		cat "$dir/log" >&2
		echo "not found, or for another reason: $fault" >&2
		exit 1
	fi
	count=$((count + 1))
}

version=$1
soname=$2
cc=$3
library=$4
count=0
break="this breaks programs that were compiled for libftrace-1.0"
break_new="this breaks programs that were compiled for libftrace-1.1"
exports="< exported, > in a header"
other="the ABI is not the one that is kept"

# A function of 1.0 is gone, a new one is gone, one has moved to another node.
planted "$break" map '/ftrace_make_nop;/d'
planted "$break_new" map '/ftrace_lookup;/d'
planted "$break" map '/^	+ftrace_for_each_site;/d; s/^	+ftrace_lookup;/&ftrace_for_each_site;/'
# The type of a parameter, and of what is returned; the number of parameters.
planted "$break" include/ftrace/patch.h 's/^(int ftrace_make_nop\(uintptr_t ip, )uintptr_t/\1unsigned int/'
planted "$break" include/ftrace/patch.h 's/^int (ftrace_make_nop\()/long \1/'
planted "$break" include/ftrace/patch.h 's/^(int ftrace_make_nop\(uintptr_t ip), uintptr_t addr/\1/'
# Structures: the order of members, one inserted in the middle, one gone, another size.
planted "$break" include/ftrace/patch.h '/^struct ftrace_patch_opts/,/^}/ { /method;/ { h; d }; /writer;/ G }'
planted "$break" include/ftrace/patch.h '/^struct ftrace_patch_opts/,/^}/ { s/^.*method;/	int more;\n&/ }'
planted "$break" include/ftrace/patch.h '/^struct ftrace_stats/,/^}/ { s/^}/	uint64_t more;\n&/; s/^.*size;/&\n	uint64_t other;/ }'
planted "$break" include/ftrace/static_key.h '/^struct ftrace_static_key \{/,/^}/ s/^}/	uint64_t more;\n&/'
planted "$break" include/ftrace/nmi-inline.h 's/reserved\[7\]/reserved[8]/'
planted "$break_new" include/ftrace/tracing.h '/^struct ftrace_tracing_opts/,/^}/ { /uint64_t/d }'
# Enumerators: a value, one inserted before others, one gone. Macros the same.
planted "$break" include/ftrace/patch.h 's/^	FTRACE_METHOD_STOP_MACHINE,/	FTRACE_METHOD_STOP_MACHINE = 7,/'
planted "$break" include/ftrace/patch.h 's/^	FTRACE_METHOD_STOP_MACHINE,/	FTRACE_METHOD_NONE,\n&/'
planted "$break" include/ftrace/patch.h '/^	FTRACE_METHOD_STOP_MACHINE,/d'
planted "$break" include/ftrace/trace.h 's/^(#define FTRACE_OPS_FL_NO_VECTORS[ 	]+)[^ 	]+/\132UL/'
planted "$break_new" include/ftrace/tracing.h 's/^(#define FTRACE_TRACING_OFF[ 	]+)[^ 	]+/\164U/'
planted "$break_new" include/ftrace/tracing.h '/^#define FTRACE_TRACING_OFF/d'
# What is compatible, and yet another ABI than the kept one.
planted "$other" include/ftrace/tracing.h 's/^(#define FTRACE_TRACING_OFF)[ 	].*/&\n\1_MORE 64U/'
planted "$other" include/ftrace/patch.h '/^struct ftrace_stats/,/^}/ s/^}/	uint64_t more;\n}/'
# A function in header and map that the library does not have.
planted "$exports" map 's/^.*ftrace_lookup;/&\n	ftrace_more;/' include/ftrace/sites.h 's/^int ftrace_lookup/int ftrace_more(void);\n&/'
echo "$count faults found"
