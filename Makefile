# Two commands do everything on a fresh machine: `make demo` and `make test`. Both make their own .venv.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin

.PHONY: demo test test-slow lint format bench clean clean-kernels

demo: .venv/plain
	$(BIN)/python benchmarks/demo.py

test: .venv/dev
	$(BIN)/python -m pytest -n 2 -m "not slow" --dist worksteal
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=600 -p no:xdist -q notebooks

test-slow: .venv/dev
	$(BIN)/python -m pytest -m slow

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell opt solvers models simulators datasets src tests benchmarks *.md docs
	$(BIN)/nbstripout --verify notebooks/*.ipynb

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/dev  # with the peers to compare with
	$(BIN)/python benchmarks/run.py

# The stamps carry the install: a changed requirement installs again, nothing else does.
.venv/plain: pyproject.toml setup.py
	@test -n "$(PYTHON)" || { echo "Counterpoint needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[learn]"
	@touch $@

.venv/dev: .venv/plain
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@

# Numba's cache notices a changed file, but not a changed callee in another file: run this after editing a kernel.
clean-kernels:
	find opt solvers simulators -name '*.nb[ic]' -delete

clean: clean-kernels
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis src/*.egg-info
