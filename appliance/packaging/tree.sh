#!/bin/sh
# A source tree with debian/ in it, at FOLDER, for one release of Debian: what is packaged, and no
# more. The changelog is made of the version: CHANGELOG.md is the one that people read.
# tree.sh FOLDER SUITE VERSION
set -eu
tree=$1 suite=$2 version=$3

# When it is said to be made: at the last commit, so that two builds of it are one.
when=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}

rm -rf "$tree"
mkdir -p "$tree"
# The folders are named: builds and boxes lie beside them.
tar -cf - --exclude=__pycache__ Makefile README.md DESIGN.md SECURITY.md CHANGELOG.md LICENSE \
    store core fcgi backup appliance web tests/tests.mk | tar -xf - -C "$tree"
mv "$tree/appliance/debian" "$tree/debian"
cat >"$tree/debian/changelog" <<END
sett ($version) $suite; urgency=medium

  * Version $version; CHANGELOG.md tells what changed.

 -- $(sed -n 's/^Maintainer: //p' "$tree/debian/control")  $(date -u -R -d "@$when")
END
# A file's own time would be in the package, and a checkout gives it another each time.
find "$tree" -exec touch -h -d "@$when" {} +
