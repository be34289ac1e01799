#!/usr/bin/env bash
# package.sh BUILD FOLDER [REVISION] - makes an archive and Debian packages of what is built in BUILD,
# in FOLDER, and prints their names. REVISION is the last part of the packages' version (1). The same
# sources give the same bytes: the times are those of SOURCE_DATE_EPOCH, else of the commit.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(cd "$1" && pwd)
mkdir -p "$2"
packages=$(cd "$2" && pwd)
revision=${3:-1}
work=$packages/work

die() {
    echo "package.sh: $1" >&2
    exit "${2:-1}"
}

for tool in dh:debhelper eu-unstrip:elfutils dpkg-architecture:dpkg-dev; do
    command -v "${tool%:*}" >/dev/null 2>&1 ||
        die "${tool%:*} not found; install the package ${tool#*:} (or: ./build.sh --install-deps)" 3
done
[ "$(dpkg-architecture -qDEB_HOST_ARCH)" = amd64 ] || die "makes packages on Debian's amd64 only" 3

version_part() {
    sed -n "s/^#define FTRACE_VERSION_$1 \([0-9]*\)$/\1/p" "$root/include/ftrace/version.h"
}
version=$(version_part MAJOR).$(version_part MINOR).$(version_part PATCH)

# git archive writes the time of the commit into the file; in a clone git knows it.
source_date() {
    local date
    date=$(cat "$root/cmake/packages/date")
    if [[ $date =~ ^[0-9]+$ ]]; then
        echo "$date"
    elif [ -e "$root/.git" ]; then
        git -C "$root" log -1 --format=%ct
    else
        die "neither from git nor from an archive that git made: set SOURCE_DATE_EPOCH"
    fi
}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(source_date)}
export SOURCE_DATE_EPOCH
export LC_ALL=C.UTF-8 TZ=UTC
umask 022

rm -rf "$work"
mkdir -p "$work"

make_archive() {
    local name=ftrace-$version-linux-x86_64
    cmake --install "$build" --prefix "$work/$name" >"$work/install.log"
    tar --create --directory="$work" --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
        --mtime="@$SOURCE_DATE_EPOCH" "$name" | gzip -9n >"$packages/$name.tar.gz"
    echo "$packages/$name.tar.gz"
}

# Debian's tools want a folder debian/ with a changelog.
make_debian() {
    cp -r "$root/cmake/packages/debian" "$work/debian"
    local maintainer="${DEBFULLNAME:-The libftrace authors} <${DEBEMAIL:-maintainers@libftrace.invalid}>"
    sed -i "s/@MAINTAINER@/$maintainer/" "$work/debian/control"
    cat >"$work/debian/changelog" <<TXT
libftrace ($version-$revision) unstable; urgency=medium

  * Version $version. See changelog.gz for what has changed.

 -- $maintainer  $(date -R -d "@$SOURCE_DATE_EPOCH")

TXT
    # xz, which every dpkg reads. One thread: it writes other bytes with more.
    (cd "$work" && FTRACE_ROOT=$root FTRACE_BUILD=$build DEB_RULES_REQUIRES_ROOT=no DPKG_DEB_THREADS_MAX=1 \
        DPKG_DEB_COMPRESSOR_TYPE=${DPKG_DEB_COMPRESSOR_TYPE:-xz} debian/rules binary) >"$work/debian.log" 2>&1 || {
        cat "$work/debian.log" >&2
        die "the Debian packages could not be made"
    }
    awk -v folder="$packages/" '{ print folder $1 }' "$work/debian/files"
}

rm -f "$packages"/*.tar.gz "$packages"/*.deb
make_archive
make_debian
