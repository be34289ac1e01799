#!/bin/bash
# SPDX-License-Identifier: MIT
#
# sanitized.sh DOTNET PROJECT BUILD - the library with its C parts built by -fsanitize=address,undefined, under the native tests. What is
# undefined ends a program by SIGILL; what AddressSanitizer finds it writes to a file, and ends the program.
#
# Not the tests that measure memory, load the library before the sanitizer, run for long in it, or in a debugger; nor those of recorded
# forks, which need the C library's allocator (keeper.c), nor children that allocate while the sanitizer's allocator is locked.
set -u

dotnet=$1 project=$2 build=$3
sanitized=$build/sanitized
runtime=$(gcc -print-file-name=libasan.so)
[ -e "$runtime" ] || {
    echo "skipped: needs package libgcc-12-dev"
    exit 77
}

"$dotnet" publish "$project" -c Release --artifacts-path "$sanitized/publish" -o "$sanitized/lib" --nologo -v quiet \
    '-p:NativeSanitizer="address,undefined"' || exit 1
ln -sf libftrace.so "$sanitized/lib/libftrace.so.1"
nm -D "$sanitized/lib/libftrace.so" | grep -q __asan_report_store8 || {
    echo "the library is not sanitized" >&2
    exit 1
}

reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
export ASAN_OPTIONS="log_path=$reports/report:detect_leaks=0:use_sigaltstack=0:allow_user_segv_handler=1"
for signal in segv sigbus abort sigill sigfpe; do
    ASAN_OPTIONS+=":handle_$signal=0"
done

# reported: prints the reports, if there is one
reported() {
    grep -l 'ERROR: AddressSanitizer' "$reports"/report.* 2>/dev/null | xargs -r head -n 40 | grep .
}

# That a report is seen.
gcc -xc -O0 -fsanitize=address -o "$reports/planted" - <<'END' || exit 1
#include <stdlib.h>
int main(int argc, char **argv)
{
	char *memory = malloc(8);
	(void)argv;
	memory[7 + argc] = 1;
	free(memory);
	return 0;
}
END
"$reports/planted" 2>/dev/null
reported >/dev/null || {
    echo "the report of a planted fault is not seen"
    exit 1
}
rm -f "$reports"/report.*

LD_PRELOAD=$(realpath "$runtime") LD_LIBRARY_PATH=$sanitized/lib ctest --test-dir "$build" --output-on-failure --timeout 120 \
    -R '^(gate|nmi|stop|patch|errors|static-key|trace|graph|record|agent)' \
    -E 'each-general|gdb|unwind|variants|churn|steps|gcov|dumps|command|languages|rust|list|storm|million|rounds|processes|killed|listened|exceptions-many|older-kernel|children|forks|ends-often|ends-forking|ends-limited' \
    >"$reports/log" 2>&1
status=$?
tail -n 60 "$reports/log"
! reported || status=1
exit $status
