# Tests, checks, benches. `make test` is the ASan and UBSan build with real parts.

DEPS_TEST := python3 apache2 lighttpd lighttpd-mod-openssl lighttpd-mod-deflate caddy chromium fonts-dejavu-core python3-jsonschema python3-websockets libcmocka-dev nginx-light|nginx docker.io postgresql openssl iptables \
             procps psmisc curl git iproute2 lxc uidmap nftables mmdebstrap gpg gpgv bsdutils python3-nacl zbar-tools zstd openssh-server openssh-client debhelper dpkg-dev lintian mandoc zsh fish systemd \
             pebble certbot python3-certbot-dns-cloudflare
DEPS_NPM  := nodejs npm
DEPS_LONG := lmdb-utils clang llvm podman runc netavark xz-utils dnsmasq-base testssl.sh slowhttptest
DEPS_CHECK := clang-tidy cppcheck shellcheck universal-ctags binutils python3 git
DEPS_BENCH := php-fpm wrk chromium nodejs npm restic borgbackup age zstd

TESTS := $(sort $(wildcard tests/test_*.py tests/test_*.sh))
LONG  := $(sort $(wildcard tests/long/long_*.py tests/long/long_*.sh))

.PHONY: test test-deps test-long check bench fuzz unit-run
test-deps: deps
	@$(call need,$(DEPS_TEST))
	@command -v npm >/dev/null || { $(call need,$(DEPS_NPM)); }
	@$(MAKE) --no-print-directory -s tests/npm/node_modules/.package-lock.json

# What tests take from npm, as tests/npm/package-lock.json has it.
tests/npm/node_modules/.package-lock.json: tests/npm/package-lock.json
	@cd tests/npm && npm ci --silent --no-audit --no-fund --no-update-notifier && touch node_modules/.package-lock.json

# Programs that run at once: one more than a small machine's cores, for they wait half of the time. As root each has a
# network namespace of its own: it meets nobody's ports and addresses, the machine's own included. Without root they run one after the other.
TEST_JOBS ?= $(if $(filter 1,$(shell nproc)),1,3)
# TEST_AGAIN=1: what fails runs once more by itself, and is named.
TEST_AGAIN ?=

## test: everything that needs no hour, with real parts, under ASan and UBSan; ends "N passed, N failed" (TEST_JOBS=1: one at a time)
test: test-deps
	@$(MAKE) --no-print-directory -s -j2 all ssrf build/bench/fill
	@$(MAKE) --no-print-directory -s image-here
	@$(MAKE) --no-print-directory -s -j2 VARIANT=asan all shot unit
	@$(MAKE) --no-print-directory -s -j2 VARIANT=crash all shot next build/crash/unit/test_engine_crash
	@SETT_BUILD=build/asan python3 tests/run.py --jobs $(TEST_JOBS) --apart $(if $(TEST_AGAIN),--again) --timeout 900 \
	  $(patsubst tests/unit/%.c,build/asan/unit/%,$(filter-out %/test_engine_crash.c,$(wildcard tests/unit/test_*.c))) \
	  build/crash/unit/test_engine_crash tests/floors.sh $(TESTS)

.PHONY: ssrf
ssrf: $(B)/ssrf/hook.so $(B)/ssrf/ask
$(B)/ssrf/hook.so: tests/ssrf/hook.c
	@mkdir -p $(B)/ssrf
	$(CC) -std=gnu11 -O1 -fPIC -shared -o $@ $< -ldl
$(B)/ssrf/ask: tests/ssrf/ask.c $(ALL_ARCHIVES)
	@mkdir -p $(B)/ssrf
	$(CC) $(CFLAGS_V) $(addprefix -I,$(FLOORS)) -o $@ $< -Wl,--start-group $(ALL_ARCHIVES) -Wl,--end-group $(LDFLAGS_V) $(LIBS_ALL)

.PHONY: evil
evil: $(B)/evil/evil $(B)/evil/watch
$(B)/evil/evil: tests/evil/evil.c $(ALL_ARCHIVES)
	@mkdir -p $(B)/evil
	$(CC) $(CFLAGS_V) $(addprefix -I,$(FLOORS)) -o $@ $< -Wl,--start-group $(ALL_ARCHIVES) -Wl,--end-group $(LDFLAGS_V) $(LIBS_ALL)
$(B)/evil/watch: tests/evil/watch.c
	@mkdir -p $(B)/evil
	$(CC) -std=gnu11 -O1 -Wall -Wextra -o $@ $<

.PHONY: shot
shot: $(B)/restore/shot
$(B)/restore/shot: tests/restore/shot.c $(ALL_ARCHIVES)
	@mkdir -p $(B)/restore
	$(CC) $(CFLAGS_V) $(addprefix -I,$(FLOORS)) -o $@ $< -Wl,--start-group $(ALL_ARCHIVES) -Wl,--end-group $(LDFLAGS_V) $(LIBS_ALL)

