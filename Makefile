# make demo and make test are the whole set-up: Python 3.11 or newer and a package index is all
# they need.
PYTHON ?= python3
BIN := .venv/bin
RESULTS := .venv-bench/results
# Much of a test of an orchestrator is waiting for it. PROCESSES=0 runs one test after the other.
PROCESSES ?= 3
AT_ONCE = -n $(PROCESSES) --dist loadfile --no-loadscope-reorder
# A package index chosen for pip is uv's as well.
export UV_DEFAULT_INDEX ?= $(or $(PIP_INDEX_URL),$(shell $(PYTHON) -m pip config get global.index-url 2>/dev/null))
ifeq ($(strip $(UV_DEFAULT_INDEX)),)
unexport UV_DEFAULT_INDEX
endif
# With what failed tests said and logged: scripts/rerun_failed.py keeps it.
REPORT = --junitxml build/test-all.xml -o junit_logging=all -o junit_log_passing_tests=false
export DAGSTER_DISABLE_TELEMETRY := yes
export AIRFLOW__USAGE_DATA_COLLECTION__ENABLED := False
export DBT_SEND_ANONYMOUS_USAGE_STATS := False
unexport VIRTUAL_ENV

.PHONY: setup helm demo pictures test test-all test-slow charts awkward check size lint types contracts docs matrix bench version release clean

setup: .venv/.is-set-up

.venv/.is-set-up: uv.lock VERSION pyproject.toml $(wildcard packages/*/pyproject.toml plugins/*/pyproject.toml)
	@echo "setting up .venv (about a minute the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	@./scripts/sync
	@touch $@

# The Helm engines that the charts are tested with; without a registry those tests are skipped.
helm:
	@$(PYTHON) scripts/fetch_helm.py

demo: setup
	@$(BIN)/floe parity examples/customer-360 --on dagster --on airflow --keep .floe/demo

# The pictures of the README, taken anew; needs Debian's chromium and pngquant.
pictures: setup
	$(BIN)/python scripts/pictures/take.py

# Unit tests, the conformance kit on each orchestrator and the charts, without the tests that are
# marked as long: about five minutes.
test: PROCESSES = 4
test: setup helm
	$(BIN)/pytest -m "not slow and not long" $(AT_ONCE)

# All but those that take minutes each: an hour. With PART=2/6, of those that run things for real only this
# part, beside what says most. What fails in up to three files runs again, alone.
test-all: setup helm
	@rm -f build/passed-when-run-again.txt
	$(BIN)/pytest -m "not slow" --cache-clear $(REPORT) $(AT_ONCE) $(if $(PART),--part $(PART)) || $(BIN)/python scripts/rerun_failed.py $$?

# Those that take minutes each, one after the other: some hours.
test-slow: setup helm
	$(BIN)/pytest -m slow

# Every check of the charts, the slow ones included; ONLY="-m slow" leaves out those of make test-all.
charts: setup helm
	$(BIN)/pytest tests/charts $(ONLY) $(AT_ONCE)

# dbt projects with the oddities of real ones, beside plain dbt.
# FLOE_AWKWARD_SIDES=dbt,dagster,airflow,prefect compares all sides, which takes half an hour.
awkward: setup
	$(BIN)/pytest -m slow tests/e2e/test_awkward_projects.py -n $(PROCESSES)

lint: setup
	$(BIN)/ruff format --check
	$(BIN)/ruff check

# Each with a cache of its own: mypy can crash on one that a run over other packages left.
types: setup
	$(BIN)/mypy --cache-dir .mypy_cache/core $(wildcard packages/*/src)
	$(BIN)/mypy --cache-dir .mypy_cache/plugins plugins/floe-orchestrator-dagster/src plugins/floe-orchestrator-airflow/src \
		plugins/floe-orchestrator-prefect/src

contracts: setup
	$(BIN)/lint-imports

# How large everything is, beside its limits; fails on circles of imports.
size: setup
	@$(BIN)/python scripts/size.py --check

check: size lint types contracts test-all

# The version, in every file that names it: make version V=0.3.0
version: OLD = $(shell cat VERSION)
version: setup
	@test -n "$(V)" || (echo "say which: make version V=0.3.0"; exit 2)
	sed -i 's/\b$(subst .,\.,$(OLD))\b/$(V)/g' VERSION pyproject.toml packages/*/pyproject.toml plugins/*/pyproject.toml \
		charts/*/Chart.yaml charts/*/examples/*.yaml docs/install.md docs/ci.md docs/workflows/floe-ci.yml
	$(BIN)/uv lock --quiet

# Builds the distributions, checks them, and tries each in an empty environment; uploads nothing.
release: setup
	$(BIN)/python scripts/release.py

# The site, in build/site; its environment is its own.
docs: setup
	UV_PROJECT_ENVIRONMENT=.venv-docs $(BIN)/uv sync --frozen --only-group docs --quiet
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet

# Which versions work: see docs/versions.md. CELLS="airflow-3.2 prefect-3.8" runs these alone.
matrix: setup
	nice $(BIN)/python scripts/matrix/run.py $(CELLS)

bench: setup
	UV_COMPILE_BYTECODE=1 UV_PROJECT_ENVIRONMENT=.venv-bench $(BIN)/uv sync --frozen --group bench --quiet
	.venv-bench/bin/python benchmarks/definitions_load.py
	.venv-bench/bin/python benchmarks/dag_parse.py
	.venv-bench/bin/python benchmarks/compile.py
	.venv-bench/bin/python benchmarks/ticks.py
	.venv-bench/bin/python benchmarks/column_lineage.py
	.venv-bench/bin/python benchmarks/mesh.py
	.venv-bench/bin/python benchmarks/partitions.py
	.venv-bench/bin/python benchmarks/reuse.py
	.venv-bench/bin/python benchmarks/no_news.py --rounds 1
	.venv-bench/bin/python benchmarks/schedule_uptake.py
	.venv-bench/bin/python benchmarks/telemetry_cost.py
	.venv-bench/bin/python benchmarks/steps.py
	.venv-bench/bin/python benchmarks/who_emits_what.py
	.venv-bench/bin/python benchmarks/ci_check.py 100
	.venv-bench/bin/python benchmarks/local_run.py
	@mkdir -p $(RESULTS)
	.venv-bench/bin/python benchmarks/runs_on_dagster.py --json $(RESULTS)/dagster.json
	.venv-bench/bin/python benchmarks/runs_on_prefect.py 100 1000 --rounds 1
	.venv-bench/bin/python benchmarks/runs_on_airflow.py --json $(RESULTS)/airflow.json
	.venv-bench/bin/python benchmarks/plot_runs.py $(RESULTS)/dagster.json $(RESULTS)/airflow.json \
		docs/pictures/runs.png

clean:
	rm -rf .venv .venv-bench .venv-docs build .mypy_cache .ruff_cache .pytest_cache
	find examples -name .floe -prune -exec rm -rf {} +
