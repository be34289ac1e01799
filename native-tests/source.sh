# SPDX-License-Identifier: MIT
# What run.sh of lua/ and jsoncpp/ share: how it ends, and the source of the program.
# $name is the program's, $build the folder for all that is made.
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
