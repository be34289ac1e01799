#!/bin/sh
# SPDX-License-Identifier: MIT
# Lua 5.4, compiled with one more flag, is recorded by the command ftrace, and what that shows is printed.
set -eu

name=trace
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../source.sh"

usage() {
    cat <<'END'
usage: trace.sh BUILD_DIR PREFIX

Fetches the source of Lua 5.4 with apt into BUILD_DIR, and compiles it with the flag that
makes functions traceable. Records a script with the command ftrace that is installed in
PREFIX; prints the functions that take most time, and the last calls; and writes the trace
in every format. If there is a Chromium, it makes a picture of the flame graph.

Exit code: 0 success, 1 failed, 64 wrong usage, 3 not supported on this system. CC chooses
the compiler (gcc).
END
}

take_option() {
    return 1
}

# say COMMAND...: shows a command as one would type it, and runs it
say() {
    echo "\$ $*"
    "$@"
}

# picture SVG PNG
picture() {
    browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || return 1
    rm -rf profile
    timeout 60 "$browser" --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --user-data-dir="$PWD/profile" --window-size=1200,640 \
        --screenshot="$PWD/$2" "file://$PWD/$1" >browser.log 2>&1
    status=$?
    rm -rf profile
    return $status
}

take_arguments "$@"
cc=${CC:-gcc}
command -v "$cc" >/dev/null || unsupported "no C compiler (package gcc)"
prepare
[ -x "$prefix/bin/ftrace" ] || failed "no ftrace in $prefix/bin"
PATH=$prefix/bin:$PATH
name=lua
fetch_source lua5.4
name=trace

mkdir -p "$build/traced"
cd "$build/traced"
sources=$(ls "$build"/lua/src/*.c | grep -v '/luac\.c$')
# shellcheck disable=SC2086 # a list of words
"$cc" -O2 -std=gnu99 -DLUA_USE_POSIX -fpatchable-function-entry=5 $sources -o lua -lm
cat >sort.lua <<'END'
local words = {}
for i = 1, 4000 do
    words[i] = string.format("%04d", i * 7919 % 10007):reverse()
end
table.sort(words, function(a, b) return a:reverse() < b:reverse() end)
print(#words, words[1], words[#words])
END

say ftrace record -o lua.data -b 64M ./lua sort.lua
say ftrace stat lua.data --limit 10
say ftrace report lua.data --tail 12
for format in perfetto chrome speedscope folded svg csv; do
    case $format in
    perfetto) file=lua.perfetto-trace ;;
    chrome) file=lua.json ;;
    speedscope) file=lua.speedscope.json ;;
    *) file=lua.$format ;;
    esac
    say ftrace dump lua.data --format $format --force -o $file
done
rm -rf lua.uftrace
say ftrace dump lua.data --format uftrace -o lua.uftrace
for file in lua.perfetto-trace lua.json lua.speedscope.json lua.folded lua.svg lua.csv lua.uftrace/info; do
    [ -s "$file" ] || failed "$file is empty"
done
if picture lua.svg lua.png; then
    echo "the flame graph: $PWD/lua.svg, and a picture of it: $PWD/lua.png"
else
    echo "the flame graph: $PWD/lua.svg (package chromium: a picture of it too)"
fi
