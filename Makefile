# sett: `make run` shows it working, `make test` proves it; `make help` lists the rest.
#
# Each folder becomes one archive and is compiled with -I for itself and the folders below it, in
# the order of FLOORS. An include that points up therefore does not compile.

FLOORS   := store/base store core/outside core/drivers core/hands core/domain core/engine \
            core/sagas core/watch core/ops fcgi backup appliance
VARIANT  ?= plain
VERSION  := $(shell cat appliance/VERSION 2>/dev/null || echo 0)
CC       ?= gcc
B        := $(if $(filter plain,$(VARIANT)),build,build/$(VARIANT))
O        := $(B)/obj

WARN     := -Wall -Wextra -Wconversion -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes \
            -Wold-style-definition -Wvla -Wundef -Werror=implicit-function-declaration
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
            -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr
CBASE    := -std=c11 -D_GNU_SOURCE -g -isystem /usr/include/postgresql -fno-strict-aliasing -fwrapv -fPIE -pthread -include store/base/banned.h \
            -DSETT_VERSION='"$(VERSION)"' $(WARN)
OPT_plain := -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 $(HARDEN)
OPT_asan := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DSETT_TEST
OPT_tsan := -O1 -fsanitize=thread -fno-omit-frame-pointer -DSETT_TEST
OPT_crash := -O1 -DSETT_CRASH_POINTS -DSETT_TEST
OPT_fuzz := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -DSETT_TEST
# gcc 12 loses sight of memory kept in an element of an array; clang-tidy and ASan watch for leaks.
OPT_analyzer := -O2 -fanalyzer -Wno-analyzer-malloc-leak -Wno-analyzer-fd-leak
OPT_cov  := -O0 --coverage -DSETT_TEST
CFLAGS_V := $(CBASE) $(OPT_$(VARIANT)) $(CFLAGS)
LDFLAGS_V := -pthread -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code,--as-needed \
            $(filter -fsanitize% --coverage,$(OPT_$(VARIANT))) $(LDFLAGS)

# Folders below and including $(1), highest first, as archives in link order.
upto      = $(if $(filter $(1),$(firstword $(2))),$(firstword $(2)),$(firstword $(2)) $(call upto,$(1),$(wordlist 2,99,$(2))))
includes  = $(addprefix -I,$(call upto,$(1),$(FLOORS)))
archive   = $(B)/lib$(subst /,-,$(1)).a
reverse   = $(if $(1),$(call reverse,$(wordlist 2,99,$(1))) $(firstword $(1)))
archives  = $(foreach f,$(call reverse,$(1)),$(call archive,$(f)))

PROGRAMS := sett sett-front sett-worker sett-hands sett-send sett-restore sett-forward sett-upgrade
BELOW_FRONT  := store/base store core/outside core/drivers core/hands core/domain core/engine core/ops fcgi
BELOW_WORKER := store/base store core/outside core/drivers core/hands core/domain core/engine core/sagas core/watch core/ops backup
BELOW_HANDS  := store/base store core/outside core/drivers core/hands
BELOW_FORWARD := store/base store core/outside
BELOW_UPGRADE := store/base store core/outside core/drivers core/hands backup
BELOW_RESTORE := store/base store core/outside core/drivers core/hands core/domain core/engine core/sagas core/ops backup
BELOW_SETT   := store/base store core/outside core/drivers core/hands core/domain core/engine core/ops
LIBS_FRONT   := -lfcgi -llmdb -lcjson -lsodium -linih -lidn2 -lpsl -lunistring -lyaml -loath -lqrencode -lfido2
LIBS_WORKER  := -llmdb -lcurl -lcjson -lsodium -linih -lpq -lresolv -lidn2 -lpsl -lunistring -lyaml -larchive -lzstd -lexpat -lcrypto -loath -lqrencode
LIBS_HANDS   := -lcurl -lcjson -lsodium -linih -lunistring
LIBS_UPGRADE := -lcjson -lsodium -linih -lunistring
LIBS_SETT    := -llmdb -lcurl -lcjson -lsodium -linih -lidn2 -lpsl -lunistring -lyaml -loath -lqrencode -lcrypto
LIBS_RESTORE := $(LIBS_WORKER)
LIBS_ALL     := -lfcgi -llmdb -lcurl -lcjson -lsodium -linih -lpq -lresolv -lidn2 -lpsl -lunistring -lyaml -larchive -lzstd -lexpat -lcrypto -loath -lqrencode -lfido2

.PHONY: all help
all: $(addprefix $(B)/,$(PROGRAMS))

## help: list the targets
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST) | sort

define floor_rules
SRC_$(subst /,-,$(1)) := $$(wildcard $(1)/*.c)
OBJ_$(subst /,-,$(1)) := $$(patsubst %.c,$(O)/%.o,$$(filter-out appliance/main_%.c,$$(wildcard $(1)/*.c)))
$(O)/$(1)/%.o: $(1)/%.c Makefile | $(O)/$(1)
	$$(CC) $$(CFLAGS_V) $$(call includes,$(1)) -MMD -MP -c -o $$@ $$<
$(O)/$(1):
	@mkdir -p $$@
$(B)/lib$(subst /,-,$(1)).a: $$(OBJ_$(subst /,-,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
-include $$(wildcard $(O)/$(1)/*.d)
endef
$(foreach f,$(FLOORS),$(eval $(call floor_rules,$(f))))

# make obj FILE=core/outside/http.c: compile one file.
.PHONY: obj
obj: $(O)/$(FILE:.c=.o)

define program_rule
$(B)/$(1): $(O)/appliance/main_$(2).o $(B)/libappliance.a $(call archives,$(3))
	$$(CC) $$(CFLAGS_V) -o $$@ $$< -Wl,--start-group $(B)/libappliance.a $(call archives,$(3)) -Wl,--end-group $$(LDFLAGS_V) $(4)
endef
$(eval $(call program_rule,sett-front,front,$(BELOW_FRONT),$(LIBS_FRONT)))
$(eval $(call program_rule,sett-worker,worker,$(BELOW_WORKER),$(LIBS_WORKER)))
$(eval $(call program_rule,sett-hands,hands,$(BELOW_HANDS),$(LIBS_HANDS)))
$(eval $(call program_rule,sett-forward,forward,$(BELOW_FORWARD),))
$(eval $(call program_rule,sett-upgrade,upgrade,$(BELOW_UPGRADE),$(LIBS_UPGRADE)))
$(eval $(call program_rule,sett-send,send,$(BELOW_SETT),$(LIBS_SETT)))
$(eval $(call program_rule,sett-restore,restore,$(BELOW_RESTORE),$(LIBS_RESTORE)))
$(eval $(call program_rule,sett,sett,$(BELOW_SETT),$(LIBS_SETT)))

# Unit tests: one program a file, linked with every floor.
UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
ALL_ARCHIVES := $(call archives,$(filter-out appliance,$(FLOORS)))
$(B)/unit/%: tests/unit/%.c $(ALL_ARCHIVES) Makefile
	@mkdir -p $(B)/unit
	$(CC) $(CFLAGS_V) -Wno-missing-prototypes $(addprefix -I,$(FLOORS)) -Itests/unit -MMD -MP -o $@ $< \
	  -Wl,--start-group $(ALL_ARCHIVES) -Wl,--end-group $(LDFLAGS_V) -lcmocka $(LIBS_ALL)
-include $(wildcard $(B)/unit/*.d)
.PHONY: unit
unit: $(UNIT)

include tests/tests.mk
include appliance/appliance.mk
