# `make lab` opens the course, `make test` tests it; `make help` lists the rest.
# Python 3.11 or newer is needed: `make lab PYTHON=python3.13` chooses one.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python
WORKERS ?= 2
MINUTES ?= 30
FUZZ_SECONDS ?= 600
FIRST := my-course/00_start_here.ipynb
# JupyterLab's "Would you like to receive news?" would cover the first page.
NEWS := @jupyterlab/apputils-extension:announcements
# In a container everybody is root, and JupyterLab wants to be told.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
MODULES := tests/foreign/node_modules
UV := $(shell command -v uv 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help lab test test-newer notebooks notebooks-check site browser pictures binder bench soak fuzz foreign format constraints clean
.DELETE_ON_ERROR:

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

lab: $(VENV)/.lab  ## open your own copy of the course, my-course/, in JupyterLab
	$(BIN)/netlab copy
	$(BIN)/jupyter lab $(FIRST) $(AS_ROOT)

test: $(VENV)/.test  ## check style, spelling and types, then run all tests and all notebooks
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(BIN)/codespell
	$(RUN) -m mypy
	$(RUN) -m pytest --nbval -n $(WORKERS) --dist loadfile

notebooks: $(VENV)/.test  ## run every notebook and store what its cells print
	$(RUN) -m tools.notebooks

notebooks-check: $(VENV)/.test  ## run every notebook and show what would change
	$(RUN) -m tools.notebooks --check

site: $(VENV)/.site  ## make the course's pages, to be read without JupyterLab: build/site/index.html
	$(RUN) -m tools.site

browser: $(VENV)/.browser  ## run every chapter in JupyterLab in a real browser; pictures in test-artifacts/
	$(RUN) -m pytest tests/browser

test-newer: $(VENV)/.test  ## run imports, unit tests and stories on every newer CPython of this machine
	$(RUN) -m tools.newer_pythons --workers $(WORKERS)

binder: $(VENV)/.test  ## do by hand what Binder does, and run all notebooks in the result
	$(RUN) -m tools.binder_by_hand --workers $(WORKERS)

pictures: $(VENV)/.browser  ## make the README's pictures anew: docs/pictures/ (needs Chromium)
	$(RUN) -m tools.pictures

bench: $(VENV)/.test  ## measure the servers beside others' (some minutes); tables in docs/benchmarks.md
	$(RUN) -m tests.benchmarks --write

soak: $(VENV)/.test  ## half an hour of honest, slow, hostile and vanishing clients (MINUTES=30); docs/robustness.md
	$(RUN) -m tests.soak --minutes $(MINUTES) --write

fuzz: $(VENV)/.fuzz  ## throw bytes that nobody meant at every parser: FUZZ_SECONDS=3600 for an hour in all (Linux)
	$(RUN) -m tests.fuzz --seconds $(FUZZ_SECONDS) --workers $(WORKERS)

foreign: $(MODULES)/.package-lock.json  ## install clients that nobody here wrote, to be tested against (needs npm)

format: $(VENV)/.test  ## format the code and the cells
	$(RUN) -m ruff check --fix
	$(RUN) -m ruff format

constraints:  ## choose newer versions of the packages (needs uv)
	{ echo '# The versions tested together. Made by `make constraints`.'; \
	  uv pip compile pyproject.toml --quiet --all-extras --universal \
	    --python-version 3.11 --no-header --annotation-style line; } > constraints.new
	mv constraints.new constraints.txt

clean:  ## remove everything that these commands made
	rm -rf $(VENV) $(MODULES) .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist test-artifacts
	find . -name __pycache__ -prune -exec rm -rf {} + -o -name .ipynb_checkpoints -prune -exec rm -rf {} +

# The stamps say which extras are installed; a change of what they depend on installs again.
$(VENV)/.lab $(VENV)/.test $(VENV)/.site $(VENV)/.browser $(VENV)/.fuzz: $(VENV)/.%: pyproject.toml constraints.txt | $(RUN)
ifneq ($(UV),)
	uv pip install --quiet --python $(RUN) -c constraints.txt -e '.[$*]'
else
	@$(RUN) -m pip --version >/dev/null 2>&1 || $(RUN) -m ensurepip >/dev/null
	$(RUN) -m pip install --quiet -c constraints.txt -e '.[$*]'
endif
	@$(BIN)/jupyter labextension disable $(NEWS) 2>/dev/null || true
	@touch $@

$(MODULES)/.package-lock.json: tests/foreign/package-lock.json
	npm ci --silent --no-audit --no-fund --ignore-scripts --prefix tests/foreign
	@touch $@

# Without a PYTHON of your choice, uv finds (or fetches) one that pyproject.toml allows.
$(RUN):
ifneq ($(and $(UV),$(filter file,$(origin PYTHON))),)
	uv venv --quiet --allow-existing $(VENV)
else
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "netlab needs Python 3.11 or newer, this is " + sys.version.split()[0] + \
	  ": name another one, as in: make lab PYTHON=python3.13")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
endif
