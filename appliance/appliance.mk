# What a bare Debian needs, and the box of a checkout.

DEPS_BUILD := gcc make pkg-config libfcgi-dev liblmdb-dev libcurl4-openssl-dev libcjson-dev \
              libsodium-dev libinih-dev libpq-dev libarchive-dev libzstd-dev libqrencode-dev liboath-dev libfido2-dev libc6-dev libyaml-dev libidn2-dev libunistring-dev libpsl-dev libexpat1-dev libssl-dev
DEPS_RUN   := nginx-light|nginx busybox-static|busybox util-linux
RUN  ?= run
PORT ?= 4443
DEMO ?= 1

# $(call need,PACKAGES): install those that are missing; "a|b" is content with either.
need = missing=""; for p in $(subst |,/,$(1)); do ok=; for q in $$(echo $$p | tr / ' '); do \
	  dpkg-query -W -f='$${Status}' $$q 2>/dev/null | grep -q ' installed' && ok=1; done; \
	  [ -n "$$ok" ] || missing="$$missing $${p%%/*}"; done; \
	if [ -n "$$missing" ]; then echo "installing:$$missing"; \
	  if [ "$$(id -u)" = 0 ]; then as=; else as=sudo; fi; \
	  $$as apt-get update -qq && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi

.PHONY: deps run
deps:
	@$(call need,$(DEPS_BUILD) $(DEPS_RUN))

## run: install what is missing, build, start a box below ./run and sell a site on it (RUN= PORT= DEMO=0)
run: deps
	@$(MAKE) --no-print-directory -s -j2 all
	@exec build/sett --root "$(RUN)" run --port "$(PORT)" $(if $(filter 0,$(DEMO)),,--demo)

DEPS_DEB    := debhelper dpkg-dev lintian
DEB_VERSION ?= $(VERSION)
DEB_OUT     ?= build/deb/here
SUITE       ?= both

# The quick one, for tests: the programs as they were built here, without a clean root, in
# build/deb/here (DEB_OUT=; DEB_VERSION= says it is of another version).
.PHONY: deb-here deb deb-bookworm deb-trixie
deb-here: deps
	@$(call need,$(DEPS_DEB))
	@$(MAKE) --no-print-directory -s -j2 all
	@flock build appliance/packaging/here.sh build "$(DEB_OUT)" "$(DEB_VERSION)"

## deb: the packages for Debian 12 and 13, each built in a clean root of it, into build/deb/SUITE (SUITE=bookworm|trixie|both)
deb:
	@$(call need,$(DEPS_DEB) mmdebstrap)
	@$(MAKE) --no-print-directory -s $(addprefix deb-,$(if $(filter both,$(SUITE)),bookworm trixie,$(SUITE)))
deb-bookworm deb-trixie: deb-%:
	@appliance/packaging/clean.sh $* build/deb/$* "$(DEB_VERSION)"
	@lintian --allow-root --fail-on error,warning build/deb/$*/*.changes
	@ls -l build/deb/$*/sett_*.deb

DEPS_IMAGE  := mmdebstrap zstd
IMAGE_SUITE := $(if $(filter both,$(SUITE)),trixie,$(SUITE))
export CLOUDFLARED_DEB

# The quick one, for tests: this machine's release, the package of deb-here, hardly compressed.
.PHONY: image-here image
image-here: deb-here
	@$(call need,$(DEPS_IMAGE))
	@SETT_ZSTD=-1 appliance/image/image.sh $$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release) $(DEB_OUT)/sett_*_amd64.deb build/image/here

## image: the template for Proxmox VE, its sums and install.sh, into build/image (SUITE=trixie|bookworm CLOUDFLARED_DEB=FILE SETT_URL=https://… SETT_SIGN_KEY=KEY)
image:
	@$(MAKE) --no-print-directory -s deb SUITE=$(IMAGE_SUITE)
	@$(call need,$(DEPS_IMAGE))
	@appliance/image/image.sh $(IMAGE_SUITE) build/deb/$(IMAGE_SUITE)/sett_*_amd64.deb build/image
	@sed -e 's|^VERSION=.*|VERSION=$(DEB_VERSION)|' -e 's|^URL=.*|URL=$${SETT_URL:-$(SETT_URL)}|' appliance/proxmox/install.sh >build/image/install.sh
	@ls -l build/image/*.tar.zst && cat build/image/SHA256SUMS
