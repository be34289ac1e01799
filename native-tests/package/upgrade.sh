#!/bin/sh
# SPDX-License-Identifier: MIT
#
# upgrade.sh BUILD SOURCE [CODENAME] - all checks of lintian; then the packages in a
# system of their own: installed, upgraded to a newer version, used, removed and purged.
# Nothing stays. The system is a folder that debootstrap fills with this version of
# Debian, or with the one of that name; programs run there by chroot.
set -eu

build=$1
source=$2
here=$(cd "$(dirname "$0")" && pwd)
for tool in debootstrap:debootstrap lintian:lintian dh:debhelper eu-unstrip:elfutils; do
	command -v "${tool%:*}" >/dev/null || {
		echo "skipped: needs package ${tool#*:}"
		exit 77
	}
done
test "$(id -u)" = 0 || {
	echo "skipped: needs root, for chroot"
	exit 77
}
dir=$(mktemp -d)
system=$dir/system
# shellcheck disable=SC2317
leave() {
	! mountpoint -q "$system/proc" || umount "$system/proc"
	rm -rf --one-file-system "$dir"
}
trap leave EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "upgrade.sh: $*" >&2
	exit 1
}

inside() {
	chroot "$system" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
}

# files: what the system consists of, but for the records of dpkg, ldconfig and man
files() {
	(cd "$system" && find . -xdev \( -path ./var/lib/dpkg -o -path ./var/log -o -path ./var/cache/ldconfig -o -path ./var/cache/man -o -path ./proc \
		-o -path ./packages -o -path ./work \) -prune -o ! -path ./etc/ld.so.cache -printf '%p %M %l\n') | sort
}

# versions: of the installed packages
# shellcheck disable=SC2016 # what dpkg-query replaces
versions() {
	inside dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\n' 'libftrace*' 2>/dev/null
}

# shellcheck source=/dev/null
codename=${3:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
debootstrap --variant=minbase --include=gcc,libc6-dev,make,cmake,pkg-config,man-db "$codename" "$system" >"$dir/log" 2>&1 || {
	tail -n 3 "$dir/log"
	echo "skipped: debootstrap cannot fill a folder with $codename"
	exit 77
}
mount -t proc proc "$system/proc" || {
	echo "skipped: /proc cannot be mounted here"
	exit 77
}
mkdir "$system/packages" "$system/work"
# What is tested does not depend on how well it is compressed.
export DPKG_DEB_COMPRESSOR_TYPE=gzip DPKG_DEB_COMPRESSOR_LEVEL=1
for revision in 1 2; do
	"$source/cmake/packages/package.sh" "$build" "$dir/packages" "$revision" >/dev/null
	cp "$dir/packages"/*.deb "$system/packages"
done
lintian --allow-root --fail-on error,warning "$dir"/packages/*.deb || fail "lintian complains"
files >"$dir/before"

inside sh -c 'dpkg -i /packages/*-1_amd64.deb' >"$dir/log" 2>&1 || fail "$(cat "$dir/log")"
test "$(versions | grep -c -e ' installed .*-1$')" = 5 || fail "not installed: $(versions)"
inside sh -c 'dpkg -i /packages/*-2_amd64.deb' >"$dir/log" 2>&1 || fail "$(cat "$dir/log")"
test "$(versions | grep -c -e ' installed .*-2$')" = 5 || fail "not upgraded: $(versions)"
for package in libftrace1 libftrace-dev libftrace-tools libftrace1-dbgsym libftrace-tools-dbgsym; do
	test -z "$(inside dpkg --verify "$package" 2>&1)" || fail "$(inside dpkg --verify "$package" 2>&1)"
done
inside ldconfig -p | grep -q 'libftrace\.so\.1 ' || fail "the loader does not know the library"
echo "upgraded to $(versions | sed -n 's/^libftrace1 installed //p')"

# A program of one's own, built in each way.
cp "$here/user/program.c" "$here/user/CMakeLists.txt" "$system/work"
cat >"$system/work/build.sh" <<'END'
set -eux
cd /work
cc -O2 -fpatchable-function-entry=5 program.c -o plain -lftrace
./plain
cc -O2 -fpatchable-function-entry=5 program.c -o by-pkg-config $(pkg-config --cflags --libs ftrace)
./by-pkg-config
cmake -S . -B cmake
cmake --build cmake
cmake/program
# As on a system where /bin, a link, comes first.
PATH=/bin:$PATH cmake -S . -B cmake-bin
cmake --build cmake-bin
cmake-bin/program
ftrace record -o data ./plain
ftrace report data | grep 'parse()'
END
inside sh /work/build.sh >"$dir/log" 2>&1 || fail "$(cat "$dir/log")"
test "$(inside pkg-config --libs ftrace)" = "-lftrace " || test "$(inside pkg-config --libs ftrace)" = -lftrace ||
	fail "pkg-config --libs ftrace: $(inside pkg-config --libs ftrace)"
echo "used: plainly, with pkg-config, with CMake, by the command"

inside dpkg -r libftrace-dev libftrace-tools libftrace1 libftrace1-dbgsym libftrace-tools-dbgsym >"$dir/log" 2>&1 ||
	fail "$(cat "$dir/log")"
! inside ldconfig -p | grep ftrace || fail "the loader knows the library still"
test -z "$(versions | grep -v ' not-installed ')" || {
	inside dpkg -P libftrace-dev libftrace-tools libftrace1 libftrace1-dbgsym libftrace-tools-dbgsym >"$dir/log" 2>&1 ||
		fail "$(cat "$dir/log")"
}
test -z "$(inside dpkg --audit)" || fail "$(inside dpkg --audit)"
files >"$dir/after"
diff "$dir/before" "$dir/after" || fail "> stays behind"
echo "removed: nothing stays"
