#!/usr/bin/env bash
# A container engine for tests: a real dockerd or a real podman service with everything it owns below
# one folder, and the image docker.io/sett/busybox:latest made from busybox-static.
#   dockerd.sh start FOLDER [docker|podman]   prints the socket's path
#   dockerd.sh stop FOLDER                    containers and networks first, then the engine by its pid
# SETT_TEST_ENGINE_OPTIONS: more of dockerd's options, split at blanks.
# SETT_TEST_REGISTRY=127.0.0.1:PORT names a registry without TLS that podman may use.
# What is missing is an error that names the package: nothing is skipped. Needs root. An engine
# writes firewall rules: a test that wants none left behind runs it in a network namespace.
set -euo pipefail

IMAGE=sett/busybox

fail() {
    echo "dockerd.sh: $*" >&2
    exit 1
}

need() { # program, package
    command -v "$1" >/dev/null 2>&1 || fail "$1 is missing: install the Debian package $2"
}

alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

api() { # folder, method, path, more of curl's options
    local folder=$1 method=$2 path=$3
    shift 3
    curl -sS --max-time 60 --unix-socket "$folder/engine.sock" -X "$method" "$@" "http://engine$path"
}

start_docker() {
    need dockerd docker.io
    need iptables iptables
    # With forwarding on already, dockerd leaves the FORWARD policy alone.
    [ ! -w /proc/sys/net/ipv4/ip_forward ] || echo 1 >/proc/sys/net/ipv4/ip_forward
    # shellcheck disable=SC2086
    setsid dockerd ${SETT_TEST_ENGINE_OPTIONS:-} -H "unix://$1/engine.sock" --data-root "$1/data" --exec-root "$1/exec" \
        --pidfile "$1/dockerd.pid" --storage-driver vfs --bridge none --group root \
        --exec-opt native.cgroupdriver=cgroupfs --log-level warn >"$1/engine.log" 2>&1 </dev/null &
    echo $! >"$1/engine.pid"
}

start_podman() {
    need podman podman
    need runc runc
    [ -x /usr/lib/podman/netavark ] || fail "netavark is missing: install the Debian package netavark"
    need iptables iptables
    cat >"$1/containers.conf" <<EOF
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "$1/networks"
EOF
    printf 'unqualified-search-registries = ["docker.io"]\n' >"$1/registries.conf"
    if [ -n "${SETT_TEST_REGISTRY:-}" ]; then
        printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$SETT_TEST_REGISTRY" >>"$1/registries.conf"
    fi
    CONTAINERS_CONF=$1/containers.conf CONTAINERS_REGISTRIES_CONF=$1/registries.conf setsid podman \
        --root "$1/data" --runroot "$1/exec" --tmpdir "$1/tmp" --storage-driver vfs \
        --cgroup-manager cgroupfs --runtime runc \
        system service -t 0 "unix://$1/engine.sock" >"$1/engine.log" 2>&1 </dev/null &
    echo $! >"$1/engine.pid"
}

# The image: busybox and names for all it can be, a few users, an empty /srv.
import_image() {
    local root=$1/image busybox
    busybox=$(command -v busybox) || fail "busybox is missing: install the Debian package busybox-static"
    mkdir -p "$root/bin" "$root/etc" "$root/srv" "$root/tmp"
    cp "$busybox" "$root/bin/busybox"
    ldd "$busybox" 2>/dev/null | grep -o '/[^ )]*' | while read -r library; do # one that is not static
        cp --parents -L "$library" "$root"
    done || true
    "$root/bin/busybox" --list | while read -r name; do
        [ "$name" = busybox ] || ln -sf busybox "$root/bin/$name"
    done
    printf 'root:x:0:0::/:/bin/sh\nweb:x:1033:1044::/srv:/bin/sh\n' >"$root/etc/passwd"
    tar -C "$root" -cf "$1/image.tar" .
    api "$1" POST "/v1.41/images/create?fromSrc=-&repo=$IMAGE&tag=latest" \
        -H 'Content-Type: application/x-tar' --data-binary "@$1/image.tar" >"$1/import.log" ||
        fail "the image was not imported: $(cat "$1/import.log")"
    rm -rf "$root"
}

start() {
    local folder=$1 kind=$2
    need curl curl
    need tar tar
    [ "$(id -u)" = 0 ] || fail "a container engine needs root"
    mkdir -p "$folder"
    cd "$folder" # podman's monitors leave notes where they stand
    "start_$kind" "$folder"
    for _ in $(seq 300); do
        if api "$folder" GET /_ping >/dev/null 2>&1; then
            import_image "$folder"
            echo "$folder/engine.sock"
            return
        fi
        alive "$folder/engine.pid" || fail "the engine ended: $(tail -n 5 "$folder/engine.log")"
        sleep 0.1
    done
    fail "the engine did not answer in 30 s: $(tail -n 5 "$folder/engine.log")"
}

ids() { # folder, path: the Ids in a list, one a line
    api "$1" GET "$2" | python3 -c 'import json, sys
for item in json.load(sys.stdin) or []:
    print(item["Id"])'
}

stop() {
    local folder=$1 pid
    if alive "$folder/engine.pid"; then
        for id in $(ids "$folder" "/v1.41/containers/json?all=1"); do
            api "$folder" DELETE "/v1.41/containers/$id?force=1&v=1" >/dev/null || true
        done
        api "$folder" POST /v1.41/networks/prune >/dev/null || true
        pid=$(cat "$folder/engine.pid")
        kill "$pid"
        for _ in $(seq 200); do
            alive "$folder/engine.pid" || break
            sleep 0.1
        done
        ! alive "$folder/engine.pid" || kill -9 "$pid"
    fi
    # Podman's monitors stay five minutes after each command, and what a killed engine had started stays,
    # too; those of this folder go with it.
    for cmdline in /proc/[0-9]*/cmdline; do
        pid=${cmdline#/proc/}
        if tr '\0' ' ' 2>/dev/null <"$cmdline" | grep -qE "^[^ ]*(conmon|aardvark-dns|podman|containerd[^ ]*) .*$folder/"; then
            kill -9 "${pid%/cmdline}" 2>/dev/null || true
        fi
    done
    # What an engine mounts below its folders goes before the folder does.
    awk -v below="$folder/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r |
        while read -r mount; do umount -l "$mount" || true; done
    for _ in 1 2 3 4 5; do # what was killed may still have been writing
        ! rm -rf "$folder" 2>/dev/null || return 0
        sleep 0.2
    done
    fail "$folder does not go"
}

case "${1:-} ${3:-docker}" in
"start docker" | "start podman") start "$2" "${3:-docker}" ;;
"stop "*) stop "$2" ;;
*) fail "start FOLDER [docker|podman] | stop FOLDER" ;;
esac
