#!/bin/sh
# SPDX-License-Identifier: MIT
# planted.sh LIFE PLUGIN - that growth is noticed, of each kind, and that there is none without it.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
here=$(cd "$(dirname "$0")" && pwd)
cd "$folder"

for leak in '' memory descriptors threads mappings; do
    for turn in 1 2 3 4 5 6 7 8 9 10 11 12; do
        echo "150 $turn"
    done | SOAK_LEAK=$leak "$1" "$2" >life.log
    found=$(awk -v memory=1024 -v descriptors=0 -v threads=0 -v mappings=8 -f "$here/growth.awk" life.log) || :
    case $leak,$found in
    "$leak,$leak grows"* | threads,*threads\ grows* | ,) ;;
    *)
        echo "leak '$leak': '$found'" >&2
        cat life.log >&2
        exit 1
        ;;
    esac
done
