#!/bin/bash
# SPDX-License-Identifier: MIT
#
# help.sh COMMAND VERSION PROGRAM... - --help and --version print to standard output, and end with 0: of COMMAND (ftrace), of
# each of its commands, and of the other PROGRAMs of the project; an unknown option is wrong usage, 64, and says where help is.
set -euo pipefail

ftrace=$1
version=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

fail() {
    echo "help.sh: $*" >&2
    failed=1
}

# prints STATUS PATTERN COMMAND...: to standard output only
prints() {
    local status=0 wanted=$1 pattern=$2
    shift 2
    "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
    [ "$status" = "$wanted" ] || fail "$*: ends with $status"
    [ ! -s "$dir/err" ] || fail "$*: prints to standard error: $(head -n 1 "$dir/err")"
    grep -qE -e "$pattern" "$dir/out" || fail "$*: prints no $pattern: $(head -n 1 "$dir/out")"
}

# refuses PATTERN COMMAND...: with 64, and a line on standard error
refuses() {
    local status=0 pattern=$1
    shift
    "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
    [ "$status" = 64 ] || fail "$*: ends with $status, not with 64"
    [ ! -s "$dir/out" ] || fail "$*: prints to standard output: $(head -n 1 "$dir/out")"
    grep -qE -e "$pattern" "$dir/err" || fail "$*: says nothing of $pattern"
}

prints 0 "^ftrace $version\$" "$ftrace" --version
prints 0 '^library: ' "$ftrace" --version
prints 0 '^Usage:' "$ftrace" --help
prints 0 '^Usage:' "$ftrace" -h
prints 0 '^Usage:' "$ftrace" help
refuses 'See: ftrace --help' "$ftrace"
refuses 'See: ftrace --help' "$ftrace" --planted
refuses 'there is no command planted; there are record' "$ftrace" help planted
commands=$("$ftrace" --help | sed -n '/^Commands:/,$s/^  \([a-z]\+\) .*/\1/p')
[ "$(echo "$commands" | wc -w)" -gt 10 ] || fail "ftrace --help lists: $commands"
for command in $commands; do
    prints 0 "^ftrace $version\$" "$ftrace" "$command" --version
    prints 0 "^  ftrace $command( |\$)" "$ftrace" "$command" --help
    cp "$dir/out" "$dir/long"
    prints 0 '^Usage:' "$ftrace" "$command" -h
    prints 0 '^Usage:' "$ftrace" help "$command"
    cmp -s "$dir/out" "$dir/long" || fail "ftrace help $command is not ftrace $command --help"
    refuses "^See: ftrace $command --help\$" "$ftrace" "$command" --planted
done
for program; do
    name=$(basename "$program" .sh)
    prints 0 "^(libftrace|$name) $version\$" "$program" --version
    prints 0 '[Uu]sage: ' "$program" --help
    prints 0 '[Uu]sage: ' "$program" -h
    refuses 'help|[Uu]sage' "$program" --planted
done
[ $failed = 0 ] || exit 1
echo "$(echo "$commands" | wc -w) commands, $# other programs"
