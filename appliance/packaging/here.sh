#!/bin/sh
# The package of the programs as they were built here, without a clean root: for trying it out and
# for tests. here.sh BUILD OUT VERSION
set -eu
built=$(cd "$1" && pwd) version=$3
mkdir -p "$2"
out=$(cd "$2" && pwd)
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)

work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
appliance/packaging/tree.sh "$work/sett" "$suite" "$version"
(
    cd "$work/sett"
    SETT_PREBUILT=$built DEB_BUILD_OPTIONS="nocheck noautodbgsym" \
        dpkg-buildpackage -b -d -us -uc >"$out/build.log" 2>&1 ||
        { tail -n 40 "$out/build.log" >&2; exit 1; }
)
rm -f "$out"/sett_*
mv "$work"/sett_* "$out/"
