#!/bin/sh
# A token of Proxmox VE's API for a box that puts tenants there: least rights, each said why. To be run on one node of
# the cluster, as root. It shows every command first and runs none before it is answered "yes".
#   token.sh [--pool sett] [--storage local-lvm] [--templates local] [--bridge vmbr0] [--clone]
#            [--user sett@pve] [--token box] [--url https://NODE:8006] [--output FILE]
#            [--yes] [--dry-run] [--remove]
# --clone: blueprints name a container to clone (it must be in the pool), not a template.
# --output: what the box must know, for `sett proxmox import FILE` there; the file holds the token.
# --remove: takes back all of it but the pool, which may hold tenants.
set -eu

pool=sett storage=local-lvm templates=local bridge=vmbr0 user=sett@pve token=box
url='' output='' clone='' yes='' dry='' remove=''

fail() {
	echo "token.sh: $*" >&2
	exit 1
}

while [ $# -gt 0 ]; do
	case $1 in
	--pool | --storage | --templates | --bridge | --user | --token | --url | --output)
		[ $# -ge 2 ] || fail "$1 wants a value"
		case $2 in
		*[!A-Za-z0-9@._:/-]* | '' | -*) fail "$1: \"$2\" is no name" ;;
		esac
		case $1 in
		--pool) pool=$2 ;;
		--storage) storage=$2 ;;
		--templates) templates=$2 ;;
		--bridge) bridge=$2 ;;
		--user) user=$2 ;;
		--token) token=$2 ;;
		--url) url=$2 ;;
		--output) output=$2 ;;
		esac
		shift
		;;
	--clone) clone=1 ;;
	--yes) yes=1 ;;
	--dry-run) dry=1 ;;
	--remove) remove=1 ;;
	--help)
		sed -n '2,10s/^# \{0,1\}//p' "$0"
		exit 0
		;;
	*) fail "unknown option $1 (--help says which there are)" ;;
	esac
	shift
done
case $user in
*@pve) ;;
*) fail "--user $user: a user of the realm pve, who has no password and no shell" ;;
esac
command -v pveum >/dev/null || fail "there is no pveum: run this on a node of Proxmox VE, as root"

# ---- what is there ----
has() { # LIST MEMBER VALUE: whether pveum's list has an entry whose member is the value
	case $1 in
	token) pveum user token list "$user" --output-format json 2>/dev/null || echo '[]' ;;
	*) pveum "$1" list --output-format json ;;
	esac | tr '{' '\n' | grep -qF "\"$2\":\"$3\""
}
major=$(pveversion 2>/dev/null | sed -n 's,^pve-manager/\([0-9]*\).*,\1,p')
[ -n "$major" ] || fail "pveversion does not say which version this is"

# ---- what each right is for: ROLE, PATH, PRIVILEGE, WHY, a line each ----
rights() {
	guests=SettGuests-$pool disks=SettDisks-$pool templ=SettTemplates-$pool nodes=SettNodes-$pool net=SettNetwork-$pool
	cat <<END
$guests /pool/$pool VM.Allocate make tenants' containers and remove them
$guests /pool/$pool VM.Audit see their state, their configuration, their address
$guests /pool/$pool VM.PowerMgmt start, stop and restart them
$guests /pool/$pool VM.Migrate carry them to another node
$guests /pool/$pool VM.Config.Disk give them a disk, and a larger one
$guests /pool/$pool VM.Config.CPU set their share of the processors
$guests /pool/$pool VM.Config.Memory set their memory
$guests /pool/$pool VM.Config.Network give them a network card
$guests /pool/$pool VM.Config.Options their name, mark, environment, start at boot
${clone:+$guests /pool/$pool VM.Clone clone the container that a blueprint names
}$disks /storage/$storage Datastore.AllocateSpace put their disks there
$disks /storage/$storage Datastore.Audit see how much of it is free
$templ /storage/$templates Datastore.Audit see and use the templates there
$nodes /nodes Sys.Audit see what nodes have free, to choose one
END
	[ "$major" -lt 8 ] || echo "$net /sdn/zones/localnetwork/$bridge SDN.Use join the bridge $bridge"
}
roles() { rights | cut -d' ' -f1 | sort -u; }
privileges() { rights | awk -v r="$1" '$1 == r { printf "%s%s", sep, $3; sep = " " }'; }
path_of() { rights | awk -v r="$1" '$1 == r { print $2; exit }'; }

