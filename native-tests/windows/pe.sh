#!/bin/sh
# SPDX-License-Identifier: MIT
# pe.sh DLL DEFINITION MAP: what the file of the DLL has: exactly the listed exports, which are the functions of the symbol map;
# no section that is writable and executable; relocations, for addresses that the system chooses.
set -eu
dll=$1 definition=$2 map=$3
objdump=x86_64-w64-mingw32-objdump
command -v $objdump >/dev/null || { echo "skipped: needs package binutils-mingw-w64-x86-64"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

$objdump -p "$dll" >"$work/headers"
sed -n 's/^\t\[ *[0-9]*\] \([A-Za-z_]*\)$/\1/p' "$work/headers" |
    sort >"$work/exports"
sed -n 's/^    \([a-zA-Z_]*\)$/\1/p' "$definition" | sort >"$work/listed"
[ -s "$work/exports" ] || { echo "no exports found"; failed=1; }
diff "$work/listed" "$work/exports" || { echo "the exports are not those of ftrace.def"; failed=1; }

# The gate that programs inline needs four symbols more: not here.
sed -n 's/^\t\t\(ftrace_[a-z_]*\);$/\1/p' "$map" |
    grep -vxE 'ftrace_nmi_(enter_slow|exit_slow|thread)|ftrace_modifying_code' | sort >"$work/map"
diff "$work/map" "$work/listed" || { echo "ftrace.def is not the symbol map"; failed=1; }

for flag in 'HIGH_ENTROPY_VA' 'DYNAMIC_BASE' 'NX_COMPAT'; do
    grep -q "$flag" "$work/headers" || { echo "not $flag"; failed=1; }
done
grep -q 'Entry 5 [0-9a-f]* 0*[1-9a-f][0-9a-f]* Base Relocation' "$work/headers" || { echo "no relocations"; failed=1; }

# Sections: flags follow each name; a section of code is read-only.
$objdump -h "$dll" | awk '
    $1 ~ /^[0-9]+$/ { name = $2; next }
    name != "" { if (/CODE/ && !/READONLY/) { print name " is writable and executable"; bad = 1 } name = "" }
    END { exit bad }' || failed=1

# Nothing that is not part of Windows.
sed -n 's/^\tDLL Name: //p' "$work/headers" | tr 'A-Z' 'a-z' | sort -u >"$work/imports"
grep -vxE '(advapi32|bcrypt|kernel32|ntdll|ole32|user32|api-ms-win-crt-[a-z0-9-]*|ucrtbase)\.dll' "$work/imports" &&
    { echo "imports of other libraries"; failed=1; }
exit $failed
