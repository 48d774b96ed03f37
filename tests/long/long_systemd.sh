#!/usr/bin/env bash
# The supervisor that is systemd on a real systemd: a Debian is made in a folder, booted in a container
# without a network, and drive.c asks the driver everything in there, of the unit that the package
# ships and a stand-in for cloudflared. Needs root. Speaks TAP.
# shellcheck disable=SC2317  # the trap and wait_for call them
set -euo pipefail
cd "$(dirname "$0")/../.."
for package in lxc mmdebstrap; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' || {
        echo "long_systemd.sh: the Debian package $package is missing" >&2
        exit 1
    }
done

top=$(mktemp -d "${TMPDIR:-/tmp}/sett-systemd.XXXXXX")
chmod 755 "$top"
root=$top/root
name=sett-systemd-$$
began=

inside() {
    lxc-attach -P "$top" -n "$name" --clear-env -- "$@"
}

# Nothing is removed as long as anything is mounted below it.
finish() {
    if [ -n "$began" ]; then
        lxc-stop -P "$top" -n "$name" -k >/dev/null 2>&1 || true
    fi
    if grep -qF " $top" /proc/self/mountinfo; then
        echo "long_systemd.sh: something is mounted below $top; it is left" >&2
    else
        rm -rf --one-file-system "$top"
    fi
}
trap finish EXIT
trap 'exit 1' INT TERM

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.2
    done
}

# The count goes on over what the program inside says.
count=0
report() {
    count=$((count + 1))
    if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
    return "$1"
}

make_root() {
    local suite mirror
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    # shellcheck disable=SC2016  # the variables are apt's
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' \
        'Created-By: Packages' 'Label: Debian' | sed -n "s/ $suite\$//p" | head -n 1)
    mmdebstrap --quiet --variant=essential --include=systemd,systemd-sysv \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        "$suite" "$root" "${mirror:-http://deb.debian.org/debian}"
}

fill_root() {
    local tunnels=$root/var/lib/sett/live/hands/tunnels
    install -m 755 build/systemd/cloudflared "$root/usr/bin/cloudflared"
    install -m 755 build/systemd/drive "$root/usr/bin/drive"
    install -m 644 appliance/systemd/sett-tunnel@.service "$root/etc/systemd/system/"
    install -d -m 700 "$tunnels"
    echo token-xyz >"$tunnels/12.token"
    echo METRICS_PORT=20241 >"$tunnels/12.env"
    echo METRICS_PORT=20242 >"$tunnels/13.env" # and 13 has no token, 14 nothing
    echo "$name" >"$root/etc/hostname"
    # The network is online once the file that holds it back is gone.
    cat >"$root/etc/systemd/system/late.service" <<'UNIT'
[Unit]
Before=network-online.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'while [ -e /run/network-is-late ]; do sleep 0.1; done'
UNIT
    install -d "$root/etc/systemd/system/network-online.target.wants"
    ln -s ../late.service "$root/etc/systemd/system/network-online.target.wants/"
    cat >"$top/config" <<CONFIG
lxc.uts.name = $name
lxc.rootfs.path = dir:$root
lxc.net.0.type = empty
lxc.init.cmd = /sbin/init
lxc.apparmor.profile = unconfined
lxc.mount.auto = proc:rw sys:rw cgroup:rw:force
lxc.autodev = 1
lxc.tty.max = 0
lxc.pty.max = 64
CONFIG
}

is_up() {
    [ "$(inside systemctl is-system-running 2>/dev/null)" = running ]
}

is_gone() {
    [ "$(lxc-info -P "$top" -n "$name" -sH 2>/dev/null)" != RUNNING ]
}

# drive [late]: its lines are counted on.
drive() {
    local line code=0
    while IFS= read -r line; do
        case $line in
        "ok "*) report 0 "${line#* - }" ;;
        "not ok "*) report 1 "${line#* - }" || code=1 ;;
        "end 0") return "$code" ;;
        *) echo "$line" ;;
        esac
    done < <(timeout 300 lxc-attach -P "$top" -n "$name" --clear-env -- /usr/bin/drive "$@" 2>&1; echo "end $?")
    report 1 "the program inside did not end well" || return 1
}

make -s systemd
make_root >"$top/made" 2>&1 || {
    cat "$top/made" >&2
    exit 1
}
fill_root
began=yes
lxc-start -P "$top" -n "$name" -f "$top/config" -o "$top/log" -l INFO -d || {
    tail -n 40 "$top/log" >&2
    exit 1
}
wait_for 90 is_up && up=0 || up=1
report "$up" "systemd is up: $(inside systemctl --version | head -n 1)" || {
    inside systemctl --failed --no-pager >&2
    exit 1
}
failed=0
drive || failed=1
inside systemctl stop network-online.target
drive late || failed=1
lxc-stop -P "$top" -n "$name" --nokill -t 60 >/dev/null 2>&1 || true
wait_for 10 is_gone && gone=0 || gone=1
report "$gone" "the container ends when it is asked to" || failed=1
[ "$gone" = 1 ] || began=
echo "1..$count"
exit "$failed"
