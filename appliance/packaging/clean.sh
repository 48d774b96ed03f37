#!/bin/sh
# The package for one release of Debian, built in a clean root of it that has what debian/control
# asks for and no network. clean.sh SUITE OUT VERSION [FOLDER]; FOLDER: where in the root it is
# built, /build unless another is to show that it makes no difference. Needs root and mmdebstrap.
set -eu
suite=$1 version=$3 folder=${4:-/build}
mkdir -p "$2"
out=$(cd "$2" && pwd)

# An upgrade of Debian brings the package that was built for it: 1.0~deb12 goes before 1.0.
if [ "$suite" = bookworm ]; then
    version="$version~deb12"
fi

# The root is kept for as long as what is needed to build stays the same.
needs=$(sed -n '/^Build-Depends:/,/^$/p' appliance/debian/control |
    sed -e 's/^Build-Depends://' -e 's/debhelper-compat (= [0-9]*)/debhelper/' \
        -e 's/dh-sequence-[a-z]*,//' -e 's/:any//' | tr -d ' \n')
root=$out/root-$(printf '%s' "$suite,$needs" | sha256sum | cut -c1-12).tar
if [ ! -e "$root" ]; then
    rm -f "$out"/root-*.tar
    mmdebstrap --quiet --variant=buildd --include="$needs" --dpkgopt='path-exclude=/usr/share/doc/*' \
        "$suite" "$out/new.tar" ${SETT_MIRROR:+"$SETT_MIRROR"}
    mv "$out/new.tar" "$root"
fi

work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
tar -xf "$root" -C "$work"
mkdir -p "$work$folder"
appliance/packaging/tree.sh "$work$folder/sett" "$suite" "$version"
# Without a network, and with nothing of this machine's surroundings.
unshare --net --mount --pid --fork --mount-proc="$work/proc" chroot "$work" \
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/nonexistent \
    DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" \
    sh -c "cd '$folder/sett' && exec dpkg-buildpackage -b -us -uc" >"$out/build.log" 2>&1 ||
    { tail -n 60 "$out/build.log" >&2; exit 1; }
rm -f "$out"/sett*
mv "$work$folder"/sett*_* "$out/"
