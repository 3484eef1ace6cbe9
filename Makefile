.DEFAULT_GOAL := help
ifndef TOGETHER
.NOTPARALLEL:
endif
.PHONY: help venv setup demo test test-unit test-device test-wasm test-board device sizes bench instructions chaos brokers fuzz soak fleet cluster conformance docs release lint clean style types copies test-others

# The tests start hundreds of Python processes: without .pyc files, each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
BROKER ?=
PORT ?=
PROFILE ?= simple
MPY_VERSION ?=
DOCS ?=
N ?=
SEED ?=
SERVE ?=
MINUTES ?= 10
TARGET ?=

PY := .venv/bin/python
INSTALL := $(PY) -m pip install -qq --no-compile --editable
PYTEST := $(PY) -m pytest $(if $(MAKE_TERMOUT),--color=yes)
# Of the lines and branches of the package, at least so much is reached by the unit tests that are not marked `long`.
COVERED := --cov=umqtt2 --cov-branch --cov-report=term:skip-covered --cov-fail-under=95
STAMP := .venv/ready
ANY_PYTHON = $(if $(wildcard $(STAMP)),$(PY),$(PYTHON))
NEW_ENOUGH = $(ANY_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 9) and "venv: Python 3.9 or later is needed, this is %d.%d; set PYTHON=/path" % sys.version_info[:2])'

help:  ## Show what can be made
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1@\2/p' $(MAKEFILE_LIST) | awk -F@ '{ printf "  make %-12s %s\n", $$1, $$2 }'

venv: $(STAMP)  ## Make .venv/ with the test tools

$(STAMP): setup.cfg pyproject.toml
	@$(NEW_ENOUGH)
	@test -e $@ || echo "Setting up .venv/: one to two minutes, this first time"
	@$(PY) -m pip --version >/dev/null 2>&1 || $(ANY_PYTHON) -m tools.makevenv
	@$(INSTALL) ".[test]" && touch $@

# What else setup.cfg has for certain targets.
.venv/bench .venv/docs .venv/fuzz: $(STAMP)
	@echo "Installing what setup.cfg has for $(@F)"
	@$(INSTALL) ".[test,$(@F)]" && touch $@

setup: venv  ## Make .venv/ and fetch all that the tests need: MicroPython VMs, mosquitto, WebAssembly builds
	@$(PY) -m tools.setup

demo: venv  ## Watch a MicroPython VM talk to a broker (BROKER=host:port for one of your own)
	@$(PY) -m tools.demo

test: setup .venv/bench .venv/docs  ## Run everything: lint, and the tests of the client, demo, sizes, installation, benchmark
	@$(MAKE) --no-print-directory -j5 --keep-going --output-sync TOGETHER=1 style types copies test-unit test-others

test-others:  # `+`: what it prints is shown while it runs, beside the others' at their ends
	+$(PYTEST) tests --ignore tests/unit -n 4 --dist loadfile --no-loadscope-reorder

style:
	$(PY) -m ruff check

types:
	$(PY) -m mypy

copies:
	$(PY) -m tools.node jscpd

test-unit: venv  ## Run the unit tests on CPython
	$(PYTEST) tests/unit $(if $(TOGETHER),$(COVERED))

test-device: setup  ## Run the device tests: MicroPython VMs and a real broker
	$(PY) -m pytest tests/device

test-wasm: venv  ## Run the smoke test on the oldest and newest MicroPython, under Node.js
	$(PY) -m pytest tests/wasm

test-board: venv  ## Run the device tests on a real board (PORT=/dev/ttyACM0)
	@test -n "$(PORT)" || { echo "test-board: no port is given; say PORT=/dev/ttyACM0"; exit 1; }
	$(PYTEST) tests/device/test_scenarios.py --board $(PORT)

device: venv  ## Build what goes into a board's /lib (PROFILE=core|simple|simple5|full|aio, MPY_VERSION=1.22.2)
	@$(PY) -m tools.device $(PROFILE) --mpy-version "$(MPY_VERSION)"
	@$(PY) -m tools.packages $(PROFILE)

sizes: setup  ## Measure flash and heap of each profile and of the other clients
	@$(PY) -m tools.measure sizes

bench: setup .venv/bench  ## Measure speed, heap and wake-ups beside other clients (DOCS=1: for docs/)
	@$(PY) -m tools.measure speed $(if $(DOCS),--docs)
	@$(PY) -m tools.measure wakeup $(if $(DOCS),--docs)

instructions: setup  ## Count the instructions of each call, beside other clients (valgrind)
	@$(PY) -m tools.measure instructions

chaos: setup  ## Break the connection, the broker and the device in every way (N=1000 random schedules, SEED=)
	@$(PY) -m tests.faults --n $(or $(N),1000) $(if $(SEED),--seed $(SEED))

brokers: setup  ## Try other brokers, fetched when first needed, and write docs/brokers.md (NAMES=rabbitmq,...)
	@$(PYTEST) tests/brokers --brokers $(or $(NAMES),all) -n 4 --dist loadgroup

fuzz: .venv/fuzz  ## Fuzz the decoder, the clients and the session's file (MINUTES=10, TARGET=decoder|...)
	@nice $(PY) -m tests.fuzz --minutes $(MINUTES) $(if $(TARGET),--target $(TARGET))

soak: setup  ## Send 100,000 messages each way in a heap of 36 KB, over connections that break (N=messages)
	@$(PY) -m tests.soak $(N)

fleet: setup .venv/bench  ## Simulate 1,000 clients whose broker restarts (DOCS=1: tables and picture of docs/reliability.md)
	@$(PY) -m tools.measure fleet $(if $(DOCS),--docs)

cluster: setup .venv/bench  ## Restart three nodes of RabbitMQ under 20 clients, fetched when first needed (DOCS=1: docs/cluster.md)
	@$(PY) -m tools.measure cluster $(if $(DOCS),--docs)

conformance: venv  ## Write docs/conformance.md and conformance-5.md from the tests' markers
	@$(PY) -m tools.conformance

docs: .venv/docs  ## Make the documentation's site, in build/site (SERVE=1: and serve it at a free port)
	@echo "Building the site: some ten seconds"
	@$(PY) -m mkdocs build --strict --quiet
	@echo "build/site/index.html"
	@$(if $(SERVE),$(PY) -u -m http.server --bind 127.0.0.1 --directory build/site 0)

release: venv  ## Make wheel, source archive and an archive for each profile, in dist/
	@$(PY) -m tools.release

lint: .venv/bench .venv/docs style types copies  ## Check style and types, and find copied code

clean:  ## Remove all that was built or fetched
	rm -rf build dist .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
