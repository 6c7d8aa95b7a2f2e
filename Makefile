# make setup | demo | test | check | bench.  DEMO_ARGS=--once ends by itself.  Without make: see README.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test check bench lock clean

setup: $(READY)

$(READY): requirements.lock requirements-dev.lock pyproject.toml
	@echo "== setting up $(VENV) from the lock file (about a minute)"
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: setup
	@echo "== the demo: a gateway and the agencies around it, on this machine only"
	$(BIN)/gateway demo $(DEMO_ARGS)

test: setup check
	@echo "== all tests; what they need besides Python is installed first where that is possible"
	sh tests/need-postgresql
	$(BIN)/pytest $(TEST_ARGS)

check: setup
	@echo "== ruff, mypy --strict, import-linter"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	@echo "== rows of the design's table of numbers, as ratios within this run"
	$(BIN)/python -m bench $(BENCH_ARGS)

lock: setup
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --group dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
