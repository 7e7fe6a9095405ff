# make demo           apply manifests/ to a sandbox cluster, kill a node, watch it being fenced and replaced
# make test           install what is needed, then every check and test
# make check          format, lint, types, import contracts: the quick ones
# make conformance    agreement with Pacemaker's recorded decisions, by class and aspect
# make bench          scheduling timed beside crm_simulate; FULL=1 waits for it, however long, and updates the README
# make fuzz N=2000    agreement with crm_simulate on N fresh random clusters of every level
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: setup packages check test unit demo bench conformance fuzz format schema clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@$(BIN)/python -m compileall -q reconciler
	@touch $@

packages:
	@.ci/debian-packages

check: setup
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-logo > $(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }

unit: setup
	$(BIN)/pytest -n 4 -m 'not real and not root'

test: packages check
	$(BIN)/pytest -n 4 --dist worksteal

conformance: setup
	@$(BIN)/python tests/conformance/report.py

N ?= 100
fuzz: packages setup
	@$(BIN)/python tests/conformance/fuzz.py --fresh $(N)

demo: packages setup
	@$(BIN)/python examples/demo.py

bench: packages setup
	$(BIN)/python tests/benchmarks/scheduling.py $(if $(FULL),--full --readme)

format: setup
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .

schema: setup
	$(BIN)/reconcile schema > schemas/manifest.schema.json

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
