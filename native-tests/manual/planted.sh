#!/bin/bash
# SPDX-License-Identifier: MIT
#
# planted.sh BUILD MAP COMMAND - that the checks of this folder find faults: each is planted into a copy of what BUILD has.
set -euo pipefail

build=$(realpath "$1")
map=$(realpath "$2")
ftrace=$(realpath "$3")
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
planted=0

# finds MESSAGE CHECK...: the check fails, and says so
finds() {
    local message=$1 status=0
    shift
    "$@" >"$dir/log" 2>&1 || status=$?
    if [ $status = 77 ]; then
        cat "$dir/log"
        exit 77
    fi
    [ $status = 1 ] && grep -qF -e "$message" "$dir/log" || {
        cat "$dir/log" >&2
        echo "planted.sh: $(basename "$1") ends with $status, and does not say: $message" >&2
        exit 1
    }
    planted=$((planted + 1))
}

fresh() {
    rm -rf "$dir/man" "$dir/html"
    cp -a "$build/man" "$build/html" "$dir"
}

pages=("$here/pages.sh" "$dir/man" "$map" "$ftrace")
fresh
rm "$dir/man/man3/ftrace_snapshot.3"
sed -i '/^\\fB\\-\\-copy\\-to/d' "$dir/man/man1/ftrace-record.1"
finds 'ftrace_snapshot has no page' "${pages[@]}"
finds 'ftrace-record.1 has no --copy-to' "${pages[@]}"
fresh
sed -i 's/^\\fB\\-o\\fR, \\fB\\-\\-output/\\fB\\-o/' "$dir/man/man1/ftrace-snapshot.1"
finds 'ftrace-snapshot.1 has no --output' "${pages[@]}"
fresh
echo '.planted' >>"$dir/man/man7/ftrace.7"
finds 'mandoc: ' "${pages[@]}"
fresh
sed -i 's/ \\- / /' "$dir/man/man1/ftrace-on.1"
finds 'whatis: ' "${pages[@]}"
fresh
rm "$dir/man/man3/ftrace_ops.3"
finds 'FTRACE_OPS_FL_PENDING.3 leads nowhere' "${pages[@]}"
fresh
printf '#!/bin/sh\n%s "$@"\n[ "$1$2" != list--help ] || echo "  -p, --planted <X>  An option"\n' "$ftrace" >"$dir/ftrace"
chmod +x "$dir/ftrace"
finds 'ftrace-list.1 has no --planted' "${pages[@]:0:3}" "$dir/ftrace"

if command -v python3 >/dev/null; then
    links=(python3 "$here/links.py" "$dir/html" "$dir/man")
    fresh
    rm "$dir/html/ftrace_ops.3.html"
    finds 'ftrace_ops.3.html: no such file' "${links[@]}"
    fresh
    sed -i 's|href="style.css"|href="https://planted.example/style.css"|' "$dir/html/index.html"
    finds 'loads https://planted.example/style.css' "${links[@]}"
    fresh
    sed -i 's|<main>|<main><p><a href="docs/guide.html#planted">x</a>|' "$dir/html/index.html"
    finds 'guide.html#planted: no such element' "${links[@]}"
    finds '</main> ends nothing' "${links[@]}"
fi

sed "s/ --stream / /; s/_ftrace_words 'function graph sample'/:/" "$build/completions/ftrace.bash" >"$dir/ftrace.bash"
finds 'offers no --stream' "$here/completion.sh" bash "$dir/ftrace.bash" "$ftrace"
grep -q 'offers no sample' "$dir/log"
if command -v zsh >/dev/null; then
    sed 's/FILE:_files/FILE: /; /--stream/d' "$build/completions/_ftrace" >"$dir/_ftrace"
    finds 'offers no --stream' "$here/completion.sh" zsh "$dir/_ftrace" "$ftrace"
    grep -q 'offers no trace.data' "$dir/log"
fi
if command -v fish >/dev/null; then
    sed 's/-r -F/-x/; /-l stream/d' "$build/completions/ftrace.fish" >"$dir/ftrace.fish"
    finds 'offers no --stream' "$here/completion.sh" fish "$dir/ftrace.fish" "$ftrace"
    grep -q 'offers no trace.data' "$dir/log"
fi

# One that has no help for its commands, and prints wrong usage to standard output.
printf '#!/bin/sh\ncase "$1" in attach) echo usage; exit 1 ;; *) exec %s "$@" ;; esac\n' "$ftrace" >"$dir/ftrace"
finds 'attach --planted: ends with 1, not with 64' "$here/help.sh" "$dir/ftrace" "$("$ftrace" --version | sed -n 's/^ftrace //p')"
echo "found $planted planted faults"
