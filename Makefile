# make demo   set up, measure this machine's CPU, find networks within three latency budgets, and
#             deliver one with weights trained on images
# make test   set up and run every check
# make docs   build the documentation site into site/
VENV := .venv
BIN := $(VENV)/bin
QUICK := spaces nasprof/test_foundation.py profiler/measuring/test_groups.py profiler/measuring/test_statistics.py luts/test_tables.py

.PHONY: demo test main-python static lint types imports docs check collected others bench clean

demo: $(VENV)/.demo
	@scripts/demo.sh $(BIN)

test: $(VENV)/.test
	@$(MAKE) --no-print-directory -j 3 others collected main-python

# The quick checks first, while the other job is still installing.
main-python:
	@$(MAKE) --no-print-directory static
	@$(MAKE) --no-print-directory check

static: lint types imports docs

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

imports: $(VENV)/.test
	$(BIN)/lint-imports

docs: $(VENV)/.test
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

check: $(VENV)/.test
	@scripts/system-packages.sh
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered --cov-fail-under=90

# Assertions are rewritten once for all processes that test, during the quick checks.
collected: $(VENV)/.test
	@PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/pytest --collect-only --quiet >/dev/null || true

others:
	@scripts/other-pythons.sh .venv-3.13 $(addprefix tests/,$(QUICK))

bench: $(VENV)/.test
	$(BIN)/python benchmarks/measure.py

$(VENV)/.demo: setup.cfg pyproject.toml constraints.txt
	@scripts/setup.sh $(VENV) ".[torch,int8]"
	@touch $@

$(VENV)/.test: setup.cfg pyproject.toml constraints.txt
	@scripts/setup.sh $(VENV) ".[test,docs]"
	@touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) .venv-3.13 .cache out build site ./*.egg-info
