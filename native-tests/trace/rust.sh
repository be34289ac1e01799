#!/bin/sh
# SPDX-License-Identifier: MIT
# rust.sh - a Rust program, with both kinds of symbols: it traces its own functions by name.
# Usage: rust.sh SOURCE LIBRARY_FOLDER
set -eu

command -v rustc >/dev/null || {
	echo "skipped: needs package rustc"
	exit 77
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Room at the entry of functions is an option of development versions, which stable ones take with this variable.
export RUSTC_BOOTSTRAP=1
echo 'fn main() {}' >"$dir/empty.rs"
rustc -Z patchable-function-entry=5 -o "$dir/empty" "$dir/empty.rs" 2>/dev/null || {
	echo "skipped: needs rustc 1.81, for -Z patchable-function-entry"
	exit 77
}
for kind in v0 legacy; do
	rustc --edition 2021 -O -Z unstable-options -C symbol-mangling-version=$kind \
		-Z patchable-function-entry=5 -C codegen-units=1 -L "$2" -o "$dir/rust" "$1"
	# The older symbols are the names of a C++ program too: that one can demangle them must not matter.
	for preloaded in '' libstdc++.so.6; do
		LD_PRELOAD=$preloaded LD_LIBRARY_PATH=$2 "$dir/rust" $kind ||
			{ echo "$kind: failed, with '$preloaded'"; exit 1; }
	done
done
