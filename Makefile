# Set-up happens by itself, in .venv; both commands start from a fresh machine with Python 3.11 or newer.
#   make demo    embed the bundled catalog, choose for its users, write the page
#   make test    the suite
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: demo test lint format clean

demo: .venv/product
	$(BIN)/python scripts/demo.py

BROWSER = $(firstword $(foreach name,chromium chromium-browser google-chrome chrome,$(shell command -v $(name))))

# A file's tests stay together, since they share what is costly to make.
test: .venv/development
	@$(if $(BROWSER),:,echo "note: the tests of the inspection page need Chromium or Chrome (Debian: apt-get install chromium)")
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: .venv/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/development
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv demo

$(BIN)/python:
	$(PYTHON) -m venv .venv

# Each stamp is touched only after its installation succeeded, so that a broken one is done again.
.venv/product: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) .
	touch $@

.venv/development: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) '.[test,lint,catalog]'
	touch $@
