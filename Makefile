# Every target works from a fresh clone with Python >= 3.11, pip and make.
PYTHON ?= python3
SWEEP ?=
TESTS ?=
BENCH ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.DEFAULT_GOAL := help
.PHONY: help setup run check test ui bench lint clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## install into .venv and prepare the home; the other targets do it when needed
	@$(BIN)/python -m orchestration.launch.home

run: setup ## run the demo sweep, or SWEEP=sweeps/<study>/<name>.yaml, and print its leaderboard
	@$(BIN)/orrery run $(SWEEP)

check: setup lint ## check style and types, and run the unit tests
	@$(BIN)/python -m tests -m unit $(TESTS)

test: setup ## run the whole test suite, or TESTS=tests/<path>
	@$(BIN)/python -m tests $(TESTS)

ui: setup ## serve results, Dagster UI, schedules and MLflow UI on loopback until Ctrl-C
	@$(BIN)/orrery ui

bench: setup ## measure against the plain way, or BENCH="training diary"; writes results/benchmarks
	@$(BIN)/python -m benchmarks $(BENCH)

lint: setup ## check style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

clean: ## remove .venv and caches; results in .orrery stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "orrery: $(PYTHON) is $$($(PYTHON) --version 2>&1); expected Python >= 3.11; say which: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || $(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; } || { \
	  echo "orrery: $(PYTHON) cannot make a virtual environment; install its venv module (Debian, Ubuntu: apt install python3-venv)" >&2; exit 2; }
	@$(BIN)/python install.py
	@touch $@
