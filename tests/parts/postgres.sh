#!/usr/bin/env bash
# A PostgreSQL server for tests, with all it owns below one folder.
#   postgres.sh start FOLDER PORT [LISTEN] [POOL]   prints the administrator's conninfo; the password is in
#                                                   FOLDER/password, its account is no superuser; LISTEN is
#                                                   127.0.0.1 and POOL (the tenants' networks) 10.201.0.0/16
#   postgres.sh stop FOLDER
# The superuser "postgres" has the same password. Statements go to FOLDER/server.log. What is missing
# is an error that names the package. As root it runs as user postgres, as PostgreSQL demands.
set -euo pipefail

fail() {
    echo "postgres.sh: $*" >&2
    exit 1
}

bin() { # program: of the newest server here
    local found
    found=$(find /usr/lib/postgresql -maxdepth 3 -path "*/bin/$1" 2>/dev/null | sort -V | tail -n 1)
    [ -n "$found" ] || fail "$1 is missing: install the Debian package postgresql"
    echo "$found"
}

as_server() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid postgres --regid postgres --clear-groups --reset-env "$@"
    else
        "$@"
    fi
}

start() {
    local folder=$1 port=$2 listen=$3 pool=$4 initdb postgres psql
    initdb=$(bin initdb) postgres=$(bin postgres) psql=$(bin psql)
    mkdir -p "$folder"
    head -c 18 /dev/urandom | base64 | tr '+/' 'ab' >"$folder/password"
    chmod 0600 "$folder/password"
    [ "$(id -u)" != 0 ] || chown -R postgres: "$folder"
    cd "$folder"
    as_server "$initdb" -D "$folder/data" -U postgres --pwfile="$folder/password" --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$folder/initdb.log" 2>&1 ||
        fail "initdb: $(tail -n 3 "$folder/initdb.log")"
    cat >"$folder/data/pg_hba.conf" <<EOF
local  all                all  scram-sha-256
host   sameuser           all  127.0.0.1/32  scram-sha-256
host   sameuser,postgres  all  $pool  scram-sha-256
EOF
    as_server "$postgres" -D "$folder/data" -k "$folder" -h "$listen" -p "$port" -c fsync=off \
        -c log_statement=all -c shared_buffers=16MB -c max_connections=40 \
        >>"$folder/server.log" 2>&1 </dev/null &
    export PGPASSWORD
    PGPASSWORD=$(cat "$folder/password")
    for _ in $(seq 150); do
        if "$psql" -q -h "$folder" -p "$port" -U postgres -d postgres -v ON_ERROR_STOP=1 \
            -c "CREATE ROLE sett LOGIN CREATEROLE CREATEDB PASSWORD '$PGPASSWORD'" 2>/dev/null; then
            : >"$folder/server.log" # what is in it from here on is what a test did
            echo "host=$folder port=$port user=sett dbname=postgres"
            return
        fi
        sleep 0.1
    done
    fail "the server did not start: $(tail -n 3 "$folder/server.log")"
}

stop() {
    local folder=$1 pid
    if [ -s "$folder/data/postmaster.pid" ]; then
        pid=$(head -n 1 "$folder/data/postmaster.pid")
        kill -INT "$pid" 2>/dev/null || true
        for _ in $(seq 150); do
            [ -e "$folder/data/postmaster.pid" ] || break
            sleep 0.1
        done
        [ ! -e "$folder/data/postmaster.pid" ] || kill -9 "$pid"
    fi
    rm -rf "$folder"
}

case "${1:-}" in
start) start "$2" "$3" "${4:-127.0.0.1}" "${5:-10.201.0.0/16}" ;;
stop) stop "$2" ;;
*) fail "start FOLDER PORT [LISTEN] [POOL] | stop FOLDER" ;;
esac
