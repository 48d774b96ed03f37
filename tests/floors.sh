#!/usr/bin/env bash
# The floors of the house, checked on what was built: includes point down (the compiler's -I lists see
# to that), each foreign library is included by one file, and no program has symbols it must not have.
# Speaks TAP. usage: floors.sh [BUILD_FOLDER]
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:-build}
n=0
failed=0
result() { # NAME STATUS [DETAIL]
	n=$((n + 1))
	if [ "$2" = 0 ]; then echo "ok $n - $1"; else
		failed=1
		echo "not ok $n - $1"
		[ -z "${3:-}" ] || printf '%s\n' "$3" | sed 's/^/# /'
	fi
}

folders=(store core fcgi appliance)
[ ! -d backup ] || folders+=(backup)

only() { # HEADER FILE...: the files that may include it
	local header=$1 found
	shift
	found=$(grep -rlE "#include <(${header})>" --include='*.[ch]' "${folders[@]}" | sort | tr '\n' ' ')
	local bad="" f a ok
	for f in $found; do
		ok=
		for a in "$@"; do [ "$f" = "$a" ] && ok=1; done
		[ -n "$ok" ] || bad="$bad $f"
	done
	[ -z "$bad" ]
	result "only $* include $header" $? "$bad"
}
only 'lmdb\.h' store/db.c
only 'curl/.*\.h' core/outside/http.c core/outside/http_multi.c core/outside/http_trust.c core/outside/smtp.c core/outside/certificate.c core/outside/transfer.c core/outside/sftp.c
only 'fcgi.*\.h' fcgi/front.c
only 'archive.*\.h' backup/pack.c
only 'zstd\.h' backup/squeeze.c
only '(postgresql/)?libpq.*\.h' core/drivers/postgres.c
only '(cjson/)?cJSON\.h' core/outside/json_in.c core/outside/json_scan.c
only 'ini\.h' store/base/conf.c
only 'idn2\.h' core/outside/idn.c
only 'uni(ctype|str|case)\.h' core/outside/idn.c core/outside/re2_class.c
only 'libpsl\.h' core/outside/public_suffix.c
only '(resolv|arpa/nameser)\.h' core/outside/dns.c
only 'qrencode\.h' core/outside/qr.c
only 'liboath/.*\.h' core/outside/totp.c
only 'fido(/.*)?\.h' core/outside/webauthn.c
only 'yaml\.h' core/outside/cloudflared_yaml.c
only 'expat\.h' core/outside/xml_in.c
only 'openssl/.*\.h' backup/digest.c core/outside/x509.c core/outside/x509_make.c

symbols() { # PROGRAM PATTERN
	local found
	found=$(nm -D --undefined-only "$build/$1" 2>/dev/null | awk '{print $2}' | grep -E "^($2)" | head -5)
	[ -x "$build/$1" ] && [ -z "$found" ]
	result "$1 has no symbol $2" $? "$found"
}
symbols sett-upgrade 'mdb_|curl_|PQ|archive_'
symbols sett-front 'curl_|PQ|posix_spawn|exec[lv]|system$|popen|fork$|connect$|res_n|ns_'
symbols sett-hands 'mdb_|getaddrinfo|gethostby|res_n|ns_|PQ'
symbols sett 'curl_|PQ|FCGX_|archive_|fido_'
symbols sett-restore 'PQ|FCGX_'
symbols sett-worker 'FCGX_|fido_'

# Saga code must not be in the front.
found=$(nm --defined-only "$build/sett-front" 2>/dev/null | grep -E ' [A-Za-z] saga_(tenant|tunnel|event)' | head -3)
[ -z "$found" ]
result "sett-front links no saga" $? "$found"

# A struct of libraries' types in a header would leak the library to the floors above.
found=$(grep -rnE 'MDB_|CURL|FCGX_|PGconn|cJSON_' --include='*.h' "${folders[@]}" | grep -vE 'struct (cJSON|MDB_)' | grep -vE '^[^:]*:[0-9]+: \*|//' | head -5)
[ -z "$found" ]
result "no header speaks a library's language" $? "$found"
echo "1..$n"
exit $failed
