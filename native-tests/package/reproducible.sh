#!/bin/sh
# SPDX-License-Identifier: MIT
#
# reproducible.sh SOURCE - builds the packages twice, from copies without git in two
# folders, with another umask, time zone, language, name of the user and home folder.
# They must have the same bytes; if not, diffoscope says what differs.
set -eu

source=$1
for tool in dh:debhelper eu-unstrip:elfutils; do
	command -v "${tool%:*}" >/dev/null || {
		echo "skipped: needs package ${tool#*:}"
		exit 77
	}
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
one=$dir/one
two=$dir/another/folder
mkdir -p "$one" "$two" "$dir/home"

# With what is not committed, from an archive of git. Where there is no git, of what is there.
if [ -e "$source/.git" ]; then
	commit=$(git -C "$source" stash create)
	git -C "$source" archive --format=tar "${commit:-HEAD}" >"$dir/source.tar"
	unset SOURCE_DATE_EPOCH
else
	tar cf "$dir/source.tar" -C "$source" --exclude=./build .
fi
tar xf "$dir/source.tar" -C "$one"
(umask 077 && tar xmf "$dir/source.tar" -C "$two")

packages=${NUGET_PACKAGES:-$HOME/.nuget/packages}
env -u FTRACE_BUILD "$one/build.sh" package >"$dir/list" || exit 1
(
	umask 077
	env -u FTRACE_BUILD HOME="$dir/home" NUGET_PACKAGES="$packages" TZ=Pacific/Auckland LC_ALL=C USER=somebody LOGNAME=somebody \
		"$two/build.sh" package >"$dir/list-two"
)
test "$(wc -l <"$dir/list")" = 6 || {
	echo "reproducible.sh: not six packages: $(cat "$dir/list")" >&2
	exit 1
}
differ=
while read -r package; do
	other=$two/build/packages/${package##*/}
	cmp "$package" "$other" && continue
	differ=1
	command -v diffoscope >/dev/null || continue
	diffoscope --max-report-size 20000 "$package" "$other" || true
done <"$dir/list"
test -z "$differ" || {
	command -v diffoscope >/dev/null || echo "install diffoscope-minimal to see what differs"
	exit 1
}
(cd "$one/build/packages" && sha256sum ./*.tar.gz ./*.deb)
