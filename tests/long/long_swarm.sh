#!/usr/bin/env bash
# The swarm runtime whole: all cases of the conformance suite on one real node, then two nodes, one of
# which is lost. Needs root. Speaks TAP.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
make -s build/unit/test_conformance_swarm build/long/lost || exit 1
export CMOCKA_MESSAGE_OUTPUT=TAP
failed=0
SETT_TEST_LONG=1 build/unit/test_conformance_swarm || failed=1
build/long/lost || failed=1
exit $failed
