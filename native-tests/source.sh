# SPDX-License-Identifier: MIT
# What run.sh of lua/, jsoncpp/, zstd/ and names/ share: its arguments, how it ends, the source of the program, and its runs.
# $name is the program's, $here the folder with run.sh, $build the one for all that is made. run.sh has usage() and
# build_variant(), and take_option() for the options that only it has.
# shellcheck shell=sh disable=SC2154

unsupported() {
    echo "$name: unsupported: $1" >&2
    exit 3
}

failed() {
    echo "$name: $1" >&2
    exit 1
}

# The system's sources with deb turned into deb-src, and lists and caches of our own. The hooks that the
# system runs after an update would work on its own cache, so they are left out.
configure_apt() {
    apt=$build/apt
    eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
    rm -rf "$apt"
    mkdir -p "$apt/sources.list.d" "$apt/state/lists/partial" "$apt/cache/archives/partial"
    for file in "$list" "${parts%/}"/*.list; do
        [ -f "$file" ] || continue
        sed -nE 's/^[[:space:]]*deb(-src)?[[:space:]]+/deb-src /p' "$file"
    done | sort -u >"$apt/sources.list"
    for file in "${parts%/}"/*.sources; do
        [ -f "$file" ] || continue
        sed -E 's/^types:.*/Types: deb-src/I' "$file" >"$apt/sources.list.d/${file##*/}"
    done
    cat >"$apt/apt.conf" <<END
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/sources.list.d";
Dir::State "$apt/state";
Dir::Cache "$apt/cache";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
}

# fetch_source PACKAGE: the authors' source of a source package, into $build/$name
fetch_source() {
    [ ! -d "$build/$name" ] || return 0
    for tool in apt-get apt-config; do
        command -v $tool >/dev/null || unsupported "the source comes through $tool, which is missing"
    done
    configure_apt >"$build/apt.log" 2>&1 || unsupported "apt cannot be configured (see $build/apt.log)"
    # A source without source packages fails the update; what counts is whether this one can be had.
    apt-get -c "$apt/apt.conf" update >>"$build/apt.log" 2>&1 || true
    (cd "$apt" && apt-get -c apt.conf source --download-only --tar-only "$1") >>"$build/apt.log" 2>&1 ||
        unsupported "apt cannot fetch the source package $1 (see $build/apt.log)"
    rm -rf "$build/$name.new"
    mkdir "$build/$name.new"
    tar -xf "$apt/$1"_*.orig.tar.* -C "$build/$name.new" --strip-components=1 >>"$build/apt.log" 2>&1 ||
        unsupported "the source package $1 cannot be unpacked (see $build/apt.log)"
    mv "$build/$name.new" "$build/$name"
}

wrong_usage() {
    usage >&2
    exit 64
}

# take_arguments BUILD_DIR PREFIX OPTION...: sets $given_build, $given_prefix and $methods
take_arguments() {
    case ${1:-} in
    --help | -h)
        usage
        exit 0
        ;;
    esac
    given_build=${1:-}
    given_prefix=${2:-}
    [ -n "$given_build" ] && [ -n "$given_prefix" ] || wrong_usage
    shift 2
    methods="stop breakpoint"
    while [ $# -gt 0 ]; do
        case $1,${2:-} in
        --help,* | -h,*)
            usage
            exit 0
            ;;
        --method,stop | --method,breakpoint | --method,auto)
            methods=$2
            shift
            ;;
        *) take_option "$1" || wrong_usage ;;
        esac
        shift
    done
}

# prepare: sets $build, $prefix and $threads, and goes to $here
prepare() {
    [ "$(uname -sm)" = "Linux x86_64" ] || unsupported "this needs Linux on x86-64"
    # More threads than CPUs would mostly wait for each other to be parked.
    threads=$(nproc)
    [ "$threads" -ge 2 ] || threads=2
    [ "$threads" -le 4 ] || threads=4
    mkdir -p "$given_build"
    build=$(cd "$given_build" && pwd)
    prefix=$(cd "$given_prefix" 2>/dev/null && pwd) || failed "no folder $given_prefix"
    [ -e "$prefix/lib/libftrace.so" ] || failed "no libftrace in $prefix"
    cd "$here" || failed "no folder $here" # names of inputs are part of what error messages say
}

# build_both VARIANT SOURCE MORE_SOURCES LINK_FLAGS: of the program as it is, driven by the one source, and of the
# variant, with patchable entries, by all of them and linked with the library
build_both() {
    build_variant plain "" "" "$2" "" >"$build/plain.log" 2>&1 &
    plain=$!
    # Without alignment some entries lie across cache lines, where a change is not one store.
    build_variant "$1" "-fpatchable-function-entry=5 -fno-align-functions" \
        "-DWITH_FTRACE -I$prefix/include" "$2 $3" \
        "-L$prefix/lib -Wl,-rpath,$prefix/lib $4 -lftrace" >"$build/$1.log" 2>&1 ||
        { wait $plain || :; failed "the $1 build failed (see $build/$1.log)"; }
    wait $plain || failed "the plain build failed (see $build/plain.log)"
}

# run_variant VARIANT METHOD [INPUT...]: within $limit seconds, $rounds rounds; what it writes is in out-METHOD
run_variant() {
    variant=$1
    method=$2
    shift 2
    code=0
    mkdir -p "$build/$variant/out-$method"
    timeout -s ABRT "$limit" "$build/$variant/$name" "$build/$variant/out-$method" \
        "$threads" "$rounds" "$method" "$@" 2>"$build/$variant.txt" || code=$?
    cat "$build/$variant.txt"
    case $code in
    0) ;;
    3) unsupported "patching by the method $method does not work here" ;;
    124) failed "the $variant run ($method) did not end in $limit s" ;;
    *) failed "the $variant run ($method) failed (exit code $code)" ;;
    esac
}

# compare VARIANT METHOD: with what the plain one wrote, for which the method is none
compare() {
    thread=0
    while [ $thread -lt "$threads" ]; do
        a=$build/plain/out-none/$thread.out
        b=$build/$1/out-$2/$thread.out
        [ -s "$a" ] || failed "the plain run wrote nothing"
        cmp "$a" "$b" || {
            diff "$a" "$b" | head -n 20
            failed "output of thread $thread differs"
        }
        thread=$((thread + 1))
    done
    echo "  compared                 $(cat "$build"/plain/out-none/*.out | wc -c) bytes in $threads threads"
}
