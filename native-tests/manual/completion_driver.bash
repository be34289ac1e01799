#!/bin/bash
# SPDX-License-Identifier: MIT
#
# completion_driver.bash SCRIPT LINES - calls the completion as readline does: words that are split at blanks and "=".
set -euo pipefail

# shellcheck source=/dev/null
source "$1"
function=$(complete -p ftrace | sed 's/.*-F \([^ ]*\).*/\1/')
number=0
while IFS= read -r line; do
    number=$((number + 1))
    echo "== $number"
    spaced=${line//=/ = }
    read -ra COMP_WORDS <<<"$spaced"
    [[ $spaced != *' ' ]] || COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMP_LINE=$line COMP_POINT=${#line}
    "$function" ftrace "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" || true
    printf '%s\n' "${COMPREPLY[@]}"
done <"$2"
