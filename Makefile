# make crosscheck   prove or refute what the verifier claims about bench_programs/
# make test         lint, then all tests
# make lint         ruff, mypy, the layers of the imports
# make results      measure what the paper says (PROFILE=full: hours; ONLY="name ..."; FORCE=1;
#                   BPFSMT_CAMPAIGNS=DIR: go on with campaigns run ahead, see paper/README.md)
# make paper        typeset paper/bpfsmt.pdf from what was measured
# make programs     rebuild bench_programs/ from its sources (needs clang 14)
# make clean        remove what the above made
#
# Needs Python 3.11 or later and, for the first time, PyPI.

VENV ?= .venv
FILES ?= bench_programs
ARGS ?=
PROFILE ?= quick
ONLY ?=
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; \
	done)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c .ci/constraints.txt

.PHONY: crosscheck test lint results paper programs clean

crosscheck: $(VENV)/.run
	$(BIN)/bpfsmt crosscheck $(ARGS) $(FILES)

test: lint
	$(BIN)/pytest -n auto --dist worksteal

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

results: $(VENV)/.dev
	$(BIN)/python -m paper.tools.measure --profile $(PROFILE) $(if $(FORCE),--force) $(ONLY)

paper: $(VENV)/.paper
	$(BIN)/python -m paper.tools.typeset $(if $(FINAL),--final)

# The environment is made again only when the versions or the project file change.
$(VENV)/.run: pyproject.toml .ci/constraints.txt | $(BIN)/python
	$(PIP) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml .ci/constraints.txt | $(BIN)/python
	$(PIP) -e '.[test,dev,recheck]'
	@touch $@ $(VENV)/.run

$(VENV)/.paper: pyproject.toml .ci/constraints.txt | $(BIN)/python
	$(PIP) -e '.[paper]'
	@touch $@

$(BIN)/python:
	@test -n '$(PYTHON)' || { \
		echo 'make: needs Python 3.11 or later: apt install python3 python3-venv' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'make: $(PYTHON) cannot make environments: apt install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

programs:
	$(MAKE) -C bench_programs

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache .bpfsmt
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
