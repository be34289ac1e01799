#!/bin/sh
# SPDX-License-Identifier: MIT
#
# perf.sh PROGRAM - perf, which follows frame pointers, gets from a function below calls whose
# exits are traced to main(). Skipped without perf, or where it may not count.
set -u
command -v perf >/dev/null || {
	echo "skipped: needs package linux-perf"
	exit 77
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
perf record -o "$folder/data" -F 500 -e cpu-clock:u -g "$1" 300 >"$folder/log" 2>&1 || {
	"$1" 10 || exit 1 # it is not perf
	echo "skipped: perf cannot record: $(tail -n 1 "$folder/log")"
	exit 77
}
perf script -i "$folder/data" -F ip,sym,dso >"$folder/script" 2>/dev/null
# Two addresses in blocks: where dbg_leaf() and dbg_traced() return to.
awk '
	function check() {
		if (chain ~ / dbg_leaf/)
			seen++
		if (chain ~ / dbg_leaf block block main/)
			right++
	}
	/^$/ { check(); chain = "" }
	/libftrace/ { chain = chain " block"; next }
	NF { chain = chain " " $2 }
	END {
		check()
		print right " of " seen " samples are right"
		exit seen == 0 ? 77 : right != seen
	}' "$folder/script"
status=$?
[ $status = 77 ] && echo "skipped: perf has no samples"
[ $status = 1 ] || exit $status
cat "$folder/script"
exit 1
