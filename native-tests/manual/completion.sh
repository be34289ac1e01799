#!/bin/bash
# SPDX-License-Identifier: MIT
#
# completion.sh SHELL SCRIPT COMMAND - what a real bash, zsh or fish offers with the completion script: each command and
# each option that the help of COMMAND shows, values, files, processes, and nothing where there is nothing to offer.
set -euo pipefail

shell=$1
script=$(realpath "$2")
ftrace=$(realpath "$3")
here=$(cd "$(dirname "$0")" && pwd)
command -v "$shell" >/dev/null || {
    echo "skipped: needs package $shell"
    exit 77
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir traces
touch trace.data 'trace two.data'
printf '#!/bin/sh\n' >program
chmod +x program

# A line for each case: what is typed, what must be offered, and what must not.
cases() {
    local command options
    "$ftrace" --help | sed -n '/^Commands:/,$s/^  \([a-z]\+\) .*/\1/p' >commands
    echo "ftrace :$(paste -sd ' ' commands):attach-probe trace.data"
    while read -r command; do
        options=$("$ftrace" "$command" --help | sed -n '/^Options:/,$s/^  \(-[^ ,]*\(, -[^ ,]*\)*\).*/\1/p' | grep -o -- '--[a-z-]*' | paste -sd ' ')
        echo "ftrace $command --:$options:--planted record"
    done <commands
    cat <<END
ftrace re:record report:stat
ftrace record --st:--stream:--seconds
ftrace record -q --pl:--plugin:--pid
ftrace record -p :function graph sample:trace.data
ftrace record --plugin s:sample:graph
ftrace list --format=j:json:text
ftrace dump -F f:folded:svg
ftrace stat --sort p:p50 p99:avg
ftrace record --snapshot-signal US:USR1 USR2:HUP
ftrace report tr:trace.data:traces.none
ftrace report -i tr:trace.data:
ftrace record -o trace.d:trace.data:
ftrace record --copy-to tr:traces:trace.data
ftrace attach --seconds :nothing:trace.data
ftrace status $$:$$:trace.data
ftrace record -P $$:$$:trace.data
ftrace filter $$ --mi:--min-time:--merge
ftrace record ./pro:program:
ftrace record ./program --st:nothing:--stream
ftrace record -b 4M ./program tr:trace.data:--stream
ftrace help sn:snapshot:stat
ftrace completion :bash fish zsh:
END
}

cases >cases
cut -d : -f 1 cases >lines
grep -q . commands || {
    echo "completion.sh: the help of $ftrace has no commands" >&2
    exit 1
}
"$here/completion_driver.$shell" "$script" lines >offers 2>log || {
    cat log >&2
    echo "completion.sh: the driver of $shell failed" >&2
    exit 1
}

failed=0
number=0
while IFS=: read -r line wanted unwanted; do
    number=$((number + 1))
    sed -n "/^== $number\$/,/^== /{/^== /!p}" offers | sed 's/[=/ ]*$//; s/\\ / /g; s|^\./||' >offered
    for word in $wanted; do
        [ "$word" = nothing ] || grep -qxF -e "$word" offered || {
            echo "$shell: \"$line\" offers no $word, but: $(paste -sd ' ' offered | cut -c 1-300)" >&2
            failed=1
        }
    done
    for word in $unwanted; do
        ! grep -qxF -e "$word" offered || {
            echo "$shell: \"$line\" offers $word" >&2
            failed=1
        }
    done
done <cases
[ $failed = 0 ] || exit 1
echo "$shell: $(wc -l <cases) lines, $(wc -l <commands) commands"
