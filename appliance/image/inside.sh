#!/bin/sh
# Run inside the root while the image is made: our package, and how an appliance differs from a Debian that sett is put on.
# inside.sh SUITE
set -eu
suite=$1 files=/tmp/files
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

echo 'man-db man-db/auto-update boolean false' | debconf-set-selections
apt-get install -q -y --no-install-recommends /tmp/debs/*.deb

# Debian's archive, as every installation of this release has it.
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
cat >/etc/apt/sources.list.d/debian.sources <<END
Types: deb
URIs: http://deb.debian.org/debian
Suites: $suite $suite-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: $suite-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END

install -m 0755 "$files/update" /usr/bin/update
install -D -m 0644 "$files/preset" /etc/systemd/system-preset/10-sett.preset
install -m 0644 "$files/interfaces" /etc/network/interfaces
echo 'LANG=C.UTF-8' >/etc/default/locale
echo sett >/etc/hostname
printf '127.0.0.1 localhost\n127.0.1.1 sett\n::1 localhost ip6-localhost ip6-loopback\n' >/etc/hosts

# A bound for all logs together.
install -D -m 0644 /usr/share/sett/journald.conf /usr/lib/systemd/journald.conf.d/sett.conf

# Places for a thousand slow clients beside everybody else; Debian's 768 are fewer.
sed -i 's/^\([[:space:]]*worker_connections\) [0-9]*;/\1 4096;/; s/^worker_processes .*/&\nworker_rlimit_nofile 10000;/' /etc/nginx/nginx.conf
grep -q 'worker_connections 4096;' /etc/nginx/nginx.conf

# The web server has our site alone, and that from the first boot on.
rm -f /etc/nginx/sites-enabled/default
systemctl enable nginx.service ssh.service sett-firstboot.service
# One way in for ssh; a socket beside the service would take its port.
systemctl disable ssh.socket 2>/dev/null || true

# 22, 80, 443 and ping, and nothing else: what `sett firewall enable` does elsewhere.
systemctl enable sett-firewall.service
