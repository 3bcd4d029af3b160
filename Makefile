# Every target sets up what it needs: a fresh machine with Python 3.11 and make is enough.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help build test test-slow test-all lint format android-test android-apk ios-test golden contract bench docs lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

# The lock fixes every version and hash; the package itself is linked, so that edits take effect.
$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "needs Python 3.11: install it, or set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

build: $(READY) ## set up, then train, convert, verify and bundle: pipeline build --target tflite
	$(BIN)/pipeline build --target tflite

test: $(READY) ## set up, then run the fast tests
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow"

test-slow: $(READY) ## the tests that take minutes
	$(BIN)/pytest -n 2 --dist loadfile -m slow

test-all: test test-slow ## all tests

lint: $(READY) ## ruff, mypy --strict, import contracts, generated text up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cog -P --check -I . README.md

format: $(READY) ## reformat the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

android-test: ## the contract in Kotlin on the JVM, with the real TensorFlow Lite (JDK 17, Maven)
	android_demo/tools/test

android-apk: ## build, sign and verify the demo APK without Android's SDK (JDK 17, Maven, apt or apksigner)
	$(PYTHON) android_demo/tools/apk

ios-test: ## the contract in Swift, with the real TensorFlow Lite (npm); sets up Swift where there is none
	ios_demo/tools/test.sh

golden: $(READY) ## build the golden bundles of the tests anew
	$(BIN)/python -m tests.golden_bundles

contract: $(READY) ## compare preprocessing and answers in Python, Kotlin and Swift
	$(BIN)/pipeline verify --contract

bench: $(READY) ## speed as ratios against what one would do by hand
	$(BIN)/python -m tests.bench

docs: $(READY) ## rewrite the generated parts of README.md and the published JSON Schema
	$(BIN)/python -m pipeline.release.schema
	$(BIN)/cog -P -r -I . README.md

lock: $(READY) ## choose versions anew for pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --extra dev pyproject.toml --output-file requirements.lock

clean: ## remove the environment and all runs
	rm -rf $(VENV) runs build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis \
		android_demo/build android_demo/*/target ios_demo/.build
