# SPDX-License-Identifier: GPL-2.0-only
# make help lists what there is. The module itself is built by Kbuild.

VERSION := $(shell cat VERSION)
KDIR ?= /lib/modules/$(shell uname -r)/build
CACHE := $(or $(VFIOPOLICY_CACHE),/var/cache/vfiopolicy)
prefix ?= /usr/local
sbindir ?= $(prefix)/sbin
# Where the kernel's netlink client looks for what --family names, and nowhere else.
ynldir ?= /usr/share/ynl/specs
DKMS_DIR := /usr/src/vfiopolicy-$(VERSION)

BUILD := $(CURDIR)/build
VM := $(CURDIR)/selftests/vm

MODULE_SRC := Kbuild VERSION $(shell find kmod -type f)
# What DKMS needs to build the module, and nothing else.
DKMS_SRC := Kbuild VERSION dkms.conf COPYING $(shell find kmod -type f)

.PHONY: help
help:
	@echo 'make module            the module, for the running kernel (or KDIR=)'
	@echo 'make user              the command, in build/bin'
	@echo 'make install           the command, to $$(DESTDIR)$(sbindir), its pages, completions'
	@echo '                       and rule of udev, to places in $(prefix), and the netlink'
	@echo '                       specification, to $$(DESTDIR)$(ynldir);'
	@echo '                       a unit of systemd, a JSON Schema, and what boot images are made with'
	@echo 'make uninstall         undoes that; rules stay'
	@echo 'make dkms-install      the module, by DKMS, for this kernel and all later ones'
	@echo 'make dkms-remove       undoes that'
	@echo 'make dist              the sources, in build/dist, the same bytes each time'
	@echo 'make demo              a guest shows what it does (STAY=1: and leaves you in it)'
	@echo 'make check             all tests on kernels 6.1, 6.12 and 7.2 (K=6.12 T=claim: a part)'
	@echo 'make check-all         the same, with every test in guests on all three kernels'
	@echo 'make check-boot        boots of whole systems, packages and DKMS in them (VP_SYSTEM=trixie)'
	@echo 'make check-debug       those in guests, on a kernel with KASAN, lockdep, kmemleak (T=)'
	@echo 'make check-long        races and cycles, for hours (K=6.12; VP_CYCLES= and so on:'
	@echo '                       see selftests/check)'
	@echo 'make fuzz              the fuzzers, 30 s each (RUNS=10000000: so many runs each)'
	@echo 'make bench             how fast it is, as ratios'
	@echo 'make bench-boot        how much longer a boot takes (BOOTS=10)'
	@echo 'make style             checkpatch, sparse, shellcheck, cppcheck, clang-tidy'
	@echo 'make uapi              the uAPI header, from the netlink specification'
	@echo 'make clean'

.PHONY: module
module:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

.PHONY: user
user:
	@mkdir -p $(BUILD)/bin
	$(MAKE) -C user BUILD=$(BUILD)/user
	@cp -p $(BUILD)/user/vfiopolicy $(BUILD)/bin/

.PHONY: install
install: user
	$(MAKE) -C user BUILD=$(BUILD)/user DESTDIR=$(DESTDIR) prefix=$(prefix) \
		sbindir=$(sbindir) install
	install -D -m 0644 Documentation/netlink/specs/vfiopolicy.yaml \
		$(DESTDIR)$(ynldir)/vfiopolicy.yaml

.PHONY: uninstall
uninstall:
	$(MAKE) -C user BUILD=$(BUILD)/user DESTDIR=$(DESTDIR) prefix=$(prefix) \
		sbindir=$(sbindir) uninstall
	rm -f $(DESTDIR)$(ynldir)/vfiopolicy.yaml

# What git knows, as it stands in this tree. Order, owners, modes and times are
# fixed, so that the same sources make the same bytes.
DIST := vfiopolicy-$(VERSION)
.PHONY: dist
dist:
	@mkdir -p $(BUILD)/dist
	@epoch=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} && test -n "$$epoch" && \
	git ls-files -z | LC_ALL=C sort -z > $(BUILD)/dist/files && \
	test -s $(BUILD)/dist/files && \
	LC_ALL=C tar --create --file=$(BUILD)/dist/$(DIST).tar --format=ustar \
		--null --no-recursion --files-from=$(BUILD)/dist/files \
		--transform='s,^,$(DIST)/,' --mtime=@$$epoch --mode=u+w,go-w,a+rX \
		--owner=0 --group=0 --numeric-owner && \
	xz -9 -T1 -c $(BUILD)/dist/$(DIST).tar > $(BUILD)/dist/$(DIST).tar.xz.new
	@mv $(BUILD)/dist/$(DIST).tar.xz.new $(BUILD)/dist/$(DIST).tar.xz
	@rm -f $(BUILD)/dist/$(DIST).tar $(BUILD)/dist/files
	@echo $(BUILD)/dist/$(DIST).tar.xz