# Programs of the version after this one: theirs are the tables of tests/upgrade/next.c.
.PHONY: next
SCHEMA := $(shell sed -n 's/^    \.version = \([0-9]*\),$$/\1/p' core/domain/schema.c)
next: $(addprefix $(B)/next/,$(PROGRAMS))
$(B)/next/next.o: tests/upgrade/next.c core/domain/schema.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_V) $(call includes,core/domain) -DSETT_NEXT_VERSION=$(shell expr $(SCHEMA) + 1) -c -o $@ $<
$(addprefix $(B)/next/,$(filter-out sett sett-front sett-worker,$(PROGRAMS))): $(B)/next/%: $(B)/%
	@mkdir -p $(@D)
	@ln -sf ../$* $@
define next_rule
$(B)/next/$(1): $(B)/$(1) $(B)/next/next.o
	$$(CC) $$(CFLAGS_V) -o $$@ $(O)/appliance/main_$(2).o $(B)/next/next.o -Wl,--start-group $(B)/libappliance.a $(call archives,$(3)) -Wl,--end-group $$(LDFLAGS_V) $(4)
endef
$(eval $(call next_rule,sett,sett,$(BELOW_SETT),$(LIBS_SETT)))
$(eval $(call next_rule,sett-front,front,$(BELOW_FRONT),$(LIBS_FRONT)))
$(eval $(call next_rule,sett-worker,worker,$(BELOW_WORKER),$(LIBS_WORKER)))

## pictures: the README's pictures of the web admin, and one of every page in build/pictures
.PHONY: pictures
pictures: test-deps
	@$(MAKE) --no-print-directory -s -j2 all
	@SETT_BUILD=build python3 tests/pictures.py appliance/pictures
	@SETT_BUILD=build python3 tests/test_web_pages.py

## unit-run: only the unit tests, of the variant chosen (VARIANT=plain|asan|tsan)
unit-run: unit
	@python3 tests/run.py --jobs 2 $(UNIT)

## test-long: storms, power cuts, a real systemd, TSan, fuzzing: about an hour
test-long: test-deps
	@$(call need,$(DEPS_LONG))
	@$(MAKE) --no-print-directory -s -j2 all
	@$(MAKE) --no-print-directory -s -j2 VARIANT=tsan all unit
	@$(MAKE) --no-print-directory -s -j2 VARIANT=crash all
	@SETT_PAIRS=10000 python3 tests/run.py --timeout 7200 $(patsubst tests/unit/%.c,build/tsan/unit/%,$(filter-out %/test_engine_crash.c %/test_crash.c,$(wildcard tests/unit/test_*.c))) $(LONG)

$(B)/bench/%: tests/bench/%.c $(ALL_ARCHIVES) Makefile
	@mkdir -p $(B)/bench
	$(CC) $(CFLAGS_V) $(addprefix -I,$(FLOORS)) -o $@ $< -Wl,--start-group $(ALL_ARCHIVES) -Wl,--end-group $(LDFLAGS_V) $(LIBS_ALL)
$(B)/bench/slow_sync.so: tests/bench/slow_sync.c Makefile
	@mkdir -p $(B)/bench
	$(CC) $(CFLAGS_V) -shared -o $@ $< -ldl

## bench: speed and memory as ratios to something beside it, in one run
bench: deps
	@$(call need,$(DEPS_BUILD) python3 $(DEPS_BENCH))
	@$(MAKE) --no-print-directory -s tests/npm/node_modules/.package-lock.json
	@$(MAKE) --no-print-directory -s -j2 all $(B)/bench/constant $(B)/bench/checks $(B)/bench/fill $(B)/bench/find $(B)/bench/snapshot $(B)/bench/slow_sync.so
	@python3 tests/bench/bench.py

# Not asked for: what cannot be said of C (dcl37, dcl51: names with underscores of the system's own), what
# the compiler's -Wconversion and the functions that banned.h forbids settle, and matters of taste.
TIDY := bugprone-*,cert-*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,$\
  -bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,-cert-dcl37-c,-cert-dcl51-cpp,-cert-err33-c,$\
  -bugprone-implicit-widening-of-multiplication-result,-bugprone-narrowing-conversions,-bugprone-branch-clone,$\
  -bugprone-assignment-in-if-condition,-bugprone-suspicious-include
