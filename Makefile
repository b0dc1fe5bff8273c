# Needs Python 3.11 or newer and make; no compiler, no git history. `make help` lists the targets.

PYTHON ?= python3
ARGS ?=

VENV := .venv
PEERS := .venv-peers
# Other people's clients that can't share an environment, each in one of its own: .venv-peers-NAME.
CLIENTS := bpx ccxt openai sdk
NODE := tests/peers/node
PY := $(VENV)/bin/python
PIP_INSTALL := $(PY) -m pip --disable-pip-version-check install
PYTEST := $(PY) -m pytest --numprocesses auto --dist worksteal
CODE := $(wildcard src tests benchmarks)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test soak peers check static format bench coverage lock clean

# Another checkout on the path would be tested instead of this one.
unexport PYTHONPATH PYTHONHOME

help: ## Show this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1|/p' Makefile | awk -F'|' '{ printf "make %-10s %s\n", $$1, $$2 }'

demo: $(VENV)/run.stamp $(VENV)/package.stamp ## Install what runs, then replay a synthetic market and show the report: no key, no network
	$(VENV)/bin/aftershock demo $(ARGS)

test: static peers ## Run `check` and every other test
	$(PYTEST) $(ARGS)

soak: test ## Run `test`, then what takes an hour: a thousand disconnects, 5,000 connections, flat memory
	AFTERSHOCK_FUZZ_EXAMPLES=1000 $(PYTEST) tests/peers/test_backpack_document.py
	$(PY) -m benchmarks.soak

peers: $(PEERS)/peers.stamp $(CLIENTS:%=$(PEERS)-%/peers.stamp) $(if $(shell command -v npm),$(NODE)/node_modules/peers.stamp) ## Install the software of others that tests compare with

check: static ## Format, lint, types, import arrows, and the tests without sockets or processes
	$(PYTEST) -m "not (slow or sockets or subprocess)" $(ARGS)

static: $(VENV)/dev.stamp $(VENV)/package.stamp
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy $(CODE)
	$(VENV)/bin/lint-imports

format: $(VENV)/dev.stamp ## Rewrite the code the way `check` wants it
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

bench: $(VENV)/run.stamp $(VENV)/package.stamp ## Measure, as ratios against named baselines
	$(PY) -m benchmarks $(ARGS)

coverage: $(VENV)/dev.stamp $(VENV)/package.stamp ## Run every test and show which lines none of them reaches
	$(PY) -m coverage run -m pytest $(ARGS)
	$(PY) -m coverage report

# `make lock ARGS=--upgrade` moves the pins; without it only what the .in files ask for changes.
# One version of a package for every Python keeps numbers comparable between machines.
LOCK := $(VENV)/bin/uv pip compile --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-header --quiet $(ARGS)

lock: $(VENV)/dev.stamp ## Pin requirements/*.in again, with the hashes of all platforms
	$(LOCK) requirements/run.in --output-file requirements/run.txt
	$(LOCK) requirements/dev.in --output-file requirements/dev.txt
	$(LOCK) requirements/peers.in --output-file requirements/peers.txt
	$(foreach name,$(CLIENTS),$(LOCK) requirements/peers-$(name).in --output-file requirements/peers-$(name).txt &&) true
	cd $(NODE) && npm install --omit-lockfile-registry-resolved --package-lock-only --ignore-scripts

clean: ## Remove the environment and every cache
	rm -rf $(VENV) $(PEERS) $(PEERS)-* $(NODE)/node_modules build .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	rm -rf src/*.egg-info
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps remember what is installed: without a change in the pins nothing is asked of the network again.
$(VENV)/run.stamp: requirements/run.txt | $(VENV)/created.stamp
	$(PIP_INSTALL) --require-hashes --only-binary :all: -r requirements/run.txt
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	$(PIP_INSTALL) --require-hashes --only-binary :all: -r requirements/dev.txt
	@touch $@

$(PEERS)/peers.stamp: requirements/peers.txt | $(VENV)/created.stamp
	$(PYTHON) -m venv --clear $(PEERS)
	$(PEERS)/bin/python -m pip --disable-pip-version-check install --require-hashes --only-binary :all: -r requirements/peers.txt
	@touch $@

$(PEERS)-%/peers.stamp: requirements/peers-%.txt | $(VENV)/created.stamp
	$(PYTHON) -m venv --clear $(PEERS)-$*
	$(PEERS)-$*/bin/python -m pip --disable-pip-version-check install --require-hashes --only-binary :all: -r requirements/peers-$*.txt
	@touch $@

$(NODE)/node_modules/peers.stamp: $(NODE)/package-lock.json
	cd $(NODE) && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

$(VENV)/package.stamp: pyproject.toml $(VENV)/run.stamp
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

# $(call python-can,code): not empty when $(PYTHON) runs that code without an error.
python-can = $(shell $(PYTHON) -c '$(1)' >/dev/null 2>&1 && echo yes)

$(VENV)/created.stamp:
	$(if $(call python-can,import sys),,\
	  $(error '$(PYTHON)' does not run: install Python 3.11 or newer, or name yours with 'make PYTHON=/path/to/python3'))
	$(if $(call python-can,import sys; sys.exit(sys.version_info < (3, 11))),,\
	  $(error '$(PYTHON)' is older than Python 3.11: install a newer one, or name yours with 'make PYTHON=python3.12'))
	$(if $(call python-can,import ensurepip; import venv),,\
	  $(error '$(PYTHON)' has no venv module: install it (Debian and Ubuntu: apt-get install python3-venv) and run make again))
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@
