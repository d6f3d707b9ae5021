# Every command does its own set-up: on Debian and Ubuntu with apt-get (as root or through sudo), on macOS with
# Homebrew. It says what it installs, and looks for updates only when something is missing. Swift is expected.

PORT ?= 8080
STORE ?= sqlite
SECONDS ?= 60
FILTER ?=
SANITIZE ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test traits lint bench costs docs samples fuzz soak services browser-test key coverage clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## run the demo shop: PORT=8080 STORE=sqlite|memory|postgres|redis|mongo|file|cookie ARGS=--explain
	@PORT='$(PORT)' STORE='$(STORE)' ARGS='$(ARGS)' Scripts/demo.sh

test: ## run all tests, then build with no trait and with each alone: FILTER=Cookie runs those tests alone
ifeq ($(FILTER),)
	@Scripts/test.sh
	@Scripts/test-traits.sh
	@echo; cat .build/test-summary
else
	@Scripts/test.sh --filter '$(FILTER)'
endif

lint: ## check format, scripts and the rules of the house
	@Scripts/lint.sh

bench: ## measure, and print ratios beside their targets: ARGS=… goes to the benchmark
	@Scripts/bench.sh $(ARGS)

costs: ## count round trips, bytes and commands of each kind of request, on every store
	@Scripts/costs.sh

docs: ## build the documentation into .build/docs; a warning is an error
	@Scripts/docs.sh

samples: ## type-check the Swift samples of the documentation
	@Scripts/check-samples.sh

fuzz: ## run the fuzz tests for longer, and those that count with every count in full: SECONDS=60 SANITIZE=address|thread
	@SESSIONS_FUZZ_SECONDS='$(SECONDS)' SESSIONS_FULL_COUNTS=1 SESSIONS_CRASH_ROUNDS=1000 SANITIZE='$(SANITIZE)' \
		Scripts/test.sh \
		--filter 'Fuzz|InterleavingTests|HTTP2Tests|SealerTests|MetricsTests|CrashTests|ProcessTests/killed'

soak: ## random histories while everything fails: STORE=sqlite|file|postgres|redis|redis-sentinel|redis-cluster|mongo|mongo-replica-set SECONDS=60
	@SESSIONS_SOAK_STORE='$(STORE)' SESSIONS_SOAK_SECONDS='$(SECONDS)' Scripts/test.sh --filter 'SessionsHistoryTests'

services: ## start Redis, PostgreSQL and MongoDB, print where they are, and leave them running until Ctrl-C
	@Scripts/services.sh

browser-test: ## drive the demo shop in headless Chromium
	@Scripts/browser-test.sh

key: ## print a new secret for a key ring
	@head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; echo

coverage: ## list the checklist ids that no test names
	@Scripts/check-soundness.sh --coverage

clean: ## remove everything that was built
	rm -rf .build .build-* Examples/*/.build Benchmarks/.build
