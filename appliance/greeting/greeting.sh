# shellcheck shell=sh
# /etc/profile.d/sett.sh of an appliance: greet whoever gets a shell of root's. Here and not in the message of the day,
# because that is kept in a file which everybody on the machine may read, and a first password may be in the greeting.
if [ "$(id -u)" = 0 ] && [ -t 1 ] && [ -x /usr/bin/sett ]; then
	timeout 5 /usr/bin/sett greeting || true
fi
