#!/usr/bin/env bash
# A tenant that is a whole Debian: mmdebstrap makes its root file system, lxc-start boots it with systemd
# and all, tests/long/lxc/debian.c drives it through the runtime. Needs root. Speaks TAP.
set -euo pipefail
cd "$(dirname "$0")/../.."
for package in lxc nftables mmdebstrap; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' || {
        echo "long_lxc.sh: the Debian package $package is missing" >&2
        exit 1
    }
done
top=$(mktemp -d "${TMPDIR:-/tmp}/sett-debian.XXXXXX")
chmod 755 "$top"
trap 'rm -rf --one-file-system "$top"' EXIT
trap 'exit 1' INT TERM

suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
# shellcheck disable=SC2016  # the variables are apt's
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' \
    'Created-By: Packages' 'Label: Debian' | sed -n "s/ $suite\$//p" | head -n 1)
make -s build/long/debian
mmdebstrap --quiet --variant=essential --include=systemd,systemd-sysv,busybox \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    "$suite" "$top/debian.tar" "${mirror:-http://deb.debian.org/debian}" >"$top/made" 2>&1 || {
    cat "$top/made" >&2
    exit 1
}
CMOCKA_MESSAGE_OUTPUT=TAP build/long/debian "$top/debian.tar"
