# Two commands: `make run` and `make test`.  The rest is listed by `make help`.
# BUILD chooses the build folder, RUN the run folder of `make run`.
BUILD ?= build
RUN ?= runs/first
JOBS ?= $(shell nproc)
CMAKE = cmake -G Ninja

.DEFAULT_GOAL := help
MINUTES ?= 10
.PHONY: help run test test-isa build packages sanitize fuzz soak bench format install clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

packages: ## install the packages that are missing (Debian; sudo only when not root)
	@scripts/install-packages

build: packages ## build the program at build/reverie
	@$(CMAKE) -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release $(SETTINGS) > $(BUILD).log 2>&1 || \
	    { cat $(BUILD).log; rm -f $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@cmake --build $(BUILD) --parallel $(JOBS)

run: build ## train a small VAE on built-in digits and draw what it learned
	@scripts/first-run $(BUILD)/reverie $(RUN)

test: build ## build and run every test
	@scripts/check-format
	@cd $(BUILD) && ctest --output-on-failure --parallel $$(($(JOBS) + 1)) # some wait for disks

test-isa: ## the tests as on a machine that has no more than AVX2, or ISA=baseline
	@$(MAKE) --no-print-directory test BUILD=$(BUILD)-$(or $(ISA),avx2) \
	    SETTINGS=-DREVERIE_ISA=$(or $(ISA),avx2)

sanitize: packages ## the tests under the address and undefined-behaviour sanitizers
	@$(CMAKE) -S . -B $(BUILD)-sanitize -DCMAKE_BUILD_TYPE=Debug -DREVERIE_SANITIZE=ON
	@cmake --build $(BUILD)-sanitize --parallel $(JOBS)
	@cd $(BUILD)-sanitize && LSAN_OPTIONS=suppressions=$(CURDIR)/tests/support/lsan.supp:print_suppressions=0 \
	    ctest --output-on-failure

# clang is needed for this alone.  READERS chooses (names of tests/fuzz/*.c).
fuzz: packages ## look for inputs that break a reader, MINUTES=10 (docs/reliability.md)
	@scripts/install-packages scripts/packages-fuzz.txt
	@$(CMAKE) -S . -B $(BUILD)-fuzz -DCMAKE_C_COMPILER=clang-14 -DCMAKE_BUILD_TYPE=Release \
	    -DREVERIE_FUZZ=ON > $(BUILD)-fuzz.log 2>&1 || { cat $(BUILD)-fuzz.log; exit 1; }
	@rm -f $(BUILD)-fuzz.log
	@cmake --build $(BUILD)-fuzz --target fuzz --parallel $(JOBS)
	@JOBS=$(JOBS) scripts/fuzz $(BUILD)-fuzz $(MINUTES) $(READERS)

# CAMPAIGNS chooses (names of tests/soak/*.bash), SEED=N repeats.
soak: build ## kill, starve and damage trainings, MINUTES=10 (docs/reliability.md)
	@scripts/soak $(BUILD) $(MINUTES) $(CAMPAIGNS)

# CONTENDERS, WORKLOADS (names with commas), ROUNDS and ISA choose; BENCH_PYTHON, BENCH_VENV and
# BENCH_PIP_ARGS say where the peers come from: bench/README.md.
bench: build ## measure Reverie beside PyTorch and JAX, and print one table (long)
	@bench/run --build $(BUILD) $(if $(WORKLOADS),--workloads "$(WORKLOADS)") \
	    $(if $(CONTENDERS),--contenders "$(CONTENDERS)") $(if $(ROUNDS),--rounds $(ROUNDS)) \
	    $(if $(ISA),--isa $(ISA))

format: ## format the sources
	@scripts/check-format --fix

install: build ## install program, library, headers, man pages (PREFIX, default /usr/local)
	@cmake --install $(BUILD) --prefix $(or $(PREFIX),/usr/local)

clean: ## remove the build folders
	rm -rf $(BUILD) $(BUILD)-sanitize $(BUILD)-fuzz
