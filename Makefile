# The four commands: make run, make test, make check, make bench. Everything is installed into .venv and node_modules.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV ?= .venv
BIN := $(VENV)/bin
BASE_PYTHON := $(shell command -v python3.11 || command -v python3)
NPM := $(shell command -v npm || echo $(abspath $(BIN))/npm)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run setup dev-setup test check lint types imports migrations front-end bench browser clean-static

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: setup ## install what is missing, bring the data up to date, run everything in one process
	@exec $(BIN)/python manage.py up

setup: $(VENV)/.installed node_modules/.installed

$(BIN)/python:
	@test -n "$(BASE_PYTHON)" || { echo "Python 3.11 is needed and was not found."; exit 1; }
	@$(BASE_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed.")'
	$(BASE_PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(BIN)/python
	$(BIN)/pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/.dev-installed: requirements.txt requirements-dev.txt | $(BIN)/python
	$(BIN)/pip install --quiet -r requirements-dev.txt
	@touch $@ $(VENV)/.installed

# Without a Node on the machine, one comes from PyPI into the environment.
node_modules/.installed: package.json package-lock.json | $(VENV)/.installed
	@command -v npm >/dev/null || test -x $(BIN)/npm || $(BIN)/pip install --quiet -r requirements-node.txt
	@PATH="$(abspath $(BIN)):$$PATH" $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

dev-setup: $(VENV)/.dev-installed node_modules/.installed browser

browser:
	@.ci/browser

test: dev-setup ## run the whole suite (both ways where PostgreSQL and Redis are given)
	.ci/suite

check: $(VENV)/.dev-installed node_modules/.installed ## linters, types, import contracts, migrations
	@$(MAKE) --no-print-directory --jobs=2 --keep-going types imports migrations lint front-end

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Both load the settings; what those make (keys, a database) does not belong into the platform's own folder.
types migrations: export VAR_DIR = $(or $(TMPDIR),/tmp)/tradeplatform-check/$@
types migrations: export ENV_FILE := /nonexistent

types:
	$(BIN)/mypy

imports:
	$(BIN)/lint-imports

migrations:
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check

front-end:
	@if [ -f tsconfig.json ]; then node_modules/.bin/tsc -p tsconfig.json; fi

bench: $(VENV)/.dev-installed node_modules/.installed ## measure, and print the figures
	@for file in bench/[a-z]*.py; do echo "== $$file"; $(BIN)/python -m bench.$$(basename $$file .py) || exit 1; done
