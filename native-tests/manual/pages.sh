#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pages.sh MAN MAP COMMAND - the manual pages in the folder MAN: mandoc and groff have nothing to say about them, whatis(1)
# understands each, man(1) shows them; each symbol of MAP has a page, and each option that the help of COMMAND shows is on
# the page of its command.
set -euo pipefail

man=$(realpath "$1")
map=$(realpath "$2")
ftrace=$(realpath "$3")
failed=0
missing=
command -v mandoc >/dev/null || missing=mandoc
command -v lexgrog >/dev/null && command -v groff >/dev/null || missing="man-db"
[ -z "$missing" ] || {
    echo "skipped: needs package $missing"
    exit 77
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "pages.sh: $*" >&2
    failed=1
}

# show PAGE: as text, without bold
show() {
    mandoc -T ascii "$1" | sed 's/.\x08//g'
}

cd "$man"
mapfile -t pages < <(find . -type f | sort)
mapfile -t links < <(find . -type l | sort)
[ ${#pages[@]} -gt 100 ] || fail "only ${#pages[@]} pages in $man"
mandoc -T lint -W style "${pages[@]}" >"$dir/lint" 2>&1 || true
[ ! -s "$dir/lint" ] || fail "mandoc: $(head -n 5 "$dir/lint")"
groff -ww -z -man -Tutf8 -K utf8 "${pages[@]}" >"$dir/groff" 2>&1 || true
[ ! -s "$dir/groff" ] || fail "groff: $(head -n 5 "$dir/groff")"
lexgrog "${pages[@]}" >"$dir/names" 2>&1 || true
! grep 'parse failed' "$dir/names" >"$dir/whatis" || fail "whatis: $(head -n 5 "$dir/whatis")"
for link in "${links[@]}"; do
    [ -e "$link" ] || fail "$link leads nowhere"
done
for page in man1/ftrace.1 man3/ftrace_register_function.3 man7/ftrace.7; do
    man --warnings -P cat -l "$page" >"$dir/text" 2>"$dir/warnings" && [ ! -s "$dir/warnings" ] && grep -q DESCRIPTION "$dir/text" ||
        fail "man does not show $page: $(cat "$dir/warnings")"
done

symbols=$(sed -n 's/^\t\t\([a-z0-9_]*\);.*/\1/p' "$map")
for symbol in $symbols; do
    page=man3/$symbol.3
    if [ ! -e "$page" ]; then
        fail "$symbol has no page"
    elif ! sed -n '/^.SH NAME/,/^.SH SYNOPSIS/p' "$page" | grep -qw "$symbol"; then
        fail "$page does not name $symbol"
    fi
done

"$ftrace" --help | sed -n '/^Commands:/,$s/^  \([a-z]\+\) .*/\1/p' >"$dir/commands"
[ -s "$dir/commands" ] || fail "the help of $ftrace has no commands"
show man1/ftrace.1 >"$dir/root"
while read -r command; do
    page=man1/ftrace-$command.1
    [ -e "$page" ] || {
        fail "ftrace $command has no page"
        continue
    }
    show "$page" | sed -n '/^OPTIONS/,/^[A-Z]/{/^ /p}' >"$dir/options"
    "$ftrace" "$command" --help | sed -n '/^Options:/,$s/^  \(-[^ ,]*\(, -[^ ,]*\)*\).*/\1/p' | tr -d , | tr ' ' '\n' >"$dir/wanted"
    [ -s "$dir/wanted" ] || fail "ftrace $command --help shows no options"
    while read -r option; do
        grep -qE -e "^ +(-[^ ]+, )*$option(,| |\$)" "$dir/options" || fail "$page has no $option"
    done <"$dir/wanted"
    grep -q "ftrace-$command(1)" "$dir/root" || fail "man1/ftrace.1 does not list $command"
done <"$dir/commands"
[ $failed = 0 ] || exit 1
echo "${#pages[@]} pages, ${#links[@]} links, $(echo "$symbols" | wc -w) symbols, $(wc -l <"$dir/commands") commands"
