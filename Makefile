# Everything a developer does has a target; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
# Where this is set, every worker of every run compiles the same thousands of modules again.
unexport PYTHONDONTWRITEBYTECODE
export UV_PROJECT_ENVIRONMENT ?= .venv
BIN := .venv/bin
# A uv that is already there is used; else one is installed beside the project's own environment.
UV := $(shell command -v uv 2>/dev/null || echo .venv-uv/bin/uv)

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}'

.PHONY: setup
setup: ## Install everything the project needs into .venv (installs uv first if it is missing)
	@command -v $(UV) >/dev/null || { echo "uv is missing: installing it into .venv-uv"; $(PYTHON) -m venv .venv-uv && .venv-uv/bin/pip install --quiet uv; }
	@$(UV) sync --frozen --all-extras --quiet
	@echo "ready: $$($(BIN)/python --version), $$($(BIN)/python -c 'import importlib.metadata as m; print("kopf", m.version("kopf"))')"

.PHONY: generate
generate: setup ## Write crds/ and the chart's generated templates from the models
	$(BIN)/python -m generate

.PHONY: lint
lint: setup ## Check style, types and the layers between packages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: unit
unit: setup ## Run the unit tests (seconds, no cluster)
	$(BIN)/pytest tests/unit --numprocesses auto -m "not hypothesis and not thorough"

.PHONY: properties
properties: setup ## Run the property tests, and a kill at every write (a minute, no cluster)
	$(BIN)/pytest tests/unit --numprocesses auto -m "hypothesis or thorough"

.PHONY: chart
chart: setup ## Render the chart in every way, hold it to its rules and to three Kubernetes minors (builds Helm once)
	$(BIN)/pytest tests/chart

.PHONY: exports
exports: setup ## Hold what other tools are told to their own schemas and programs
	$(BIN)/pytest tests/exports

.PHONY: registry
registry: setup ## Import models from a real MLflow server (installs it once, apart)
	$(BIN)/pytest tests/registry

.PHONY: trainer
trainer: setup ## Run the trainer's tests (torch, tiny models, no cluster)
	$(BIN)/pytest tests/trainer

.PHONY: api-server
api-server: setup ## Run the tests against a real API server (builds the control plane once)
	$(BIN)/pytest tests/cluster

.PHONY: e2e
e2e: setup ## Run the tests on a whole cluster, the demo among them
	$(BIN)/pytest tests/e2e --timeout 3000

.PHONY: test
test: lint unit properties chart exports registry trainer api-server e2e ## Run every check and test, cheapest first

.PHONY: cluster-up
cluster-up: setup ## Bring up a whole cluster: kind with Docker, else a real node of its own as root on Linux
	$(BIN)/python -m devcluster up

.PHONY: cluster-down
cluster-down: setup ## Take the cluster down and leave nothing behind
	$(BIN)/python -m devcluster down

.PHONY: images
images: setup ## Build the operator's and the trainer's image and load them into the cluster
	$(BIN)/python -m devcluster images

.PHONY: demo
demo: setup ## Run the main job end to end on a real cluster and show what it saved
	$(BIN)/python -m demo

.PHONY: bench
bench: setup ## Measure the operator against a real API server and print the figures
	$(BIN)/python -m bench

.PHONY: evaluate
evaluate: setup ## Judge the estimates by published runs, a family left out at a time, beside the baselines
	$(BIN)/python -m evaluation

.PHONY: clean
clean: ## Remove what builds and tests left in the checkout
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
