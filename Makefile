.DEFAULT_GOAL := help
.PHONY: help setup up down status check test test-fast chaos bench lock clean
MAKEFLAGS += --no-print-directory

SERVICES ?= embedded
WORKERS ?= 1
SINKS ?= 1
COLLECTORS ?= 1
PARALLEL ?= 2
RUN := .venv/bin/python

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## .venv with everything that requirements.lock names, if that has changed
	@sh deploy/setup.sh

up: setup ## start everything, until Ctrl-C (SERVICES=embedded|native|docker|own, WORKERS=1, SINKS=1, COLLECTORS=1, KAFKA_NODES=1, DETACH=1)
	@$(if $(KAFKA_NODES),PULSE_KAFKA_NODES="$(KAFKA_NODES)") $(RUN) -m deploy.local.up --services "$(SERVICES)" \
		--workers "$(WORKERS)" --sinks "$(SINKS)" --collectors "$(COLLECTORS)" $(if $(DETACH),--detach)

down: setup ## stop what `make up` started, once all that was accepted is stored
	@.venv/bin/pulse down

status: setup ## each process, lag, rows stored, disk
	@.venv/bin/pulse status

check: setup ## style, types and import rules
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m mypy
	@.venv/bin/lint-imports

test: setup ## everything that the tests need, and all tests (PARALLEL=2 at a time, but for those that want the machine alone)
	@$(RUN) -m deploy.local.fetch
	@failed=0; \
	$(RUN) -m pytest -q -p tests.complete --durations=25 -n $(PARALLEL) --dist worksteal tests/unit tests/component || failed=1; \
	$(RUN) -m pytest -q -p tests.complete --durations=25 -n $(PARALLEL) --dist loadfile tests/integration || failed=1; \
	$(RUN) -m pytest -q -p tests.complete --durations=25 tests/e2e tests/faults || failed=1; \
	exit $$failed

test-fast: setup ## unit and component tests
	@$(RUN) -m pytest -q -n $(PARALLEL) --dist worksteal tests/unit tests/component $(TESTS)

chaos: setup ## random faults under load, repeatable (SEED=7, FAULTS=50, CHAOS="--rebalances --seconds 180")
	@$(RUN) -m deploy.local.fetch
	@$(RUN) -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(FAULTS),--faults $(FAULTS)) $(CHAOS)

bench: setup ## measure this machine in ten minutes, into bench/evidence/ (BENCH="sustained --rate 50000")
	@$(RUN) -m bench $(or $(BENCH),short)

lock: setup ## requirements.lock anew from pyproject.toml
	@sh deploy/lock.sh

clean: ## remove .venv and caches; .pulse/, where the data lies, stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.pulse/*' -prune -exec rm -rf {} +
