# make app: set up and open the app.   make test: set up and run every test.   make lint, make bench: their name says it.
# Another Python than python3:  make app PYTHON=python3.12
# make lock: write both locks again, after a change to a list. It keeps the versions that still fit;
# make lock UPGRADE=--upgrade takes the newest.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

.PHONY: app test lint bench lock
.DELETE_ON_ERROR:

app: .venv/.app
	$(BIN)/streamlit run app.py

test: lint
	$(BIN)/python tests/browser.py
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: .venv/.tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: .venv/.tests
	$(BIN)/python bench/app.py

# Where everything in the locks has a wheel. Elsewhere pip chooses from the lists, and may have to build.
define LOCK_FITS
import platform, sys
system, glibc = (sys.platform, platform.machine()), platform.libc_ver()
glibc = [int(part) for part in glibc[1].split(".")] if glibc[0] == "glibc" else [0]
fits = {
    ("linux", "x86_64"): glibc >= [2, 28],
    ("linux", "aarch64"): glibc >= [2, 35],
    ("darwin", "arm64"): int("0" + platform.mac_ver()[0].partition(".")[0]) >= 14,
}
sys.exit(not (fits.get(system) and platform.python_implementation() == "CPython" and sys.version_info < (3, 15)))
endef
export LOCK_FITS

# $(call install,NAME) installs NAME.lock, each file checked against its hash, or NAME.txt.
define install
	@if $(BIN)/python -c "$$LOCK_FITS"; then \
		echo 'Installing $(1).lock: these very versions, checked by hash.'; \
		$(PIP) --require-hashes --only-binary :all: -r $(1).lock; \
	else \
		echo 'Installing $(1).txt: $(1).lock is for CPython 3.11 to 3.14 on Linux with glibc or macOS 14 on ARM.'; \
		$(PIP) -r $(1).txt; \
	fi
endef

# A stamp is as new as the last time that its list was installed, so a second call has nothing to do.
.venv/.app: requirements.txt requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Busana needs Python 3.11 or newer: install one and name it, as in "make app PYTHON=python3.12".' >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(call install,requirements)
	@touch $@

.venv/.tests: .venv/.app tests/requirements.txt tests/requirements.lock
	$(call install,tests/requirements)
	@touch $@

# The second lock takes the versions of the first where both name a package. For every Python and system at once.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-annotate --custom-compile-command 'make lock' $(UPGRADE)

lock:
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(PIP) 'uv>=0.9'
	$(COMPILE) requirements.txt --output-file requirements.lock
	$(COMPILE) tests/requirements.txt --constraint requirements.lock --output-file tests/requirements.lock
