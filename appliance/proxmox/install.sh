#!/usr/bin/env bash
# A container of sett on Proxmox VE, from its image. Run it in the shell of the node, as root:
#   bash -c "$(curl -fsSL URL/install.sh)"                    # what is asked: default or advanced
#   curl -fsSLO URL/install.sh && bash install.sh --help      # the same, read first
# URL is the folder where install.sh, SHA256SUMS and the image lie together; what make image writes into build/image.
set -euo pipefail

VERSION=0.1.0
URL=${SETT_URL:-} # make image SETT_URL=… writes it in
PVE_MIN=8.4

usage() {
    cat <<END
usage: install.sh [--default|--advanced] [--dry-run]
  --default    ask nothing   --advanced  ask for everything   (neither: ask which, if there is a terminal)
  --dry-run    show each command that would change anything, and do none

What is decided, each to be given as a variable of the environment (now):
  SETT_URL='$URL'  folder of the image, https://…   or SETT_IMAGE=FILE, with SHA256SUMS beside it
  SETT_KEYRING=FILE   demand SHA256SUMS.asc, signed by a key of this keyring
  var_version=$VERSION  var_os_release=13  var_ctid=next free  var_hostname=sett
  var_cpu=2  var_ram=1024 (MiB)  var_swap=512  var_disk=8 (GiB)
  var_container_storage, var_template_storage=first that fit
  var_brg=vmbr0  var_net=dhcp|ADDRESS/BITS  var_gateway=  var_ipv6=none|auto|dhcp|ADDRESS/BITS  var_gateway6=
  var_vlan=  var_mtu=  var_mac=  var_ns=  var_searchdomain=  var_tags=sett  var_timezone=host
  var_ssh_key=FILE  public keys that may sign in as root        var_onboot=1
  var_docker=0      1: keyctl, for Docker or Podman inside      var_preseed=FILE  answers for the first boot
END
}

say() { printf '%s\n' "$@"; }
fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

# Whatever changes something goes through here.
run() {
    if [ "$dry" = 1 ]; then
        printf '  %s\n' "$(printf '%q ' "$@")"
    else
        "$@"
    fi
}

options() {
    mode='' dry=0
    for word in "$@"; do
        case $word in
        --default | --advanced) mode=${word#--} ;;
        --dry-run) dry=1 ;;
        --help | -h) usage && exit 0 ;;
        *)
            usage >&2
            printf 'install.sh does not know %s\n' "$word" >&2
            exit 2
            ;;
        esac
    done
}

# ---- what this node is ----

check_node() {
    local version
    [ "$(id -u)" = 0 ] || fail "root alone can do this: the API's tokens may not set keyctl, and files are unpacked"
    command -v pct >/dev/null || fail "this is no node of Proxmox VE: there is no pct"
    version=$(pveversion | sed -n 's#^pve-manager/\([0-9][0-9.]*\).*#\1#p')
    dpkg --compare-versions "${version:-0}" ge "$PVE_MIN" || fail "Proxmox VE ${version:-?} is too old: $PVE_MIN or newer is needed"
    [ "$(dpkg --print-architecture)" = amd64 ] || fail "the image is for amd64"
}

# Storages that are active and take this content: name and free KiB, a line each.
storages() { pvesm status --content "$1" | awk 'NR > 1 && $3 == "active" { print $1, $6 }'; }

# storage_for CONTENT KIB PREFERRED…: one that has room, the preferred before others.
storage_for() {
    local content=$1 need=$2 list name
    shift 2
    list=$(storages "$content" | awk -v need="$need" '$2 >= need { print $1 }')
    for name in "$@"; do
        if grep -qx -- "$name" <<<"$list"; then
            say "$name"
            return
        fi
    done
    head -n 1 <<<"$list"
}

# ---- what is wanted ----

