#!/bin/sh
# make-site.sh FOLDER: the first page of a new site, in FOLDER, from TENANT_NAME, TENANT_URL and
# TENANT_HOSTNAME. What is there already is kept, so that it can run twice.
set -eu
umask 022

folder=$1
template=${0%/*}/index.html

# The three values, a line each, as text may stand in HTML and after that in the right half of sed's
# s|…|…|. None of them holds a line's end: the hands refuse such values.
escaped=$(printf '%s\n' "${TENANT_NAME:-A tenant}" "${TENANT_URL:-}" "${TENANT_HOSTNAME:-}" |
    sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' -e 's/"/\&quot;/g' \
        -e "s/'/\\&#39;/g" -e 's/[\\&|]/\\&/g')
{ # a value that is empty at the end leaves no line
    IFS= read -r name || :
    IFS= read -r url || :
    IFS= read -r host || :
} <<END
$escaped
END

[ -d "$folder" ] || mkdir -p "$folder"
if [ ! -e "$folder/index.html" ]; then
    now=$(date -u '+%Y-%m-%d %H:%M:%S UTC')
    sed -e "s|@NAME@|$name|g" -e "s|@URL@|$url|g" -e "s|@HOST@|$host|g" -e "s|@TIME@|$now|g" \
        "$template" >"$folder/.index.html"
    mv "$folder/.index.html" "$folder/index.html"
fi
[ -e "$folder/health" ] || echo ok >"$folder/health"
