#!/bin/sh
# SPDX-License-Identifier: MIT
#
# variants.sh CC SOURCE INCLUDE LIBRARY - builds variant.c with the compiler, in
# every way that leaves room at functions' entries, and runs what comes out.
# Skipped without the compiler; a way that it does not know is left out.
set -u

cc=$1
source=$2
include=$3
library=$4
command -v "$cc" >/dev/null || {
	echo "skipped: needs package ${cc##*/}"
	exit 77
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
ran=0

try() {
	if ! "$cc" -O2 -Wall -I"$include" "$@" "$source" -o "$dir/variant" "$library" \
		-Wl,-rpath,"$(dirname "$library")" >"$dir/log" 2>&1; then
		echo "left out: $*: $(head -n 1 "$dir/log")"
		return
	fi
	ran=$((ran + 1))
	if "$dir/variant"; then
		echo "ok: $*"
	else
		echo "failed: $*"
		failed=1
	fi
}

for entry in "-fpatchable-function-entry=5" "-fpatchable-function-entry=7,2" \
	"-fpatchable-function-entry=10,3" "-fpatchable-function-entry=16" \
	"-pg -mfentry -mrecord-mcount" "-pg -mfentry -mrecord-mcount -DOWN_FENTRY" \
	"-fxray-instrument -fxray-instruction-threshold=1 -fno-xray-link-deps"; do
	# With --gc-sections GCC's notes for -mrecord-mcount go, which nothing refers to.
	case $entry in
	*mcount*) gc="" ;;
	*) gc="-ffunction-sections -Wl,--gc-sections" ;;
	esac
	for kind in "-fPIE -pie" "-fno-pie -no-pie" "-fPIE -pie -fcf-protection" "-Os" \
		"-fPIE -pie -rdynamic -s -DSTRIPPED" \
		"-fcf-protection -rdynamic -s -DSTRIPPED" "$gc"; do
		# shellcheck disable=SC2086
		try $entry $kind
	done
done
[ $failed = 0 ] || exit 1
[ $ran -gt 0 ] || {
	echo "skipped: $cc supports none of the options"
	exit 77
}
echo "$ran variants with $cc"
