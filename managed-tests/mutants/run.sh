#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run.sh ROOT BUILD [NAME] - changes a copy of the sources as each NAME.patch beside this file does, or one of them, and
# runs the one check that the patch names. The check must pass without the change and fail with it.
#
# A patch is a unified diff. Lines before it that begin with "#" say what the change is; one more says what must fail:
#
#   check: managed FILTER    managed tests, selected as by dotnet test --filter; the library is not built
#   check: library FILTER    the same for tests that read the compiled library
#   check: native NAME       the native test of this name, exactly
#
# Only a test that was run and failed counts. Exit codes: 0 all caught, 1 not, 64 no such NAME.
set -euo pipefail

root=$(cd "$1" && pwd)
mkdir -p "$2/mutants"
build=$(cd "$2" && pwd)
work=$build/mutants
name=${3:-}
patches=$root/managed-tests/mutants
tree=$work/tree # the copy
out=$work/build # what is built of it
log=$work/log

native_seconds=60    # for a native test
managed_seconds=600  # for a selection of managed ones
build_seconds=900

# No server of the build is left running, and no message is translated.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 DOTNET_CLI_UI_LANGUAGE=en LC_ALL=C

die() {
    echo "mutants: $1" >&2
    exit "${2:-1}"
}

# The copy. A repository of its own knows its state: what differs, and no other file, is written, so that the next build
# compiles what has changed since the last one.

repository() {
    git --git-dir="$work/git" -c core.safecrlf=false "$@"
}

# What is checked out, with changes that are not committed.
take_copy() {
    mkdir -p "$tree" "$log"
    [ -d "$work/git" ] || git --git-dir="$work/git" --work-tree="$tree" init -q
    echo "/${build#"$root"/}/" >"$work/git/info/exclude" # where it is in the tree
    GIT_INDEX_FILE=$work/index-of-root repository -C "$root" --work-tree="$root" add -A
    unchanged=$(GIT_INDEX_FILE=$work/index-of-root repository write-tree)
    revert
}

revert() {
    repository -C "$tree" --work-tree="$tree" read-tree -u --reset "$unchanged"
}

# Comments around it may have changed.
apply() {
    repository -C "$tree" --work-tree="$tree" apply -C1 "$patches/$1.patch" >"$log/$1.apply" 2>&1
}

# The table.

names() {
    find "$patches" -name '*.patch' -printf '%f\n' | sed 's/\.patch$//' | sort
}

# check_of NAME: kind and argument
check_of() {
    local found
    found=$(sed -n '/^diff \|^--- /q; s/^check:[[:space:]]*//p' "$patches/$1.patch")
    [[ $found =~ ^(managed|library|native)\ [^$'\n']+$ ]] ||
        die "$1.patch: needs one line \"check: managed|library|native ...\" before the diff"
    echo "$found"
}

# Builds.

configure() {
    [ ! -e "$work/configured" ] || return 0
    timeout --foreground "$build_seconds" cmake -S "$tree" -B "$out" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DFTRACE_TEST_TIMEOUT="$native_seconds" && touch "$work/configured"
}

exactly() {
    printf '^%s$' "$(printf %s "$1" | sed 's/[][\.*^$+?(){}|]/\\&/g')"
}

# The targets that the command of a native test names: files in the build folder. ctest itself hides the command of a
# program that is not built.
targets_of() {
    find "$out" -name CTestTestfile.cmake -exec cat {} + | grep -F -e "add_test([=[$1]=] " -e "add_test($1 " |
        grep -o '"[^"]*"' | tr -d '"' | grep -F "$out/" | sed 's|.*/||; s/^lib\(.*\)\.so.*/\1/' | sort -u
}

make_target() {
    timeout --foreground "$build_seconds" cmake --build "$out" -j "$(nproc)" --target "$1"
}

# The style of a mutant is nobody's concern.
make_managed() {
    timeout --foreground "$build_seconds" dotnet build "$tree/managed-tests/managed-tests.csproj" --artifacts-path "$out/managed" \
        -p:RunAnalyzers=false -p:EnforceCodeStyleInBuild=false --nologo -v quiet
}

