# Works from a bare clone, as root or not: the virtual environment is made when it is first needed,
# and installed anew when pyproject.toml or constraints.txt has changed.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check format docs bench fuzz chaos packages clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 10

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is missing or older than Python 3.11." >&2; \
		echo "Install Python 3.11 or newer (on Debian 12: apt-get install python3 python3-venv)," >&2; \
		echo "or name one: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: install the package python3-venv." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# What runs the demo; the stamp of the whole installation serves as well.
$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --constraint constraints.txt --editable '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --constraint constraints.txt --editable '.[demo,dev]'
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo ## show a hijack being noticed, shut and undone, on stand-ins (about 20 s)
	$(BIN)/responder demo

packages: # the Debian packages of the servers that the tests start
	deploy/debian/install.sh

test: packages $(VENV)/.dev ## all tests, those against real servers too
	$(BIN)/python -m pytest tests

check: $(VENV)/.dev ## format, lint, types, layers, docs, then all tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/unit/test_layers.py tests/unit/test_docs.py tests/unit/test_readme.py
	$(MAKE) test

format: $(VENV)/.dev ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev ## write docs/reference anew from the code
	$(BIN)/python docs/generate.py

bench: packages $(VENV)/.dev ## measure reading and judging a large log; writes build/bench.json
	$(BIN)/python -m tests.bench.bench

fuzz: $(VENV)/.dev ## have every format read a million damaged lines
	$(BIN)/python -m tests.fuzz.fuzz

chaos: $(VENV)/.dev ## rotate logs 200 times in every way while their reader is killed
	$(BIN)/python -m tests.chaos.rotation

clean: ## remove the virtual environment and everything that was built
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
