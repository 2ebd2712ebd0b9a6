# make app: set up and open the app.   make test: set up and run every test.   make lint, make bench: their name says it.
# Another Python than python3:  make app PYTHON=python3.12

PYTHON ?= python3
BIN := .venv/bin

.PHONY: app test lint bench
.DELETE_ON_ERROR:

app: .venv/.app
	$(BIN)/streamlit run app.py

test: lint
	$(BIN)/python tests/browser.py
	$(BIN)/python -m pytest

lint: .venv/.tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check

bench: .venv/.tests
	$(BIN)/python bench/app.py

# A stamp is as new as the last time that its list was installed, so a second call has nothing to do.
.venv/.app: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Busana needs Python 3.11 or newer: install one and name it, as in "make app PYTHON=python3.12".' >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements.txt
	@touch $@

.venv/.tests: .venv/.app tests/requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r tests/requirements.txt
	@touch $@
