# Everything a developer or CI does, by name. `make` alone shows this list.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
INSTALLED := .venv/.installed
# In the order in which a failure is cheapest to find; a tier that is not there yet is left out.
TIERS := unit architecture contract property simulation integration clients e2e pages faults cluster compose
TESTS := $(wildcard $(TIERS:%=tests/%))
SOAK_MINUTES ?= 60

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(INSTALLED) ## make .venv from the lock (done by all others where it is missing)

$(INSTALLED): requirements-dev.lock pyproject.toml tools/make-venv
	@tools/make-venv
	@touch $@

test: lint ## everything that this machine can run: lint, then every tier of tests; ends within 45 minutes on 2 cores
	@tools/run-tests $(TESTS:tests/integration=$(wildcard tests/integration/*))

unit: $(INSTALLED) ## the tests that need neither Kafka nor Postgres, in seconds
	$(BIN)/pytest -q --numprocesses auto $(wildcard tests/unit tests/architecture tests/contract)

clients: $(INSTALLED) ## install the clients of tests/clients: ClickSend's and Schemathesis (done by these tests where missing)
	@tools/test-clients

lint: $(INSTALLED) ## ruff, mypy --strict, import contracts, unused dependencies and code
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry . 2>&1 | grep -v '^Assuming'
	cd clients/stopline-pytest && ../../$(BIN)/deptry src
	$(BIN)/vulture

format: $(INSTALLED) ## let ruff format and fix what it can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

story: $(INSTALLED) ## the life of an opt-out, a line per claim, on a stack of its own
	@$(BIN)/stopline story --fresh

demo: $(INSTALLED) ## set everything up, play the story, leave the stack running
	@$(BIN)/stopline demo

up: $(INSTALLED) ## the stack in the background
	@$(BIN)/stopline up

down: $(INSTALLED) ## stop it; its data are kept
	@$(BIN)/stopline down

site: $(INSTALLED) ## the documentation as a site, in site/; fails for a link that leads nowhere
	@tools/build-site

bench: $(INSTALLED) ## the benchmarks; QUICK=1 for two minutes
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick)

soak: $(INSTALLED) ## the fault tests, again and again for SOAK_MINUTES (60)
	@end=$$((SECONDS + $(SOAK_MINUTES) * 60)); round=0; \
	while ((SECONDS < end)); do \
		round=$$((round + 1)); echo "soak: round $$round, $$(((end - SECONDS) / 60)) minutes left"; \
		$(BIN)/pytest -q -x tests/faults; \
	done

compose-many: $(INSTALLED) ## the deployment on three Kafka nodes, one of each service killed (two minutes)
	STOPLINE_COMPOSE_MANY=1 $(BIN)/pytest -q --timeout=900 tests/compose/test_many_machines.py

simulate: $(INSTALLED) ## the simulation: SEEDS (2000) or from-to; SEED=17 replays one with its log (docs/simulation.md)
	cd tests && ../$(BIN)/python -W ignore -m simulation $(if $(SEED),--seed $(SEED) $(if $(BUG),--bug $(BUG)),--seeds $(or $(SEEDS),2000))

planted: $(INSTALLED) ## planted bugs, each searched for among SEEDS (2000) of the simulation
	cd tests && ../$(BIN)/python -W ignore -m simulation --planted --seeds $(or $(SEEDS),2000)

fuzz: $(INSTALLED) ## any request against both documents of the API, EXAMPLES (500) for each route, another each time
	FUZZ_EXAMPLES=$(or $(EXAMPLES),500) $(BIN)/pytest -q --timeout=0 tests/clients/test_any_request.py

screenshots: $(INSTALLED) ## a picture of each page of the dashboard, light and dark, wide and narrow, into build/screenshots
	@mkdir -p build/screenshots
	STOPLINE_SCREENSHOTS=$(CURDIR)/build/screenshots $(BIN)/pytest -q tests/pages -k test_a_picture_of_a_page
	@ls build/screenshots

image: ## build the image
	docker build -t stopline:dev .

compose-up: .env ## the deployment with the sandbox carrier, by Docker Compose
	docker compose --profile demo up --build --detach --wait

compose-down: ## stop it; its volumes are kept
	docker compose --profile demo down

.env:
	deploy/new-env .env

hooks: $(INSTALLED) ## run the checks before each commit
	$(BIN)/pre-commit install

.PHONY: help setup test unit clients lint format story demo up down site bench soak simulate planted fuzz screenshots compose-many image compose-up compose-down hooks