# ---- the commands, one a line, arguments split by tabs ----
line() {
	printf '%s' "$1"
	shift
	[ $# -eq 0 ] || printf '\t%s' "$@"
	echo
}
making() {
	has pool poolid "$pool" 2>/dev/null || line pveum pool add "$pool" --comment "tenants of sett"
	for role in $(roles); do
		if has role roleid "$role"; then
			line pveum role modify "$role" --privs "$(privileges "$role")"
		else
			line pveum role add "$role" --privs "$(privileges "$role")"
		fi
	done
	has user userid "$user" || line pveum user add "$user" --comment "sett"
	# Made before its rights, which it has only besides its user's.
	line pveum user token add "$user" "$token" --privsep 1 --comment "sett" --output-format json
	for role in $(roles); do
		line pveum acl modify "$(path_of "$role")" --users "$user" --roles "$role"
		line pveum acl modify "$(path_of "$role")" --tokens "$user!$token" --roles "$role"
	done
}
removing() {
	if has token tokenid "$token"; then
		for role in $(roles); do
			line pveum acl delete "$(path_of "$role")" --tokens "$user!$token" --roles "$role"
		done
		line pveum user token remove "$user" "$token"
	fi
	if has user userid "$user"; then
		for role in $(roles); do
			line pveum acl delete "$(path_of "$role")" --users "$user" --roles "$role"
		done
		line pveum user delete "$user"
	fi
	for role in $(roles); do
		! has role roleid "$role" || line pveum role delete "$role"
	done
}
quoted() { # a line as a person would type it
	printf '%s\n' "$1" | awk -F'\t' '{
		for (i = 1; i <= NF; i++)
			printf("%s%s", (i == 1 ? "  " : " "), ($i ~ /[^A-Za-z0-9@._:\/-]/ ? "\047" $i "\047" : $i))
		print "" }'
}

if [ -n "$remove" ]; then
	commands=$(removing)
	[ -n "$commands" ] || fail "there is nothing of $user to remove"
else
	! has token tokenid "$token" ||
		fail "the token $user!$token is there, and its secret is shown once only: token.sh --remove first, or another --token"
	commands=$(making)
	echo "The token $user!$token gets these rights, and no others:"
	rights | awk '{ path = $2; priv = $3; $1 = $2 = $3 = ""; sub(/^ +/, ""); printf "  %-24s at %-36s %s\n", priv, path, $0 }'
	echo
fi
echo "What will be run:"
printf '%s\n' "$commands" | while IFS= read -r each; do quoted "$each"; done
[ -z "$dry" ] || exit 0
if [ -z "$yes" ]; then
	printf '\nRun this? Type yes: '
	read -r answer || answer=''
	[ "$answer" = yes ] || fail "nothing was done"
fi

# ---- and now ----
tab=$(printf '\t')
said=$(mktemp)
trap 'rm -f "$said"' EXIT
chmod 600 "$said"
printf '%s\n' "$commands" | while IFS= read -r each; do
	(
		set -f
		IFS=$tab
		# shellcheck disable=SC2086 # split at tabs, and nowhere else
		set -- $each
		unset IFS
		case "$3 $4" in
		"token add") "$@" >"$said" ;;
		*) "$@" >/dev/null ;;
		esac
	) || fail "that failed: $(quoted "$each") (to go back: token.sh --remove)"
done
if [ -n "$remove" ]; then
	echo "Removed. The pool $pool stays; without tenants: pveum pool delete $pool"
	exit 0
fi

# shellcheck disable=SC2020 # each to a line end
secret=$(tr ',{' '\n\n' <"$said" | sed -n 's/^"value":"\([0-9a-f-]*\)".*/\1/p')
[ -n "$secret" ] || fail "pveum did not say the token; token.sh --remove, then once more"
certificate=${SETT_PVE_CERTIFICATE:-/etc/pve/local/pveproxy-ssl.pem}
[ -e "$certificate" ] || certificate=/etc/pve/local/pve-ssl.pem
fingerprint=$(openssl x509 -noout -fingerprint -sha256 -in "$certificate" 2>/dev/null | cut -d= -f2)
[ -n "$url" ] || url=https://$(hostname -f 2>/dev/null || hostname):8006
known() {
	cat <<END
proxmox.url=$url
proxmox.token_id=$user!$token
${fingerprint:+proxmox.fingerprint=$fingerprint
}proxmox.pool=$pool
proxmox.storage=$storage
proxmox.bridge=$bridge
END
}
if [ -n "$output" ]; then
	umask 077
	rm -f "$output"
	{
		known
		echo "proxmox.token=$secret"
	} >"$output"
	echo "On the box: sett proxmox import FILE, with this file: $output (it holds the token: remove it then)"
	exit 0
fi
echo
echo "On the box:"
known | sed "s/^\([^=]*\)=\(.*\)/  sett setting set \1 '\2'/"
echo "  sett secret set proxmox.token --value-file -     (then paste: $secret)"
echo "  sett proxmox check"
