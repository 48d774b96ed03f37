#!/usr/bin/env bash
# Every bit, every length, every pair of records and a million mixtures of a small snapshot: all of them found
# (tests/unit/test_flips.c has a sample of it). Speaks TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
make -s build/unit/test_flips || exit 1
parts=$(nproc) bad=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for ((i = 0; i < parts; i++)); do
	FLIPS=all FLIPS_PART=$i/$parts build/unit/test_flips >"$folder/$i" 2>&1 &
	pids[i]=$!
done
for ((i = 0; i < parts; i++)); do
	if wait "${pids[i]}"; then echo "ok $((i + 1)) - part $i of $parts: $(tail -n 1 "$folder/$i")"; else
		bad=1
		echo "not ok $((i + 1)) - part $i of $parts"
		sed 's/^/# /' "$folder/$i"
	fi
done
echo "1..$parts"
exit $bad
