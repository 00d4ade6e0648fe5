# Everything sets itself up: `make demo` and `make test` work on a fresh clone.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := demo
.PHONY: help demo test lint types schemas lock bench clean

help:
	@echo 'make demo     watch the tool work on an embedded ConnectWise and Sophos (the default)'
	@echo 'make test     run the tests'
	@echo 'make lint     check style and format'
	@echo 'make types    check types'
	@echo 'make schemas  write the generated files again: JSON schemas and reference pages'
	@echo 'make bench    measure speed, memory and requests'
	@echo 'make lock     pin the newest dependencies that pyproject.toml allows'
	@echo 'make clean    remove the virtual environment and everything built'

demo: $(READY)
	@$(BIN)/python -m reconciler demo

test: $(READY)
	@$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)
	@$(BIN)/mypy

schemas: $(READY)
	@$(BIN)/python -m tests.generate

bench: $(READY)
	@$(BIN)/python -m benchmarks.run

# With hashes, for every platform and Python that pyproject.toml allows, and without any index's address.
lock: $(READY)
	@$(PIP) install uv
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --upgrade \
		--no-emit-index-url --no-header --no-annotate --extra dev --quiet -o requirements.lock pyproject.toml

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo '$(PYTHON) is missing or older than 3.11. Install Python 3.11 or newer, or name one:' >&2; \
		echo '  make PYTHON=/path/to/python3.12' >&2; exit 1; }
	@echo 'Setting up $(VENV) with the locked dependencies. This happens once, and takes about a minute.' >&2
	@$(PYTHON) -m venv $(VENV) >&2 || { \
		echo 'No virtual environment could be made. On Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(READY)

clean:
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
