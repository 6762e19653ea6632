# Coracle. `make help` lists the targets.
SHELL   := /bin/sh
PREFIX  ?= /usr/local
DESTDIR ?=
VIEWS   ?= v1 hybrid v2 uml systemd systemd-v1 systemd-hybrid engine vm
BINARY  := target/coracle

export JAVA_HOME := $(shell scripts/jdk.sh)
MVN     := mvn -B -ntp -q

.DEFAULT_GOAL := help
.PHONY: help build demo test unit gates it bench install format clean jdk packages packages-test

help:
	@echo 'make demo      build, and run a real container (root)'
	@echo 'make test      build, and pass all tests (root)'
	@echo 'make build     the static binary $(BINARY)'
	@echo 'make install   copy it to $$DESTDIR$$PREFIX/bin (PREFIX=$(PREFIX))'
	@echo 'make bench     measure beside crun, runc and a C floor program (root)'
	@echo 'make unit      the tests that need no root'
	@echo 'make it        the tests on the real kernel (root); VIEWS="$(VIEWS)"'
	@echo 'make format    format the sources'
	@echo 'make clean     remove what was built'

jdk:
	@test -n '$(JAVA_HOME)' || { scripts/jdk.sh; exit 1; }

packages:
	@scripts/packages.sh build

packages-test:
	@scripts/packages.sh test

build: jdk packages
	@$(MVN) -pl core,runtime,native package -Dmaven.test.skip=true
	@native/build-binary.sh

demo: build
	@scripts/as-root.sh 'make demo' scripts/demo.sh $(BINARY)

# Cheap checks first.
test: jdk packages-test
	@$(MVN) spotless:check
	@$(MAKE) --no-print-directory unit build gates it
	@scripts/summary.sh

unit: jdk
	@$(MVN) -pl core,runtime,bench test

gates: build
	@scripts/as-root.sh 'make gates' native/gates.sh $(BINARY)

it: build packages-test
	@scripts/as-root.sh 'make it' it/run.sh $(CURDIR)/$(BINARY) $(VIEWS)

bench: build packages-test
	@scripts/as-root.sh 'make bench' bench/run.sh $(CURDIR)/$(BINARY)

install: build
	@install -D -m 0755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/coracle

format: jdk
	@$(MVN) spotless:apply

clean: jdk
	@$(MVN) clean
	@rm -rf target
