#!/bin/sh
# Write the greeting of the console anew, whole or not at all, and have those who wait there for somebody show it. Not
# readable by others: it may say the first password.
set -eu
mkdir -p /etc/issue.d
umask 077
new=$(mktemp /etc/issue.d/.sett.XXXXXX)
trap 'rm -f "$new"' EXIT
timeout 20 /usr/bin/sett greeting --issue >"$new"
mv "$new" /etc/issue.d/sett.issue
agetty --reload || true
