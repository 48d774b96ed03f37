#!/bin/sh
# make-site.sh FOLDER: the first page of a new site, in FOLDER, from TENANT_NAME, TENANT_URL and
# TENANT_HOSTNAME. What is there already is kept, so that it can run twice.
set -eu
umask 022

folder=$1
template=$(dirname "$0")/index.html

# Text as it may stand in HTML, and after that in the right half of sed's s|…|…|.
escape() {
    printf '%s' "$1" | sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' \
        -e 's/"/\&quot;/g' -e "s/'/\&#39;/g" -e 's/[\\&|]/\\&/g'
}

name=$(escape "${TENANT_NAME:-A tenant}")
url=$(escape "${TENANT_URL:-}")
host=$(escape "${TENANT_HOSTNAME:-}")
now=$(date -u '+%Y-%m-%d %H:%M:%S UTC')

mkdir -p "$folder"
if [ ! -e "$folder/index.html" ]; then
    sed -e "s|@NAME@|$name|g" -e "s|@URL@|$url|g" -e "s|@HOST@|$host|g" -e "s|@TIME@|$now|g" \
        "$template" >"$folder/.index.html"
    mv "$folder/.index.html" "$folder/index.html"
fi
if [ ! -e "$folder/health" ]; then
    printf 'ok\n' >"$folder/.health"
    mv "$folder/.health" "$folder/health"
fi
