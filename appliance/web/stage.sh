#!/bin/sh
# The pages as they are installed: stage.sh FROM TO. In a checkout a browser asks for each file anew; here all that
# the pages load lies below assets/HASH/, a folder named after its whole content, and may be kept for a year. Modules
# find each other by relative addresses, so one folder serves as well as a name for each. Nothing is built or joined.
set -eu
export LC_ALL=C
from=$1 to=$2

rm -rf "$to"
mkdir -p "$to"
files=$(cd "$from" && find -L . -type f ! -name '*.html' ! -name '*.json' ! -name 'LICENSE.*' ! -name '*.lock' | sed 's#^\./##' | sort)
hash=$(cd "$from" && printf '%s\n' "$files" | xargs sha256sum | sha256sum | cut -c1-16)

printf '%s\n' "$files" | while read -r file; do
  install -D -m 644 "$from/$file" "$to/assets/$hash/$file"
done

# What a page names from the top is there now; links that are no files (/api/openapi.json) stay.
rules=$(printf '%s\n' "$files" | sed "s#.*#s|=\"/&\"|=\"/assets/$hash/&\"|g#")
(cd "$from" && find -L . -type f \( -name '*.html' -o -name '*.json' \)) | while read -r page; do
  mkdir -p "$(dirname "$to/$page")"
  sed "$rules" "$from/$page" >"$to/$page"
  chmod 644 "$to/$page"
done

# Pressed once, as hard as it goes, for the web servers that hand out such files.
find "$to" -type f \( -name '*.js' -o -name '*.css' -o -name '*.svg' -o -name '*.html' \) -size +0 -exec gzip -9nk {} +
find "$to" -exec touch -h -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}" {} +
