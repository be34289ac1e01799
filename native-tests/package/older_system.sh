#!/bin/bash
# SPDX-License-Identifier: MIT
#
# older_system.sh SUITE FOLDER BUILD SOURCE CMAKE - installs an older Debian into FOLDER, once,
# with debootstrap, from the mirror that this system uses; puts library and command there as they
# were built here; builds the native tests and the examples there, with its compiler; and runs
# them and the README's first program there, in a chroot. As root.
set -eu

suite=$1 folder=$2 build=$3 source=$4 cmake=$5
packages=gcc,g++,libc6-dev,cmake,make,pkg-config,python3,procps

# Tests that are of no use there:
left_out=(
    'abi|linked|imports|package|documents'  # of what was built here
    'link-|trace-variants|record-list-cxx'  # of compiler and linkers: GNU ld 2.35 does not link --gc-sections with GCC's lists
    # Unwind information of GCC 10 begins after the nops of a function: from a handler there is no way through the function, and
    # a stripped one is not found
    'trace-(unwind|left|lookup-stripped)|graph-unwind-steps|record-list-(reasons|gold)'
    'graph-coroutines-resumed'              # names of GCC 10
    'record-environment-full'               # mounts, where / is not a mount
)

skip() {
    echo "skipped: $*"
    exit 77
}

fail() {
    tail -n 30 "$folder.log" >&2
    echo "older_system.sh: $*" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || skip "only root can install another system"
command -v debootstrap >/dev/null || skip "needs package debootstrap"

# What is mounted below is so for this process only, and ends with it.
[ -n "${IS_ALONE-}" ] || IS_ALONE=yes exec unshare --mount --propagation private "$0" "$@"

# attach OPTION WHAT
attach() {
    mount "$1" "/$2" "$folder/$2" 2>"$folder.log" || skip "nothing can be mounted here: $(cat "$folder.log")"
}

inside() {
    chroot "$folder" /usr/bin/env -i HOME=/root LANG=C.UTF-8 \
        PATH=/opt/ftrace/bin:/usr/bin:/bin:/usr/sbin:/sbin "$@"
}

if [ ! -e "$folder/complete" ]; then
    rm -rf "$folder"
    mkdir -p "$folder"
    # shellcheck disable=SC2016
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep '/debian/\?$' | head -n 1)
    debootstrap --variant=minbase --include="$packages" "$suite" "$folder" "${mirror:-http://deb.debian.org/debian}" >"$folder.log" 2>&1 || {
        grep -q 'Failed getting release\|Invalid Release\|Unknown suite\|No such script' "$folder.log" && skip "there is no mirror of $suite"
        fail "debootstrap has failed"
    }
    touch "$folder/complete"
fi
attach -tproc proc
attach --bind dev
attach --bind dev/pts
attach --bind sys

rm -rf "$folder/opt/ftrace" "$folder/source"
mkdir "$folder/source"
"$cmake" --install "$build" --prefix "$folder/opt/ftrace" >"$folder.log"
cp -r "$source"/{README.md,examples,include,lib,native-tests} "$folder/source"
inside ldd --version | head -n 1
inside gcc --version | head -n 1
inside ftrace --version

# What the README shows.
awk '/^```c$/ { n++; inside = n == 1; next } /^```$/ { inside = 0 } inside' "$source/README.md" >"$folder/root/program.c"
inside sh -euc 'cd /root
    cc -O2 -fpatchable-function-entry=5 program.c -o program
    ftrace record -o program.data ./program && ftrace report program.data && ftrace stat program.data && ftrace list ./program' \
    >"$folder.log" 2>&1 || fail "the first program of the README is not recorded"
grep -q 'square' "$folder.log" || fail "the first program of the README is not recorded"

inside cmake -S /source/native-tests -B /tests -DCMAKE_PREFIX_PATH=/opt/ftrace -DCMAKE_BUILD_TYPE=RelWithDebInfo >"$folder.log" 2>&1 ||
    fail "the tests cannot be built there"
inside make -C /tests -j "$(nproc)" >>"$folder.log" 2>&1 || fail "the tests cannot be built there"
pattern=$(IFS='|' && echo "^(${left_out[*]})")
# shellcheck disable=SC2016
inside sh -c 'cd /tests && ctest -E "$0" --output-on-failure' "$pattern"
