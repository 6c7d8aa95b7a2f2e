# make setup | demo | test | check | bench | soak | fuzz | interop.  DEMO_ARGS=--once ends by itself.  Without make: see README.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
# The tests of one file stay in one process; what measures seconds compares within one run and bears a neighbor.
TEST_CORES := -n logical --maxprocesses 4 --dist loadfile
PIP := $(BIN)/pip --quiet --disable-pip-version-check

.PHONY: setup setup-dev demo test check bench soak fuzz interop lock clean

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@echo "== setting up $(VENV) from the lock file (about half a minute)"
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(READY)

setup-dev: $(READY_DEV)

$(READY_DEV): $(READY) requirements-dev.lock
	@echo "== adding what tests and checks need"
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $(READY_DEV)

demo: setup
	@echo "== the demo: a gateway and the agencies around it, on this machine only"
	$(BIN)/gateway demo $(DEMO_ARGS)

test: setup-dev check
	@echo "== all tests, on all cores; what they need besides Python is installed first where that is possible"
	sh tests/need-postgresql
	sh tests/need-toolkits
	$(BIN)/pytest $(TEST_CORES) $(TEST_ARGS)

check: setup-dev
	@echo "== ruff, mypy --strict, import-linter"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

interop: setup-dev
	@echo "== every client of gateway integrate against a live gateway; toolkits are installed first where that is possible"
	sh tests/need-toolkits
	$(BIN)/pytest tests/interop tests/integrate $(TEST_ARGS)

soak: setup-dev
	@echo "== the laws of cut, proof and content models over new random messages and policies (LAW_RUNS=20000)"
	LAW_EXAMPLES=new LAW_RUNS=$${LAW_RUNS:-20000} $(BIN)/pytest tests/policy/test_laws.py tests/policy/test_proof_laws.py tests/iepd/test_content.py $(TEST_ARGS)

fuzz: setup-dev
	@echo "== damaged inputs for everything that reads bytes of strangers, and every operation of the OpenAPI document"
	@echo "== (FUZZ_EXAMPLES=2000 for each; some ten minutes on two cores)"
	LAW_EXAMPLES=new FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-2000} $(BIN)/pytest tests/fuzz tests/soap/test_multipart.py tests/soap/test_xop.py tests/transport/test_content_digest.py $(TEST_ARGS)

bench: setup-dev
	@echo "== rows of the design's table of numbers, as ratios within this run"
	$(BIN)/python -m bench $(BENCH_ARGS)

LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header pyproject.toml

lock: setup-dev
	$(PIP) install uv
	$(LOCK) --group build -o requirements.lock
	$(LOCK) --group dev -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