# Copied as a folder under a temporary name first, so that DKMS never sees half
# of it.
.PHONY: dkms-install
dkms-install:
	rm -rf $(DESTDIR)$(DKMS_DIR).new
	mkdir -p $(DESTDIR)$(DKMS_DIR).new
	cp --parents $(DKMS_SRC) $(DESTDIR)$(DKMS_DIR).new/
	sed -i 's/#MODULE_VERSION#/$(VERSION)/' $(DESTDIR)$(DKMS_DIR).new/dkms.conf
	rm -rf $(DESTDIR)$(DKMS_DIR)
	mv $(DESTDIR)$(DKMS_DIR).new $(DESTDIR)$(DKMS_DIR)
ifeq ($(DESTDIR),)
	dkms install --force vfiopolicy/$(VERSION)
endif

.PHONY: dkms-remove
dkms-remove:
	dkms remove vfiopolicy/$(VERSION) --all
	rm -rf $(DKMS_DIR)

# For each kernel K: build/K/vfiopolicy.ko, and those for tests, each built in a
# copy of its own, since Kbuild writes beside the sources.
TEST_MODULES := testbus greedy test_vfio_pci picture awake
KERNELS := 6.1 6.12 7.2 debug
define kernel_rules
$(BUILD)/$(1)/vfiopolicy.ko: $(MODULE_SRC)
	@rm -rf $(BUILD)/$(1)/vfiopolicy && mkdir -p $(BUILD)/$(1)/vfiopolicy
	@cp -p --parents $(MODULE_SRC) $(BUILD)/$(1)/vfiopolicy/
	$(VM)/kernels build $(1) $(BUILD)/$(1)/vfiopolicy W=1 KCFLAGS=-Werror -s modules
	@cp $(BUILD)/$(1)/vfiopolicy/vfiopolicy.ko $$@

$(BUILD)/$(1)/%.ko: selftests/%/Kbuild $(wildcard $(TEST_MODULES:%=selftests/%/*))
	@rm -rf $(BUILD)/$(1)/$$* && mkdir -p $(BUILD)/$(1)/$$*
	@cp -p selftests/$$*/* $(BUILD)/$(1)/$$*/
	$(VM)/kernels build $(1) $(BUILD)/$(1)/$$* W=1 KCFLAGS=-Werror -s modules
	@cp $(BUILD)/$(1)/$$*/$$*.ko $$@

.PHONY: modules-$(1)
modules-$(1): $(BUILD)/$(1)/vfiopolicy.ko $(TEST_MODULES:%=$(BUILD)/$(1)/%.ko)
endef
$(foreach k,$(KERNELS),$(eval $(call kernel_rules,$(k))))

.PHONY: selftests
selftests:
	$(MAKE) -C selftests BUILD=$(BUILD) KSELFTEST=$(CACHE)/linux-tools/tools/testing/selftests

.PHONY: demo
demo:
	selftests/demo/run $(if $(STAY),--stay)

.PHONY: check
check:
	selftests/check $(if $(K),-k "$(K)") $(if $(T),-t "$(T)")

.PHONY: check-all
check-all:
	selftests/check -a

.PHONY: check-boot
check-boot:
	selftests/check -t "boot image system"

# Builds that kernel when it is not there: a quarter of an hour.
.PHONY: check-debug
check-debug:
	selftests/check -k debug $(if $(T),-t "$(T)")

.PHONY: check-long
check-long:
	selftests/check -l $(if $(K),-k "$(K)") $(if $(T),-t "$(T)")

.PHONY: fuzz
fuzz:
	selftests/fuzz/run $(if $(RUNS),--runs=$(RUNS),30)

.PHONY: bench
bench:
	selftests/bench/run

.PHONY: bench-boot
bench-boot: user modules-6.1
	VP_KERNEL=6.1 VP_MODULES=$(BUILD)/6.1 selftests/bench/boot $(BOOTS)

.PHONY: style
style:
	selftests/style

.PHONY: uapi
uapi:
	selftests/uapi --write

.PHONY: clean
clean:
	rm -rf $(BUILD)
