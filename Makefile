# make run    set up, run one pass        make test   set up, run the tests
# make check  lint and types              make soak   long campaigns
# make bench  measure the workloads beside a peer, in ten minutes; writes benchmarks/results.md
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: run test check soak bench format clean

run: $(STAMP)
	$(BIN)/aggregator run

test: .venv/.installed-dev
	$(BIN)/python -m pytest -q

soak: .venv/.installed-dev
	$(BIN)/python -m pytest -q -m soak --timeout 1500
	$(BIN)/python -m pytest -q --postgresql

bench: .venv/.installed-dev
	$(BIN)/python benchmarks/bench.py

check: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/.installed-dev: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP) $@

# outputs/ and storage/ hold the operator's data and stay.
clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find aggregator tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
