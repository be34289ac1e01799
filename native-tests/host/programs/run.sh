#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh [-p LIBRARY]... [-r] TOGGLER CHANGES PATTERN COMMAND... - a program twice: untouched,
# and with the functions that match the pattern toggled by the preloaded TOGGLER. Both must end with
# 0 and write the same to standard output, and the tool must have made all its changes without an
# error. -p: preload this library in both runs. -r: without address space randomization.
#
# Exit status: 0; 1; 77 if the program says so.
set -eu

preload=
prefix=
while :; do
	case $1 in
	-p)
		preload="$preload $2"
		shift 2
		;;
	-r)
		! setarch -R true 2>/dev/null || prefix="setarch -R"
		shift
		;;
	*) break ;;
	esac
done
toggler=$1
changes=$2
pattern=$3
shift 3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# run NAME ENVIRONMENT... -- COMMAND...
run() {
	name=$1
	shift
	status=0
	# shellcheck disable=SC2086 # a list of words
	timeout -k 10 -s ABRT $((120 + changes / 20)) $prefix env "$@" >"$dir/$name.out" 2>"$dir/$name.err" || status=$?
	[ $status != 77 ] || {
		cat "$dir/$name.err"
		exit 77
	}
	[ $status = 0 ] || complain "the $name program ended with $status"
}

complain() {
	echo "run.sh: $*"
	for file in "$dir"/*.err "$dir"/*.out "$dir/report"; do
		[ ! -s "$file" ] || {
			echo "--- ${file##*/}"
			head -c 4000 "$file"
		}
	done
	exit 1
}

# value NAME: of the report
value() {
	sed -n "s/^$1 \([^ ]*\).*/\1/p" "$dir/report"
}

run untouched ${preload:+"LD_PRELOAD=$preload"} "$@"
[ -s "$dir/untouched.out" ] || complain "the untouched program wrote nothing"
run toggled LD_PRELOAD="$preload $toggler" TOGGLE_PATTERN="$pattern" TOGGLE_CHANGES="$changes" \
	TOGGLE_REPORT="$dir/report" TOGGLE_SECONDS=$((60 + changes / 20)) "$@"
cmp -s "$dir/untouched.out" "$dir/toggled.out" || complain "the two wrote different things"
[ -s "$dir/report" ] || complain "no report of the tool"
[ "$(value first)" != -34 ] || {
	echo "skipped: no memory is free within 2 GB of the library"
	exit 77
}
[ "$(value state)" = "done" ] || complain "the tool did not make its changes"
for name in errors left late wrong; do
	[ "$(value $name)" = 0 ] || complain "$name: $(value $name)"
done
for name in functions hits reads; do
	[ "$(value $name)" -gt 0 ] || complain "no $name"
done
echo "$(value functions) functions, $(value changes) changes, $(value hits) + $(value reads) calls of handlers," \
	"$(value stops) stops, the longest $(($(value longest) / 1000)) us," \
	"of $(value stopped) threads $(value seized) by ptrace(2)"
