#!/bin/sh
# Take from a root what only one machine may have, and what would be another at each build: ids, keys, seeds, lists, logs.
# strip.sh ROOT
set -eu
cd "$1"
test -e usr/bin/sett # a root, and not ours

# An id that is not there makes the next boot the first one (machine-id(5)).
rm -f etc/machine-id var/lib/dbus/machine-id
rm -f etc/ssh/ssh_host_*
rm -f var/lib/systemd/credential.secret var/lib/systemd/random-seed var/lib/urandom/random-seed
rm -f etc/ssl/private/ssl-cert-snakeoil.key etc/ssl/certs/ssl-cert-snakeoil.pem
rm -f etc/resolv.conf etc/.pwd.lock etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/subuid- etc/subgid-
rm -f var/lib/systemd/catalog/database
rm -rf etc/letsencrypt/accounts root/.bash_history root/.ssh

for folder in var/lib/apt/lists var/cache/apt var/cache/ldconfig var/cache/man var/log var/tmp tmp run; do
    [ ! -d "$folder" ] || find "$folder" -mindepth 1 -not -type d -delete
done
for folder in var/lib/apt/lists var/log/journal var/tmp tmp run; do
    [ ! -d "$folder" ] || find "$folder" -mindepth 1 -depth -type d -delete
done
rm -f var/cache/debconf/*-old var/lib/dpkg/*-old var/lib/dpkg/lock* var/lib/dpkg/triggers/Lock
find usr -name __pycache__ -type d -prune -exec rm -rf {} +
find dev -mindepth 1 -delete # made where it is started
