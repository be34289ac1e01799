#!/bin/sh
# SPDX-License-Identifier: MIT
#
# documents.sh PREFIX CC CXX BUILD_SH DOCUMENT - compiles and runs the blocks of
# a Markdown file, in their order, in an empty folder, against the library that is
# installed in PREFIX. CONTRIBUTING.md says what the language of a block means. A
# block that needs a tool which is not installed is left out, and the test then
# counts as skipped, with the tool's package.
set -eu

prefix=$1
cc=$2
cxx=$3
build_sh=$4
document=$5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/blocks" "$dir/work"
warnings="-O2 -g -Wall -Wextra -Wno-unused-parameter -Werror -fpatchable-function-entry=5"
missing=

export PREFIX="$prefix"
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
export LD_LIBRARY_PATH="$prefix/lib"
export PATH="$prefix/bin:$PATH"
unset FTRACE_PRINT FTRACE_STOP_SIGNAL

fail() {
	echo "$document:$line: $*" >&2
	for log in "$dir/output" "$dir/errors"; do
		test ! -s "$log" || cat "$log" >&2
	done
	exit 1
}

# quietly COMMAND...: in the work folder; what it writes is shown by fail()
quietly() {
	(cd "$dir/work" && exec "$@") >"$dir/output" 2>"$dir/errors" </dev/null
}

# Each block is a file, named by its number. The list has number, line, whether
# nothing stands between it and the block before, and language.
awk -v dir="$dir/blocks" '
	/^```/ {
		inside = !inside
		if (inside) {
			n++
			print n, NR, adjacent + 0, substr($0, 4)
			printf "" >(dir "/" n)
		}
		adjacent = 1
		next
	}
	inside { print >(dir "/" n) }
	!inside && NF { adjacent = 0 }
' "$document" >"$dir/list"

# The name that the first line of a block gives it.
file_name() {
	sed -nE '1s@^(/\*|//|#) ?([A-Za-z0-9_.-]+)( \*/)?$@\2@p' "$1"
}

save() {
	name=$(file_name "$block")
	test -n "$name" || fail "the first line of the block must be a comment with the name of a file"
	cp "$block" "$dir/work/$name"
}

# compile COMPILER STANDARD
compile() {
	save
	# shellcheck disable=SC2086
	quietly "$1" "$2" $warnings -I"$prefix/include" -c "$name" -o "$dir/block.o" ||
		fail "$name does not compile"
	grep -q '^int main(' "$block" || return 0
	quietly "$1" "$dir/block.o" -o "$dir/block" -L"$prefix/lib" -lftrace ||
		fail "$name cannot be linked"
	quietly "$dir/block" || fail "$name ends with $?"
}

# has_tools: what a block of sh needs is installed
has_tools() {
	for tool in pkg-config python3 rustc; do
		if grep -qw -e "$tool" "$block" && ! command -v "$tool" >/dev/null; then
			missing="$missing $tool"
			return 1
		fi
	done
}

run() {
	printed=
	has_tools || return 0
	quietly sh -eu "$block" || fail "ends with $?"
	cp "$dir/output" "$dir/printed"
	printed=yes
}

# Commands of build.sh that are spoken of.
"$build_sh" help >"$dir/help"
grep -noE '\./build\.sh +[a-z-]+' "$document" | sort -u >"$dir/commands" || :
while IFS=: read -r line command; do
	grep -qE -e "^  ${command##* }( |\$)" "$dir/help" || fail "build.sh has no command ${command##* }"
done <"$dir/commands"

blocks=0
printed=
while read -r number line adjacent language; do
	block=$dir/blocks/$number
	blocks=$((blocks + 1))
	: >"$dir/output"
	: >"$dir/errors"
	case $language in
	c) compile "$cc" -std=gnu11 ;;
	cpp) compile "$cxx" -std=gnu++17 ;;
	sh) run ;;
	shell) quietly sh -n "$block" || fail "wrong syntax" ;;
	'')
		if [ "$adjacent" = 1 ] && [ -n "$printed" ]; then
			diff -u "$block" "$dir/printed" >"$dir/output" || fail "this is not what the block before prints"
		fi
		;;
	*)
		save
		used=$name
		test "$name" != CMakeLists.txt || used='cmake -S'
		awk -v from="$number" '$1 > from && $4 == "sh" { print $1 }' "$dir/list" | while read -r later; do
			cat "$dir/blocks/$later"
		done | grep -qF -e "$used" || fail "no later block of sh uses $name"
		;;
	esac
	test "$language" = sh || printed=
done <"$dir/list"
echo "$(basename "$document"): $blocks blocks"
test -z "$missing" || {
	echo "skipped: needs package$missing"
	exit 77
}
