PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Folders of tests that take seconds and load no model.
FAST := tests/catalog tests/indexes/test_distinct.py tests/indexes/test_choose.py tests/objectives tests/packaging/test_docs.py \
    tests/ranking tests/test_ngrams.py tests/test_spreadsheet.py

.PHONY: install demo check fix lint test test-all test-cluster clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: install
	PATH="$(abspath $(BIN)):$$PATH" sh benchmarks/demo.sh demo

check: lint
	$(BIN)/pytest -q $(FAST)

fix: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# In two processes, each with whole files: the tests of a file share what they are slow to make.
test: lint
	$(BIN)/pytest -n 2 --dist loadfile

# The databases and libraries that only these tests need: 200 MB.
test-cluster: install
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[qdrant,lancedb]'
	$(BIN)/pytest -m cluster

# Coverage has a floor: fail_under in pyproject.toml.
test-all: lint
	$(BIN)/pytest -m '' --cov --cov-report=term:skip-covered

clean:
	rm -rf $(VENV) demo build dist .coverage
