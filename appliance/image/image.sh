#!/bin/sh
# The image: a root file system as `pct create` of Proxmox VE takes it, with a package of ours in it and nothing that only
# one machine may have. image.sh SUITE DEB OUT; the environment may say CLOUDFLARED_DEB, SETT_MIRROR (say, one of
# snapshot.debian.org), SETT_SIGN_KEY, SETT_ZSTD. Two builds of one source and one state of Debian's archive are the
# same, byte for byte. Needs root, mmdebstrap and zstd.
set -eu
suite=$1 deb=$(realpath "$2") out=$3 here=$(dirname "$(realpath "$0")")
mirror=${SETT_MIRROR:-http://deb.debian.org/debian} level=${SETT_ZSTD:--19}
case $suite in
bookworm) release=12 dhcp=isc-dhcp-client ;;
trixie) release=13 dhcp=dhcpcd-base ;;
*) echo "image.sh: $suite is none of bookworm, trixie" >&2 && exit 2 ;;
esac
version=$(dpkg-deb -f "$deb" Version)
name=debian-$release-sett_$(echo "$version" | sed 's/~deb12$//')_amd64.tar.zst
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH here

if [ -n "${CLOUDFLARED_DEB:-}" ]; then
    [ "$(dpkg-deb -f "$CLOUDFLARED_DEB" Package)" = cloudflared ] ||
        { echo "image.sh: $CLOUDFLARED_DEB is no package of cloudflared" >&2 && exit 1; }
    dpkg --compare-versions "$(dpkg-deb -f "$CLOUDFLARED_DEB" Version)" ge 2025.4.0 ||
        { echo "image.sh: $CLOUDFLARED_DEB is older than 2025.4.0" >&2 && exit 1; }
fi

mkdir -p "$out"
work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$work"
export work
mkdir "$work/debs"
cp "$deb" "$work/debs/sett.deb"
[ -z "${CLOUDFLARED_DEB:-}" ] || cp "$CLOUDFLARED_DEB" "$work/debs/cloudflared.deb"

# What is asked of the archive while it is built; inside stays what is in files/sources.
cat >"$work/sources" <<END
deb $mirror $suite main
deb $mirror $suite-updates main
deb ${SETT_MIRROR_SECURITY:-http://deb.debian.org/debian-security} $suite-security main
END

packages=$(sed -e 's/ *#.*//' -e "s/^DHCP$/$dhcp/" -e '/^$/d' "$here/packages" | paste -sd,)
# shellcheck disable=SC2016  # $1 is mmdebstrap's: the root
mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" \
    --aptopt='APT::Install-Recommends "false"' \
    --setup-hook='install -D -m 0644 "$here/files/dpkg.cfg" "$1/etc/dpkg/dpkg.cfg.d/sett-image"' \
    --setup-hook='install -D -m 0644 "$here/files/locale.gen" "$1/etc/locale.gen"' \
    --customize-hook='cp -r "$work/debs" "$here/inside.sh" "$here/files" "$1/tmp/"' \
    --customize-hook="chroot \"\$1\" sh /tmp/inside.sh $suite" \
    --customize-hook='rm -rf "$1/tmp/debs" "$1/tmp/files" "$1/tmp/inside.sh"' \
    "$suite" "$work/root" "$work/sources" 2>"$work/said" ||
    { tail -n 60 "$work/said" >&2 && exit 1; }
sh "$here/strip.sh" "$work/root"

# Who unpacks it is told first what it is.
sed -e "s/@VERSION@/$version/" -e "s/@RELEASE@/$release/" \
    -e "s/@SIZE@/$(du -sk --apparent-size "$work/root" | cut -f1)/" \
    "$here/files/appliance.info" >"$work/root/etc/appliance.info"
chmod 0644 "$work/root/etc/appliance.info"
(
    cd "$work/root"
    { echo ./etc/appliance.info && find . -path ./etc/appliance.info -o -print | LC_ALL=C sort; } |
        tar --create --file - --no-recursion --numeric-owner --format=posix \
            --xattrs --xattrs-include=security.capability \
            --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime \
            --mtime="@$SOURCE_DATE_EPOCH" --clamp-mtime \
            --files-from -
) >"$work/image.tar"
zstd --quiet "$level" -T0 "$work/image.tar" -o "$work/$name"

mv "$work/$name" "$out/$name"
(cd "$out" && sha256sum debian-*-sett_*.tar.zst >SHA256SUMS.new && mv SHA256SUMS.new SHA256SUMS)
if [ -n "${SETT_SIGN_KEY:-}" ]; then
    gpg --quiet --yes --local-user "$SETT_SIGN_KEY" --armor --detach-sign "$out/SHA256SUMS"
fi
