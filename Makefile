# The targets that people and CI use; each with a line of help. What they do lives in the project, not here.

PYTHON ?= python3
WORKSPACE ?= workspace
ARGS ?=

BIN := .venv/bin
READY := .venv/.ready
PEERS := build/peers/.ready
LOCK := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links

# No committed file names a package registry's host or a folder of one machine.
FOREIGN := /([w]ork|[r]oot)/|[p]ypi\.org|[p]ythonhosted\.|deb\.[d]ebian\.|[s]napshot\.debian|[n]pmjs\.|[c]rates\.io|proxy\.[g]olang|repo1?\.[m]aven|[a]rtifactory|artifact-?[r]egistry

.DEFAULT_GOAL := help
.PHONY: help setup demo run cluster cluster-demo soak test check bench bench-cluster docs lock clean

help: ## Show this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup: $(READY) ## Make .venv with everything that is needed; quick when done

$(READY): requirements.txt requirements-dev.txt requirements-build.txt pyproject.toml $(wildcard deploy/setup/*.py)
	@$(PYTHON) -m deploy.setup

demo: $(READY) ## Watch a simulated sales organisation for two minutes
	@$(BIN)/stagewatch demo $(ARGS)

run: $(READY) ## Run the workspace in WORKSPACE=workspace, made when it is not there
	@test -f $(WORKSPACE)/stagewatch.toml || $(BIN)/stagewatch init $(WORKSPACE)
	@$(BIN)/stagewatch run --workspace $(WORKSPACE) $(ARGS)

cluster: $(READY) ## Run Kafka, Redis, Prometheus, Alertmanager and two workers here until Ctrl-C
	@$(BIN)/python -m deploy.local $(ARGS)

cluster-demo: $(READY) ## Watch the demo on such a cluster, kill -9 of a worker included; all ends by itself
	@$(BIN)/python -m deploy.local.demo $(ARGS)

soak: $(READY) ## Let workers, Kafka, Redis and the network fail for ten minutes; ARGS="--seconds 60 --rate 500"
	@$(BIN)/python -m tests.integration.cluster.soak $(ARGS)

test: $(READY) ## Run the tests; ARGS="tests/unit -x" runs some
	@HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-ci} $(BIN)/python -m pytest $(ARGS)

check: $(READY) ## Check format, lint, types, import directions and what must not be committed
	@$(BIN)/ruff format --check --quiet . || { echo 'To format: $(BIN)/ruff format .'; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo
	@git grep -nIE '$(FOREIGN)' -- .; test $$? -eq 1

bench: $(READY) ## Measure rates and latencies; ARGS=--short for a quick look
	@$(BIN)/python -m bench $(ARGS)

bench-cluster: $(READY) $(PEERS) ## Measure the cluster beside plain Faust and Quix Streams, 12 minutes; ARGS=--short: 2
	@$(BIN)/python -m bench.cluster $(ARGS)

$(PEERS): requirements-bench.txt
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes --only-binary :all: --upgrade \
		--target $(@D) -r requirements-bench.txt
	@touch $@

docs: $(READY) ## Run the examples of README and docs
	@$(BIN)/python -m pytest tests/e2e/test_docs.py $(ARGS)

lock: $(READY) ## Write the lock files after a change of pyproject.toml; ARGS=--upgrade renews all
	@$(BIN)/python -m pip install --quiet uv
	$(LOCK) $(ARGS) --extra cluster pyproject.toml -o requirements.txt
	$(LOCK) $(ARGS) --extra cluster --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	printf 'quixstreams>=3.28\nrocksdict\n' | $(LOCK) $(ARGS) - -o requirements-bench.txt
	printf 'pip\nsetuptools>=77\n' | $(LOCK) $(ARGS) - -o requirements-build.txt

clean: ## Remove .venv and all that setup, tests and builds left
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
