# Tests, checks, benches. `make test` is the ASan and UBSan build with real parts.

DEPS_TEST := python3 python3-jsonschema cmocka|libcmocka-dev nginx-light|nginx docker.io postgresql openssl iptables \
             procps psmisc curl git
DEPS_LONG := clang llvm podman runc
DEPS_CHECK := clang-tidy cppcheck shellcheck universal-ctags
DEPS_BENCH := wrk

TESTS := $(sort $(wildcard tests/test_*.py tests/test_*.sh))
LONG  := $(sort $(wildcard tests/long/long_*.py tests/long/long_*.sh))

.PHONY: test test-deps test-long check bench fuzz unit-run
test-deps: deps
	@$(call need,$(subst cmocka|,,$(DEPS_TEST)))

## test: everything that needs no hour, with real parts, under ASan and UBSan; ends "N passed, N failed"
test: test-deps
	@$(MAKE) --no-print-directory -s -j2 all
	@$(MAKE) --no-print-directory -s -j2 VARIANT=asan all unit
	@$(MAKE) --no-print-directory -s -j2 VARIANT=crash all
	@SETT_BUILD=build/asan python3 tests/run.py --jobs 1 --timeout 900 \
	  $(patsubst tests/unit/%.c,build/asan/unit/%,$(wildcard tests/unit/test_*.c)) tests/floors.sh $(TESTS)

## unit-run: only the unit tests, of the variant chosen (VARIANT=plain|asan|tsan)
unit-run: unit
	@python3 tests/run.py --jobs 2 $(UNIT)

## test-long: storms, power cuts, TSan, fuzzing: about an hour
test-long: test-deps
	@$(call need,$(DEPS_LONG))
	@$(MAKE) --no-print-directory -s -j2 all
	@$(MAKE) --no-print-directory -s -j2 VARIANT=tsan all unit
	@$(MAKE) --no-print-directory -s -j2 VARIANT=crash all
	@python3 tests/run.py --timeout 7200 $(patsubst tests/unit/%.c,build/tsan/unit/%,$(wildcard tests/unit/test_*.c)) $(LONG)

$(B)/bench/%: tests/bench/%.c $(ALL_ARCHIVES) Makefile
	@mkdir -p $(B)/bench
	$(CC) $(CFLAGS_V) $(addprefix -I,$(FLOORS)) -o $@ $< -Wl,--start-group $(ALL_ARCHIVES) -Wl,--end-group $(LDFLAGS_V) $(LIBS_ALL)
$(B)/bench/slow_sync.so: tests/bench/slow_sync.c Makefile
	@mkdir -p $(B)/bench
	$(CC) $(CFLAGS_V) -shared -o $@ $< -ldl

## bench: speed and memory as ratios to something beside it, in one run
bench: deps
	@$(call need,$(DEPS_BUILD) python3 $(DEPS_BENCH))
	@$(MAKE) --no-print-directory -s -j2 all $(B)/bench/constant $(B)/bench/fill $(B)/bench/slow_sync.so
	@python3 tests/bench/bench.py