CHECKED := $(foreach f,$(FLOORS),$(wildcard $(f)/*.c))
CHECK_FLAGS := -std=c11 -D_GNU_SOURCE -DSETT_VERSION=\"0\" -isystem /usr/include/postgresql $(addprefix -I,$(FLOORS))

## check: gcc -fanalyzer, clang-tidy, cppcheck, shellcheck, floors and style; all clean
check: deps
	@$(call need,$(DEPS_CHECK))
	@$(MAKE) --no-print-directory -s -j2 all
	@tests/floors.sh build
	@python3 tests/style.py
	@shellcheck -x .ci/run $$(git ls-files '*.sh')
	@$(MAKE) --no-print-directory -s -k -j2 VARIANT=analyzer CFLAGS=-Werror objects
	@cppcheck -q --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -j2 \
	  --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
	  $(addprefix -I,$(FLOORS)) -D_GNU_SOURCE -DSETT_VERSION=\"0\" $(CHECKED)
	@# One file at a time: clang-tidy 14 forgets what va_start does from the second on.
	@printf '%s\n' $(CHECKED) | xargs -P2 -I@ clang-tidy --quiet --checks='-*,$(TIDY)' --warnings-as-errors='*' @ \
	  -- $(CHECK_FLAGS) 2>build/tidy.err
	@echo "all clean"
.PHONY: objects
objects: $(patsubst %.c,$(O)/%.o,$(CHECKED))

FUZZ := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

## fuzz: build the libFuzzer targets into build/fuzz
fuzz: deps
	@$(call need,clang)
	@$(MAKE) --no-print-directory -s -j2 VARIANT=fuzz CC=clang fuzz-all
.PHONY: fuzz-all
fuzz-all: $(FUZZ)
build/fuzz/%: tests/fuzz/%.c $(if $(filter fuzz,$(VARIANT)),$(ALL_ARCHIVES)) Makefile
	$(CC) $(CFLAGS_V) -fsanitize=fuzzer,address,undefined $(addprefix -I,$(FLOORS)) -Itests/fuzz -o $@ $< \
	  -Wl,--start-group $(call archives,$(filter-out appliance,$(FLOORS))) -Wl,--end-group $(LDFLAGS_V) $(LIBS_ALL)

.PHONY: power
power: build/power/journal.so build/power/cut_write build/power/cut_check
build/power/journal.so: tests/long/power/journal.c
	@mkdir -p build/power
	$(CC) -std=gnu11 -D_GNU_SOURCE -O1 -fPIC -shared -o $@ $< -ldl -pthread
build/power/cut_%: tests/long/power/cut_%.c tests/long/power/power.h $(ALL_ARCHIVES)
	@mkdir -p build/power
	$(CC) $(CFLAGS_V) $(addprefix -I,$(FLOORS)) -o $@ $< -Wl,--start-group $(ALL_ARCHIVES) -Wl,--end-group $(LDFLAGS_V) $(LIBS_ALL)

build/long/lost: tests/long/swarm/lost.c $(ALL_ARCHIVES)
	@mkdir -p build/long
	$(CC) $(CFLAGS_V) $(addprefix -I,$(FLOORS)) -Itests/unit -o $@ $< -Wl,--start-group $(ALL_ARCHIVES) -Wl,--end-group $(LDFLAGS_V) -lcmocka $(LIBS_ALL)
build/long/debian: tests/long/lxc/debian.c $(ALL_ARCHIVES) build/sett-forward
	@mkdir -p build/long
	$(CC) $(CFLAGS_V) $(addprefix -I,$(FLOORS)) -Itests/unit -o $@ $< -Wl,--start-group $(ALL_ARCHIVES) -Wl,--end-group $(LDFLAGS_V) -lcmocka $(LIBS_ALL)

build/long/hold: tests/long/starts/hold.c $(ALL_ARCHIVES)
	@mkdir -p build/long
	$(CC) $(CFLAGS_V) $(addprefix -I,$(FLOORS)) -o $@ $< -Wl,--start-group $(ALL_ARCHIVES) -Wl,--end-group $(LDFLAGS_V) $(LIBS_ALL)
build/long/hang.so: tests/long/starts/hang.c
	@mkdir -p build/long
	$(CC) -std=gnu11 -D_GNU_SOURCE -O1 -fPIC -shared -o $@ $< -ldl

.PHONY: systemd
systemd: build/systemd/drive build/systemd/cloudflared
build/systemd/drive: tests/long/systemd/drive.c $(ALL_ARCHIVES)
	@mkdir -p build/systemd
	$(CC) $(CFLAGS_V) $(addprefix -I,$(FLOORS)) -o $@ $< -Wl,--start-group $(ALL_ARCHIVES) -Wl,--end-group $(LDFLAGS_V) $(LIBS_ALL)
build/systemd/cloudflared: tests/long/systemd/cloudflared.c
	@mkdir -p build/systemd
	$(CC) $(CFLAGS_V) -o $@ $< $(LDFLAGS_V)
