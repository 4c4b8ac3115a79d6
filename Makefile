# `make demo` and `make test` are the only commands a fresh clone needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-all check static clean

demo: $(VENV)/.installed
	$(BIN)/pairsift demo demo

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m "not torch and not cloud and not ray and not spark and not quantize and not slow"

test-all: $(VENV)/.installed-all
	$(BIN)/python -m pytest

check: $(VENV)/.installed-all
	PATH="$(abspath $(BIN)):$$PATH" scripts/check

static: $(VENV)/.installed-all
	PATH="$(abspath $(BIN)):$$PATH" scripts/check --static

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group test
	touch $@

$(VENV)/.installed-all: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --group torch --group cloud --group ray --group spark --group quantize --group notebook --group dev
	touch $@

clean:
	rm -rf $(VENV) demo .mypy_cache .ruff_cache .pytest_cache