defaults() {
    version=${var_version:-$VERSION} release=${var_os_release:-13}
    ctid=${var_ctid:-$(pvesh get /cluster/nextid)} hostname=${var_hostname:-sett}
    cpu=${var_cpu:-2} ram=${var_ram:-1024} swap=${var_swap:-512} disk=${var_disk:-8}
    brg=${var_brg:-vmbr0} net=${var_net:-dhcp} gateway=${var_gateway:-}
    ipv6=${var_ipv6:-none} gateway6=${var_gateway6:-} vlan=${var_vlan:-} mtu=${var_mtu:-} mac=${var_mac:-}
    ns=${var_ns:-} searchdomain=${var_searchdomain:-} tags=${var_tags:-sett} timezone=${var_timezone:-host}
    ssh_key=${var_ssh_key:-} onboot=${var_onboot:-1} docker=${var_docker:-0} preseed=${var_preseed:-}
    image=${SETT_IMAGE:-} keyring=${SETT_KEYRING:-}
    template_storage=${var_template_storage:-$(storage_for vztmpl 524288 local)}
    container_storage=${var_container_storage:-$(storage_for rootdir $((disk * 1048576)) local-lvm local-zfs local)}
}

# ask NAME TEXT: one value, as it is unless something else is entered.
ask() {
    local name=$1 text=$2 value
    if command -v whiptail >/dev/null; then
        value=$(whiptail --backtitle "sett $version" --title "$text" --inputbox "$text" 9 70 "${!name}" 3>&1 1>&2 2>&3) || fail "cancelled: nothing was done"
    else
        read -r -p "$text [${!name}]: " value || fail "cancelled: nothing was done"
        value=${value:-${!name}}
    fi
    printf -v "$name" '%s' "$value"
}

ask_mode() {
    [ -z "$mode" ] || return 0
    mode=default
    [ -t 0 ] || return 0
    if command -v whiptail >/dev/null; then
        mode=$(whiptail --backtitle "sett $version" --title sett --menu "A container of sett $version, number $ctid" 11 70 2 \
            default "2 cores, 1 GiB, 8 GiB, address by DHCP" advanced "ask for everything" 3>&1 1>&2 2>&3) || fail "cancelled: nothing was done"
    else
        ask mode "default or advanced"
    fi
}

advanced() {
    ask ctid "Number of the container"
    ask hostname "Host name"
    ask cpu "Cores"
    ask ram "Memory, MiB"
    ask swap "Swap, MiB"
    ask disk "Disk, GiB"
    container_storage=${var_container_storage:-$(storage_for rootdir $((disk * 1048576)) local-lvm local-zfs local)}
    ask container_storage "Storage for the disk ($(storages rootdir | cut -d' ' -f1 | paste -sd' '))"
    ask template_storage "Storage for the image ($(storages vztmpl | cut -d' ' -f1 | paste -sd' '))"
    ask brg "Bridge"
    ask net "IPv4: dhcp, or address/bits"
    [ "$net" = dhcp ] || ask gateway "IPv4 gateway"
    ask ipv6 "IPv6: none, auto, dhcp, or address/bits"
    case $ipv6 in none | auto | dhcp) ;; *) ask gateway6 "IPv6 gateway" ;; esac
    ask vlan "VLAN (empty: none)"
    ask mac "MAC address (empty: Proxmox VE chooses)"
    ask ns "Name server (empty: the node's)"
    ask timezone "Time zone (host: the node's)"
    ask ssh_key "File of public ssh keys for root (empty: none)"
    ask docker "Docker or Podman inside: 1 or 0"
    ask onboot "Start with the node: 1 or 0"
    ask tags "Tags, with ; between"
    ask preseed "File of answers for the first boot (empty: none)"
}

number() {
    [[ $2 =~ ^[0-9]{1,9}$ ]] || fail "$1 is '$2': a number is wanted"
    [ "$2" -ge "$3" ] || fail "$1 is $2: a number from $3 up is wanted"
}
one_of() {
    local name=$1 value=$2 word
    shift 2
    for word in "$@"; do [ "$value" != "$word" ] || return 0; done
    fail "$name is '$value': one of $* is wanted"
}

