#!/bin/sh
# SPDX-License-Identifier: MIT
#
# sbom.sh BUILD CMAKE DOTNET PROJECT - the installed list of components (SBOM)
# follows the schema of CycloneDX; what depends on what refers to components of the
# list; and it lists, as part of the product, exactly those packages of NuGet that the
# compiler was given. The notices are there for each of them. PROJECT is the validator.
set -eu

build=$1
cmake=$2
dotnet=$3
project=$4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "sbom.sh: $*" >&2
	exit 1
}

# members KEY: the values of the members of this name, a line each; CMake writes a member on a line
members() {
	sed -n "s/^ *\"$1\" : \"\([^\"]*\)\",\{0,1\}\$/\1/p" "$dir/sbom"
}

"$cmake" --install "$build" --prefix "$dir/prefix" >"$dir/log" || fail "$(cat "$dir/log")"
documents=$dir/prefix/share/doc/libftrace
cp "$documents/libftrace.cdx.json" "$dir/sbom"

# The compiler's options name the assemblies: .../NAME/VERSION/lib/...
sed -nE 's,^-r:.*/([^/]*/[0-9][^/]*)/(lib|runtimes)/.*,\1,p' "$build"/publish/obj/ftrace/*/native/*.ilc.rsp \
	"$build"/publish-tool/obj/tool/*/native/*.ilc.rsp | sort -u >"$dir/expected"
test -s "$dir/expected" || fail "the compiler was given no package"
awk -F '"' '/^    {$/ { purl = scope = "" } $2 == "purl" { purl = $4 } $2 == "scope" { scope = $4 }
	/^    },?$/ && scope == "required" { sub("pkg:nuget/", "", purl); sub("@", "/", purl); print tolower(purl) }' \
	"$dir/sbom" | sort >"$dir/found"
diff "$dir/expected" "$dir/found" || fail "< in the binaries, > listed"

members bom-ref | sort >"$dir/refs"
grep -o '"dependsOn" : .*\|^ *"pkg:nuget/[^"]*"' "$dir/sbom" | grep -o 'pkg:nuget/[^"]*' | sort -u >"$dir/depends"
{ cat "$dir/depends" && members ref; } | sort -u | comm -23 - "$dir/refs" >"$dir/unknown"
test -s "$dir/depends" || fail "nothing depends on anything"
test ! -s "$dir/unknown" || fail "not in the list: $(cat "$dir/unknown")"

while read -r package; do
	grep -qixF "${package%/*} ${package#*/}" "$documents/THIRD-PARTY-NOTICES.txt" || fail "no notices for $package"
done <"$dir/found"
test -s "$documents/LICENSE" || fail "no license"
echo "components: $(paste -sd ' ' "$dir/found")"

artifacts=$build/sbom
"$dotnet" restore "$project" --artifacts-path "$artifacts" --nologo -v quiet >"$dir/log" 2>&1 || {
	echo "skipped: CycloneDX is not available from NuGet"
	exit 77
}
"$dotnet" build "$project" --no-restore --artifacts-path "$artifacts" --nologo -v quiet >"$dir/log" || fail "$(cat "$dir/log")"
"$dotnet" "$artifacts/bin/sbom/debug/sbom.dll" "$dir/sbom" || fail "not as the schema of CycloneDX says"
echo "schema: valid"
