# Everything a user or contributor runs. `make` alone lists the targets.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
SYNCED := .venv/.synced
ARGS ?=

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  ARGS=\"...\" is passed on by up, test, drill, soak, mutations, healthy, fuzz and simulate;"
	@echo "  PYTHON=... chooses the Python of setup."

# Made again only when the lock file, the project file or the environment itself changed.
$(SYNCED): uv.lock pyproject.toml tools/setup.sh tools/find-python.sh
	@PYTHON="$(PYTHON)" tools/setup.sh
	@touch $@

.PHONY: setup
setup: $(SYNCED) ## Set up .venv; afterwards the command is .venv/bin/ostiary

.PHONY: up
up: setup ## Set up and start everything on embedded defaults
	@$(BIN)/ostiary up $(ARGS)

.PHONY: test
test: setup ## Set up and run the tests; what cannot run here is named at the end
	@$(BIN)/pytest --numprocesses 4 $(ARGS)

.PHONY: check
check: setup ## Lint, formatting, types, import contracts, lock file
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --config-file tools/mypy-tests.ini
	$(BIN)/lint-imports
	$(BIN)/uv lock --check

.PHONY: docs
docs: setup ## Write the tables of keys in docs/settings.md from the settings
	@$(BIN)/python tools/settings_tables.py

.PHONY: bench
bench: setup ## Run every benchmark; each prints its ratios
	@set -e; for file in bench/[a-z]*.py; do \
		[ -e "$$file" ] || continue; \
		echo "== $$file"; \
		$(BIN)/python "$$file"; \
	done

.PHONY: drill
drill: setup ## Replay the known outages: unguarded, guarded, and guarded from canary
	@$(BIN)/ostiary drill run all --mode all $(ARGS)

.PHONY: soak
soak: setup ## Kill, pause and restart everything at random, under traffic, and check the promises
	@$(BIN)/python -m tests.matrix $(ARGS)

.PHONY: mutations
mutations: setup ## Make mistakes in a settings file; what passes the check must do no harm
	@$(BIN)/python -m tests.mutations $(ARGS)

.PHONY: mutants
mutants: setup ## Propose small random faults as changes, and list what gets through
	@$(BIN)/ostiary drill mutants $(ARGS)

.PHONY: healthy
healthy: setup ## Propose healthy changes, one after another; all of them must get through
	@$(BIN)/python -m tests.healthy $(ARGS)

.PHONY: fuzz
fuzz: setup ## Give ostiary.verify any tokens, keys and metadata, guided by coverage
	@$(BIN)/python -m tests.fuzz $(ARGS)

.PHONY: simulate
simulate: setup ## Put simulated changes through everything that may go wrong, and check the promises
	@$(BIN)/python -m tests.simulation $(ARGS)

.PHONY: clean
clean: ## Remove .venv and every cache; data directories stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -rf build dist tests/node/node_modules
	find src tests bench tools -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
