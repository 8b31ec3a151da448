# `make demo` and `make test` set up whatever is missing, then run; what is done already is not done again.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
SYSTEM := $(VENV)/.system-libraries
INSTALLED := $(VENV)/.installed
# Only asked where an environment has to be made.
PYTHON = $(shell scripts/find-python)

.PHONY: demo test lint package plugin bundle setup
.DELETE_ON_ERROR:

demo: setup
	$(BIN)/hrtem-app demo

test: lint
	scripts/with-screen $(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/npe2 validate hrtem-app --imports

# Wheel and source archive, checked, and the wheel installed into an empty environment.
package: setup
	scripts/check-package

# The wheel as a plug-in in a napari of its own, on the other Qt binding.
plugin: setup
	scripts/check-plugin

# The program in a folder that needs no Python, dist/hrtem-app, tried against the installed one.
bundle: setup
	scripts/check-bundle dist

setup: $(INSTALLED)

$(INSTALLED): setup.cfg pyproject.toml constraints.txt $(SYSTEM)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[app,test,dev]'
	@touch $@

$(SYSTEM): scripts/system-libraries
	@test -n "$(PYTHON)"
	scripts/system-libraries "$(PYTHON)"
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@touch $@
