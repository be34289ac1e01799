#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debug_file.sh PROGRAM SOURCE CC - a stripped object's names are those of its debug
# file under /usr/lib/debug, if that is whole and belongs to it. Runs itself again in
# a mount namespace, with a folder of its own there; skipped where that is forbidden.
set -eu

program=$1
source=$2
cc=$3

fail() {
	echo "debug_file.sh: $*" >&2
	exit 1
}

skip() {
	echo "skipped: $*"
	exit 77
}

command -v "$cc" >/dev/null || skip "needs package ${cc##*/}"
if [ $# -eq 3 ]; then
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	for way in "unshare -rm" "unshare -m"; do
		if $way true 2>/dev/null; then
			$way "$0" "$@" "$dir"
			exit
		fi
	done
	skip "no mount namespaces here"
fi

# In the namespace.
dir=$4
debug=$dir/debug
mkdir "$debug"
if [ -d /usr/lib/debug ]; then
	mount --bind "$debug" /usr/lib/debug || skip "nothing may be mounted here"
else
	# All of /usr/lib as it is, and the folder.
	mkdir "$dir/lib" "$dir/old"
	mount --rbind /usr/lib "$dir/old" || skip "nothing may be mounted here"
	for entry in "$dir"/old/*; do
		ln -s "$entry" "$dir/lib/"
	done
	ln -s "$debug" "$dir/lib/debug"
	mount --rbind "$dir/lib" /usr/lib || skip "nothing may be mounted here"
fi

# build NAME OPTION...: NAME.so, and of it NAME.debug and NAME.stripped
build() {
	name=$1
	shift
	"$cc" -O2 -g -shared -fPIC -fpatchable-function-entry=5 "$@" "$source" -o "$dir/$name.so"
	objcopy --only-keep-debug "$dir/$name.so" "$dir/$name.debug"
	strip -o "$dir/$name.stripped" "$dir/$name.so"
}

# The place of the debug file of an object.
place_of() {
	id=$(readelf -nW "$1" | sed -n 's/.*Build ID: *\([0-9a-f]*\).*/\1/p')
	[ -n "$id" ] || fail "$1 has no build id"
	rest=${id#??}
	echo "/usr/lib/debug/.build-id/${id%"$rest"}/$rest.debug"
}

# try FOUND WHAT...: with the object and the debug file as they are now
try() {
	found=$1
	shift
	"$program" "$dir/plugin.so" "$found" || fail "$*"
	echo "ok: $*"
}

build one -Wl,--build-id
build two -Wl,--build-id -DPLUGIN_ANSWER=2
build none -Wl,--build-id=none
place=$(place_of "$dir/one.so")
mkdir -p "$(dirname "$place")"
cp "$dir/one.stripped" "$dir/plugin.so"

try 0 "no debug file"
cp "$dir/one.debug" "$place"
try 1 "its debug file"
objcopy --compress-debug-sections "$dir/one.debug" "$place"
readelf -SW "$place" | grep -q 'debug_info.* C ' || fail "nothing is compressed"
try 1 "compressed sections in it"
cp "$dir/one.so" "$place"
try 1 "the whole object for a debug file"

cp "$dir/two.debug" "$place"
try 0 "that of another build"
cp "$dir/none.debug" "$place"
try 0 "one without a build id"
cp "$dir/one.stripped" "$place"
try 0 "one without symbols"
size=$(wc -c <"$dir/one.debug")
for length in 0 1 16 63 64 100 1000 $((size / 2)) $((size - 64)) $((size - 1)); do
	head -c "$length" "$dir/one.debug" >"$place"
	try 0 "$length of its $size bytes"
done
head -c "$size" /dev/zero >"$place"
try 0 "zeros"
rm "$place"
mkdir "$place"
try 0 "a folder in its place"
rmdir "$place"
ln -s "$place" "$place"
try 0 "a link to itself"
rm "$place"

# Neither a link with a checksum nor an object without a build id leads anywhere.
objcopy --add-gnu-debuglink="$dir/one.debug" "$dir/one.stripped" "$dir/plugin.so"
try 0 "only a .gnu_debuglink"
cp "$dir/one.debug" "$place"
cp "$dir/none.stripped" "$dir/plugin.so"
try 0 "an object without a build id"
cp "$dir/two.stripped" "$dir/plugin.so"
try 0 "another object's debug file only"

# Symbols of its own are enough.
cp "$dir/one.so" "$dir/plugin.so"
cp "$dir/two.debug" "$place"
try 1 "an object that is not stripped"
