# The commands of a working day.  `make help` lists them; scripts/ does the work.
.DEFAULT_GOAL := build
.PHONY: help build run install test test-all unit style e2e real-host fuzz bench bench-provision bench-scale bench-tcp bench-hosts bench-loop bench-instructions sim soak coverage format clean packages packages-test

FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 1800
PREFIX ?= /usr/local

help: ## this list
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|'

build: packages ## the programs, optimised, in build/release/bin
	@cmake --preset release >build/release-cmake.log || { cat build/release-cmake.log; false; }
	@cmake --build --preset release

run: build ## serve a 1 GiB RAM disk and a file-backed disk on 127.0.0.1
	@scripts/run-demo

install: build ## programs, manual and examples below PREFIX (/usr/local); DESTDIR for packagers
	@DESTDIR=$(DESTDIR) cmake --install build/release --prefix $(PREFIX)

test: packages-test ## everything, in release, asan+ubsan and tsan; under 45 minutes on two cores
	@scripts/run-tests

test-all: packages-test ## the long form: the backports kernel too, coverage, the static analyzer, ten minutes of each fuzzer, and three of the soak
	@scripts/run-tests --long
	@scripts/coverage
	@scripts/check-tidy --all
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=600
	@$(MAKE) --no-print-directory soak SOAK_SECONDS=180

unit: build ## unit tests of the release build only
	@ctest --test-dir build/release -L unit -j2 --output-on-failure

style: packages-test build ## layering, clang-format, clang-tidy
	@ctest --test-dir build/release -L style -j2 --output-on-failure

e2e: packages-test build ## whole programs, release build only
	@ctest --test-dir build/release -L e2e -j2 --output-on-failure

real-host: packages-test build ## a real Linux host in a virtual machine
	@ctest --test-dir build/release -L real_host --output-on-failure

fuzz: packages-test ## each fuzzer for FUZZ_SECONDS (60)
	@cmake --preset fuzz >build/fuzz-cmake.log || { cat build/fuzz-cmake.log; false; }
	@cmake --build --preset fuzz
	@scripts/fuzz $(FUZZ_SECONDS)

sim: build ## the target in a simulated world from 200 seeds a scenario; SCENARIO=NAME SEED=N: one again, with its trace
	@cmake --build --preset release --target weft-sim
	@scripts/sim

soak: packages-test build ## chaos under verified load for SOAK_SECONDS (1800), and one table of what was survived
	@cmake --build --preset release --target weft_soak_load weft_filtered_weftd weft_hang_fs
	@tests/real_host/harness/build-image 6.1 6.12 || echo "soak: goes on without a virtual machine"
	@tests/soak/soak.py --seconds $(SOAK_SECONDS)

coverage: packages-test ## which lines and which marked error branches the tests reach; fails when it is too few
	@scripts/coverage

bench: build ## the benchmarks
	@scripts/bench

bench-provision: build ## what creating and deleting tenants takes, with 8 clients at once
	@build/release/bench/provision

bench-scale: build ## what one more tenant costs among 10,000
	@build/release/bench/scale

bench-tcp: build ## what NVMe/TCP carries, beside what a bare loopback connection does
	@build/release/bench/tcp

bench-hosts: build ## what hosts cost by being there: connecting, idle, many at once
	@build/release/bench/hosts

bench-loop: build ## the same within one process, without a fabric, and beside fio (installs it)
	@scripts/install-packages bench
	@build/release/bench/wire_limit
	@build/release/bench/loop

bench-instructions: build ## how many instructions a 4 KiB command takes, by layer (installs valgrind)
	@scripts/install-packages bench
	@bench/instructions/count

format: packages-test ## format every C++ file
	@scripts/check-format --fix

clean: ## remove build/
	rm -rf build

packages:
	@scripts/install-packages build
	@mkdir -p build

packages-test:
	@scripts/install-packages
	@mkdir -p build