# All of it is looked at before anything is done.
check_wanted() {
    number var_ctid "$ctid" 100
    number var_cpu "$cpu" 1
    number var_ram "$ram" 256
    number var_swap "$swap" 0
    number var_disk "$disk" 4
    one_of var_docker "$docker" 0 1
    one_of var_onboot "$onboot" 0 1
    one_of var_os_release "$release" 12 13
    [[ $hostname =~ ^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$ ]] || fail "var_hostname is '$hostname': no name of a host"
    [[ $net == dhcp || $net =~ ^[0-9.]+/[0-9]+$ ]] || fail "var_net is '$net': dhcp or ADDRESS/BITS is wanted"
    [[ $ipv6 =~ ^(none|auto|dhcp)$ || $ipv6 =~ ^[0-9a-fA-F:]+/[0-9]+$ ]] || fail "var_ipv6 is '$ipv6': none, auto, dhcp or ADDRESS/BITS is wanted"
    [ -z "$vlan" ] || number var_vlan "$vlan" 1
    [ -z "$mtu" ] || number var_mtu "$mtu" 576
    [ -z "$ssh_key" ] || [ -r "$ssh_key" ] || fail "var_ssh_key: $ssh_key cannot be read"
    [ -z "$preseed" ] || [ -r "$preseed" ] || fail "var_preseed: $preseed cannot be read"
    pvesh get /cluster/nextid --vmid "$ctid" >/dev/null 2>&1 || fail "number $ctid is taken: choose another with var_ctid=NUMBER"
    ip link show "$brg" >/dev/null 2>&1 || fail "there is no bridge $brg: choose one with var_brg=NAME"
    [ -n "$template_storage" ] || fail "no storage takes images and has 512 MiB: pvesm set local --content vztmpl,…"
    [ -n "$container_storage" ] || fail "no storage takes disks of containers and has $disk GiB: var_disk= or var_container_storage="
    storages rootdir | cut -d' ' -f1 | grep -qx -- "$container_storage" || fail "storage $container_storage takes no disks of containers"
    storages vztmpl | cut -d' ' -f1 | grep -qx -- "$template_storage" || fail "storage $template_storage takes no images"
    [ -n "$image$URL" ] || fail "where is the image? SETT_URL=https://HOST/FOLDER, or SETT_IMAGE=FILE"
    [ -z "$image" ] || [ -r "$image" ] || fail "SETT_IMAGE: $image cannot be read"
    [ -n "$image" ] || [[ $URL =~ ^https:// ]] || fail "SETT_URL is '$URL': https://… is wanted"
}

# ---- the image ----

# fetch NAME: a file that lies beside the image, into the folder ${temp}.
fetch() {
    if [ -n "$image" ]; then
        run cp -- "$(dirname -- "$image")/$1" "$temp/$1"
    else
        run curl --proto =https --fail --silent --show-error --location --output "$temp/$1" "${URL%/}/$1"
    fi
}

# An image that lies in the storage already is taken if it is the one that the sums name.
get_image() {
    name=debian-$release-sett_${version}_amd64.tar.zst
    [ -z "$image" ] || name=$(basename -- "$image")
    path=$(pvesm path "$template_storage:vztmpl/$name")
    temp=$(mktemp -d)
    fetch SHA256SUMS
    if [ -n "$keyring" ]; then
        fetch SHA256SUMS.asc
        run gpgv --quiet --keyring "$(realpath -- "$keyring")" "$temp/SHA256SUMS.asc" "$temp/SHA256SUMS" || fail "SHA256SUMS is not signed by a key of $keyring"
    fi
    if [ "$dry" = 1 ]; then
        fetch "$name"
        say "  # and verified: sha256sum --check SHA256SUMS"
        run mv -- "$temp/$name" "$path"
        return
    fi
    sum=$(awk -v name="$name" '$2 == name || $2 == "*" name { print $1 }' "$temp/SHA256SUMS")
    [[ $sum =~ ^[0-9a-f]{64}$ ]] || fail "SHA256SUMS does not name $name"
    if [ -e "$path" ] && sha256sum --check --status <<<"$sum  $path"; then
        say "$name is there already."
        return
    fi
    say "Fetching $name…"
    fetch "$name"
    sha256sum --check --status <<<"$sum  $temp/$name" || fail "$name is not what SHA256SUMS says: it is thrown away"
    mkdir -p -- "$(dirname -- "$path")"
    mv -- "$temp/$name" "$path"
}

# ---- the container ----

net0() {
    local text="name=eth0,bridge=$brg,ip=$net"
    [ "$net" = dhcp ] || [ -z "$gateway" ] || text+=",gw=$gateway"
    [ "$ipv6" = none ] || text+=",ip6=$ipv6"
    [ -z "$gateway6" ] || text+=",gw6=$gateway6"
    [ -z "$vlan" ] || text+=",tag=$vlan"
    [ -z "$mtu" ] || text+=",mtu=$mtu"
    [ -z "$mac" ] || text+=",hwaddr=$mac"
    say "$text"
}

create() {
    local features=nesting=1 words
    [ "$docker" = 0 ] || features+=,keyctl=1
    words=(--hostname "$hostname" --ostype debian --unprivileged 1 --features "$features" --cores "$cpu" --memory "$ram" --swap "$swap"
        --rootfs "$container_storage:$disk" --net0 "$(net0)" --onboot "$onboot" --tags "$tags" --timezone "$timezone"
        --description "sett $version: web admin at https://ADDRESS/admin. Update inside: update. The first password stands on the console.")
    [ -z "$ns" ] || words+=(--nameserver "$ns")
    [ -z "$searchdomain" ] || words+=(--searchdomain "$searchdomain")
    [ -z "$ssh_key" ] || words+=(--ssh-public-keys "$ssh_key")
    run pct create "$ctid" "$template_storage:vztmpl/$name" "${words[@]}"
    made=1
    if [ -n "$preseed" ]; then # root inside is 100000 outside
        run pct mount "$ctid"
        run install -D -o 100000 -g 100000 -m 0600 -- "$preseed" "/var/lib/lxc/$ctid/rootfs/etc/sett/preseed.conf"
        run pct unmount "$ctid"
    fi
    run pct start "$ctid"
}

inside() { pct exec "$ctid" -- "$@"; }

# until_it SECONDS COMMAND…: until the command succeeds.
until_it() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 1
    done
}

has_address() {
    address=$(inside ip -o addr show dev eth0 scope global 2>/dev/null | awk '{ sub("/.*", "", $4); print $4; exit }')
    [ -n "$address" ]
}
has_box() { inside test -e /var/lib/sett/initialized 2>/dev/null; }

tell() {
    if [ "$dry" = 1 ]; then
        say "  # and waited for its address; nothing was changed"
        return
    fi
    say "Waiting for its address and its first boot…"
    until_it 90 has_address || fail "container $ctid has no address: pct exec $ctid -- ip address; is there DHCP on $brg?"
    until_it 180 has_box || fail "the first boot has not ended: pct exec $ctid -- journalctl -u sett-firstboot"
    [[ $address == *:* ]] && address="[$address]"
    say "" "Container $ctid runs sett $version:"
    say "  https://$address/admin"
    inside sett greeting || say "  The first password stands on its console: pct console $ctid"
    say "" "Root's shell: pct enter $ctid    bring up to date: pct exec $ctid -- update" \
        "Away with it, and with all that it holds: pct stop $ctid && pct destroy $ctid --purge"
}

ended() {
    local code=$?
    [ -z "${temp:-}" ] || rm -rf -- "$temp"
    if [ "$code" != 0 ] && [ "${made:-0}" = 1 ] && [ "$dry" = 0 ]; then
        printf 'install.sh: container %s stays as it is; away with it: pct destroy %s --force --purge\n' "$ctid" "$ctid" >&2
    fi
}

main() {
    options "$@"
    check_node
    defaults
    ask_mode
    one_of mode "$mode" default advanced
    [ "$mode" = default ] || advanced
    check_wanted
    trap ended EXIT
    [ "$dry" = 0 ] || say "Would be done:"
    get_image
    create
    tell
}

main "$@"
