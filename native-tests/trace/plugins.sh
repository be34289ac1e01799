#!/bin/sh
# SPDX-License-Identifier: MIT
#
# plugins.sh PROGRAM MODE SOURCE CC OPTION... - builds plugin.so with the compiler
# and options and lets the program open it. Skipped if there is no such compiler,
# or it has no such option.
set -eu

program=$1
mode=$2
source=$3
cc=$4
shift 4
command -v "$cc" >/dev/null || {
	echo "skipped: needs package ${cc##*/}"
	exit 77
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
build() {
	"$cc" -O2 -shared -fPIC "$@"
}
build "$@" "$source" -o "$dir/plugin.so" 2>"$dir/log" || {
	cat "$dir/log"
	echo "skipped: $cc cannot build it with $*"
	exit 77
}
if [ "$mode" = version ] || [ "$mode" = replaced ]; then
	mv "$dir/plugin.so" "$dir/plugin.so.1"
	build "$@" -DPLUGIN_ANSWER=2 "$source" -o "$dir/plugin.so.2"
	ln -s "$dir/plugin.so.1" "$dir/plugin.so"
fi
[ "$mode" != sealed ] || build "$@" -DPLUGIN_ANSWER=2 "$source" -o "$dir/plugin.so.2"
"$program" "$mode" "$dir/plugin.so"
