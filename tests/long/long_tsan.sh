#!/usr/bin/env bash
# Front, worker and hands under ThreadSanitizer, doing what the tests of the front and of the main job ask
# of them. A report of the sanitizer fails the test that closes the box. Speaks TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export SETT_BUILD=build/tsan
bad=0
for test in test_front test_main_job test_stripe_key; do
	python3 "tests/$test.py" || bad=1
done
exit $bad
