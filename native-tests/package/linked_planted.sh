#!/bin/sh
# SPDX-License-Identifier: MIT
#
# linked_planted.sh CC LIBC - linked.sh finds each fault that it looks for, in small files linked for
# that, and none in one without; and imports.sh those in lines of C#.
set -eu

cc=$1
libc=$2
imports=$(dirname "$0")/imports.sh
check=$(dirname "$0")/linked.sh
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
count=0

# link SOURCE OPTION...: with what a fault leaves out
link() {
	source=$1
	shift
	printf '%s\n' "$source" >"$dir/planted.c"
	"$cc" -shared -fPIC -fcf-protection=none -Wl,-z,relro,-z,now,-z,noexecstack "$dir/planted.c" "$@" -o "$dir/planted.so"
}

# planted MESSAGE SOURCE OPTION...
planted() {
	message=$1
	shift
	link "$@"
	if "$check" "$dir/planted.so" >"$dir/log" 2>&1 || ! grep -qF -e "$message" "$dir/log"; then
		echo "not found: $message" >&2
		cat "$dir/log" >&2
		exit 1
	fi
	count=$((count + 1))
}

call='extern int puts(const char *); int call(void); int call(void) { return puts(""); }'
link "$call"
"$check" "$dir/planted.so"

# A version of its own, as of a later glibc.
echo 'void later(void) {}' >"$dir/later.c"
echo 'GLIBC_2.29 { later; };' >"$dir/later.map"
"$cc" -shared -fPIC -Wl,-soname,libm.so.6 -Wl,--version-script="$dir/later.map" "$dir/later.c" -o "$dir/later.so"
planted 'needs GLIBC_2.29: later' "void later(void); $call void more(void) { later(); }" "$dir/later.so"
"$cc" -shared -fPIC -Wl,-soname,libplanted.so.1 "$dir/later.c" -o "$dir/libplanted.so"
planted 'needs libplanted.so.1' "$call" -Wl,--no-as-needed "$dir/libplanted.so"
planted 'has a path of libraries' "$call" -Wl,-rpath,/nowhere
planted 'becomes read-only' "$call" -Wl,-z,norelro
planted 'binds lazily' "$call" -Wl,-z,lazy
planted 'has text relocations' "$call int x; __asm__(\".text; .quad x\");" -Wl,-z,notext
planted 'has an executable stack' "$call" -Wl,-z,execstack
planted 'writable and executable' "$call __asm__(\".section mixed, \\\"awx\\\", @progbits; .quad 1; .text\");"
planted 'claims to support CET' "$call" -Wl,-z,ibt,-z,shstk

# imported MESSAGE LINE
imported() {
	mkdir -p "$dir/source"
	printf '%s\n' '[LibraryImport("libc", EntryPoint = "open")]' "$2" >"$dir/source/planted.cs"
	if "$imports" "$dir/source" "$libc" >"$dir/log" 2>&1 || ! grep -qF -e "$1" "$dir/log"; then
		echo "not found: $1" >&2
		cat "$dir/log" >&2
		exit 1
	fi
	count=$((count + 1))
}
imported 'fstatat is of glibc 2.33' '[LibraryImport("libc", EntryPoint = "fstatat")]'
imported 'dlopen is of glibc 2.34' '[LibraryImport("libc", EntryPoint = "dlopen", SetLastError = true)]'
imported 'none_such is not in' '[LibraryImport("libc", EntryPoint = "none_such")]'
imported 'of another library' '[LibraryImport("libdl", EntryPoint = "dlopen")]'
imported 'not named' '[LibraryImport("libc")]'
echo "$count faults found"
