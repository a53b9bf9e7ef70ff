# Everything here needs Python 3.11 or newer and a package index; the first target that runs sets up .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help demo test test-browser lint bench wheel-check sheet clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/ready ## Style a sample photograph with a sample painting
	@mkdir -p out
	@$(BIN)/studio style samples/content/neuschwanstein.jpg samples/style/hokusai_great_wave.jpg -o out/demo.png

test: $(VENV)/dev ## Run the tests
	@$(BIN)/python -m pytest

test-browser: $(VENV)/browser ## Drive the pages in real Chromium (installs it on Debian if it is missing)
	@command -v "$${CHROMIUM:-chromium}" chromium-browser >/dev/null || scripts/install_chromium
	@$(BIN)/python -m pytest -m browser tests/browser

lint: $(VENV)/dev ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(VENV)/bench ## Measure Studio beside its peers (an hour and a half on 2 cores)
	@$(BIN)/python benchmarks/generation.py
	@$(BIN)/python benchmarks/melody.py
	@$(BIN)/python benchmarks/text.py
	@$(BIN)/python benchmarks/text_training.py
	@$(BIN)/python benchmarks/training_speed.py
	@$(BIN)/python benchmarks/style_transfer.py
	@$(BIN)/python benchmarks/training_quality.py

wheel-check: $(VENV)/dev ## Build the wheel, install it in a clean environment, use it offline
	@$(BIN)/python scripts/check_wheel.py

sheet: $(VENV)/ready ## Make the README's sheet of samples again
	@$(BIN)/python samples/make_sheet.py

clean: ## Remove what the targets above made
	rm -rf $(VENV) out dist

$(VENV)/bin/python:
	@echo "Setting up $(VENV): this takes a minute or two."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "make: $(PYTHON) -m venv failed; it needs Python 3.11 or newer with its venv module."; exit 2; }

$(VENV)/ready: pyproject.toml constraints.txt | $(VENV)/bin/python
	@$(PIP) -e .
	@touch $@

$(VENV)/dev: $(VENV)/ready
	@$(PIP) -e .[dev]
	@touch $@

$(VENV)/browser: $(VENV)/dev
	@$(PIP) -e .[dev,browser]
	@touch $@

$(VENV)/bench: $(VENV)/ready
	@$(PIP) -e .[bench]
	@touch $@
