#!/usr/bin/env bash
# The cases that every runtime must pass once more, on a Docker that is driven as one of another machine, with volumes that
# it keeps itself. The ways to such an engine are tests/test_engines.py's.
set -euo pipefail
cd "$(dirname "$0")/../.."
for build in ${SETT_BUILD:-} build/tsan build/asan build; do
    if [ -x "$build/unit/test_conformance_docker" ]; then
        SETT_TEST_FAR=1 exec "$build/unit/test_conformance_docker"
    fi
done
echo "long_far_engine.sh: build the unit tests first (make unit)" >&2
exit 1