build_for() {
    local kind=${1%% *} argument=${1#* } target
    [ "$kind" = managed ] || { configure && make_target libftrace; } || return 1
    [ "$kind" = native ] || { make_managed && return 0; } || return 1
    for target in $(targets_of "$argument"); do
        # A folder, or an object that comes with the library.
        ! cmake --build "$out" --target help | grep -xF -e "... $target" || make_target "$target" || return 1
    done
}

# Checks: print "passed", "failed", or what is wrong with the check itself.

run_check() {
    local kind=${1%% *} argument=${1#* } file=$2 status
    if [ "$kind" = native ]; then
        marked "$((native_seconds * 2))" ctest --test-dir "$out" --output-on-failure -R "$(exactly "$argument")" >"$file" 2>&1 || true
        # 1/1 Test #7: NAME ......***Failed  0.1 sec
        status=$(awk -v name="$argument" '/^ *[0-9]+\/[0-9]+ Test +#/ && substr($0, index($0, ": ") + 2, length(name) + 1) == name " " {
            print substr($0, index($0, ": ") + 3 + length(name)) }' "$file")
        case $status in
        *'***Failed'* | *'***Timeout'* | *'***Exception'*) echo failed ;;
        *'***'*) echo "not run" ;;
        *Passed*) echo passed ;;
        *) echo "no such test" ;;
        esac
        return
    fi

    FTRACE_LIBRARY=$out/lib/libftrace.so FTRACE_TABLE=$out/explorer.txt \
        FTRACE_OBJECT=$out/publish/obj/ftrace/release_linux-x64/native/libftrace.o \
        marked "$managed_seconds" dotnet test "$tree/managed-tests/managed-tests.csproj" --artifacts-path "$out/managed" \
        --no-build --nologo --filter "$argument" --logger "console;verbosity=minimal" >"$file" 2>&1 || true
    if grep -q '^Failed! *- Failed: *[1-9]' "$file"; then
        echo failed
    elif grep -q '^Passed! *- Failed: *0, Passed: *[1-9]' "$file"; then
        echo passed
    elif grep -q '^No test matches' "$file"; then
        echo "no such test"
    else
        echo "not run"
    fi
}

# marked SECONDS COMMAND...: what it leaves running is ended; it has a mark of ours in its environment
marked() {
    local code=0
    env FTRACE_MUTANT=$$ timeout --foreground -k 10 "$@" || code=$?
    end_marked
    return $code
}

end_marked() {
    local left
    for left in $(grep -lzxF "FTRACE_MUTANT=$$" /proc/[0-9]*/environ 2>/dev/null | grep -o '[0-9]*'); do
        kill -KILL "$left" 2>/dev/null || continue
        # It may take a moment, until it gets a CPU.
        timeout 30 sh -c "while grep -q '^State:[[:space:]]*[^XZ[:space:]]' /proc/$left/status; do sleep 0.01; done" 2>/dev/null || true
    done
}

# The rows.

declare -A passes=()

row() {
    printf '%-40s %-16s %4d s  %s\n' "$1" "$3" "$((SECONDS - begin))" "$2"
}

# pass_first CHECK: without any change, once
pass_first() {
    [ -z "${passes[$1]:-}" ] || return 0
    begin=$SECONDS
    local result="does not build" file
    file=$log/unchanged-$(printf %s "$1" | tr -c 'A-Za-z0-9._-' '_' | cut -c 1-100)
    ! build_for "$1" >"$file.build" 2>&1 || result=$(run_check "$1" "$file")
    passes[$1]=$result
    row "(unchanged)" "$1" "$result"
    [ "$result" = passed ] || tail -n 20 "$file.build" "$file" 2>/dev/null | cut -c 1-300
}

mutant() {
    local check result
    check=$(check_of "$1")
    begin=$SECONDS
    if [ "${passes[$check]}" != passed ]; then
        result="check is no use"
    elif ! apply "$1"; then
        result="does not apply"
    elif ! build_for "$check" >"$log/$1.build" 2>&1; then
        result="does not build"
    else
        result=$(run_check "$check" "$log/$1")
        case $result in
        failed) result=caught ;;
        passed) result=SURVIVED ;;
        esac
    fi
    revert
    row "$1" "$check" "$result"
    results+=("$result")
}

[ -z "$name" ] || [ -e "$patches/$name.patch" ] ||
    die "no mutant $name; there are $(names | paste -sd ' ')" 64
command -v git >/dev/null 2>&1 || die "git not found; install the package git" 3
trap end_marked EXIT
rm -f "$work/configured"
take_copy
results=()

# Those that need the library come last: the others are known sooner.
table=()
for kind in managed library native; do
    for each in ${name:-$(names)}; do
        check=$(check_of "$each")
        [ "${check%% *}" != $kind ] || table+=("$each")
    done
done
for each in "${table[@]}"; do
    pass_first "$(check_of "$each")"
done
for each in "${table[@]}"; do
    mutant "$each"
done

caught=$(printf '%s\n' "${results[@]}" | grep -cx caught || true)
echo "${#results[@]} mutants: $caught caught$(printf '%s\n' "${results[@]}" | sort | uniq -c |
    awk '{ count = $1; sub(/^ *[0-9]+ /, ""); if ($0 != "caught") printf ", %d %s", count, $0 }'); $SECONDS seconds"
[ "$caught" = "${#results[@]}" ]
