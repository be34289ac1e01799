#!/bin/sh
# SPDX-License-Identifier: MIT
# headers.sh INCLUDE CC CXX: each public header alone, as C and as C++, for Windows; by clang too, if it is installed. It also stands in
# for Microsoft's compiler: its target, its extensions, the compiler's own stdint.h and stddef.h, and no word of GNU's.
set -eu
include=$1 cc=$2 cxx=$3
failed=0

check() {
    header=$1
    shift
    if ! echo "#include <ftrace/$header>" | "$@" -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$include" -; then
        echo "$header: not accepted by $*"
        failed=1
    fi
}

for path in "$include"/ftrace/*.h; do
    header=$(basename "$path")
    [ "$header" != nmi-inline.h ] || continue # for the library's own gate
    check "$header" "$cc" -std=gnu11 -x c
    check "$header" "$cxx" -std=gnu++17 -x c++
    if command -v clang-19 >/dev/null; then
        check "$header" clang-19 --target=x86_64-w64-windows-gnu -std=gnu11 -x c
        for language in 'c -std=c11' 'c++ -std=c++14'; do
            # shellcheck disable=SC2086
            check "$header" clang-19 --target=x86_64-pc-windows-msvc -fms-compatibility -ffreestanding \
                -U__clang__ -U__clang_major__ '-D__attribute__(x)=@' -D__extension__=@ -D__asm__=@ -x $language
        done
    fi
done

# Addresses have 64 bits there, although long has 32.
echo '#include <ftrace/ftrace.h>
_Static_assert(sizeof(((struct ftrace_patch *)0)->ip) == 8 && sizeof(long) == 4, "an address");
_Static_assert(sizeof(struct ftrace_patch) == 32 && sizeof(struct ftrace_patch_opts) == 24, "layout");
_Static_assert(sizeof(*((struct ftrace_site *)0)->data) == 8 && sizeof(ftrace_stack_size(0)) == 8, "a word");
_Static_assert(sizeof(struct ftrace_ops) == 32 && sizeof(struct ftrace_graph_ops) == 48, "layout");
_Static_assert(sizeof(struct ftrace_site) == 64 && sizeof(struct ftrace_symbol) == 72, "layout");
_Static_assert(sizeof(struct ftrace_tracing_status) == 88, "layout");' |
    "$cc" -std=gnu11 -Wall -Werror -fsyntax-only -I"$include" -x c - || failed=1
exit $failed
