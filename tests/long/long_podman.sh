#!/usr/bin/env bash
# The docker runtime's whole test once more, on Podman: the same API, other answers.
set -euo pipefail
cd "$(dirname "$0")/../.."
for package in podman runc netavark iptables; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' || {
        echo "long_podman.sh: the Debian package $package is missing" >&2
        exit 1
    }
done
for build in ${SETT_BUILD:-} build/tsan build/asan build; do
    if [ -x "$build/unit/test_runtime_docker" ]; then
        SETT_TEST_ENGINE=podman exec "$build/unit/test_runtime_docker"
    fi
done
echo "long_podman.sh: build the unit tests first (make unit)" >&2
exit 1
