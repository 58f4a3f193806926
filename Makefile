# make demo: Label Studio with the backend in it, from nothing. make help lists the rest.
#
# Needed beforehand: make and Python 3.10 or newer with its venv module. Everything installed stays in this folder:
# .venv (this project), .venv-label-studio (Label Studio, which pins other versions), .demo (the demonstration's data).

PYTHON ?= python3
LABEL_STUDIO_VERSION := 1.23.2
VENV := .venv
LABEL_STUDIO_VENV := .venv-label-studio

# Settings of the demonstration reach it through the environment; what is not given has its default there.
export LABEL_STUDIO_PORT BACKEND_PORT IMAGES

# Stamps say what an environment holds. A changed pyproject.toml makes them stale, and pip then adds what is missing.
BASE_STAMP := $(VENV)/.installed-base
TRAIN_STAMP := $(VENV)/.installed-train
DEVELOPMENT_STAMP := $(VENV)/.installed-train-dev
LABEL_STUDIO_STAMP := $(LABEL_STUDIO_VENV)/.installed-$(LABEL_STUDIO_VERSION)

# Tests by several processes, one more than cores, since one mostly waits for Label Studio and its page; tests/conftest.py
# says which go together.
PROCESSES := $(shell $(PYTHON) -c 'import os; print(min((os.cpu_count() or 1) + 1, 4))')
SIDE_BY_SIDE := --numprocesses $(PROCESSES) --dist loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test test-all check audit bench docs clean

help:
	@echo 'make demo         Label Studio with the backend in it and photographs to click on'
	@echo '                    LABEL_STUDIO_PORT=8080 BACKEND_PORT=9090  on other ports'
	@echo '                    IMAGES=folder  with your photographs instead of examples/photographs'
	@echo '                    TRAIN=1  also installs what retraining needs (PyTorch: several GB)'
	@echo '                    CHECK=1  proves that a click is answered with a mask, and ends'
	@echo 'make demo-reset   stops the demonstration and removes its data (.demo/)'
	@echo 'make test         every check and the tests, also with the real Label Studio'
	@echo 'make test-all     the same with the slow tests'
	@echo 'make check        ruff, mypy and bandit'
	@echo 'make audit        asks pypi.org whether the installed packages have known vulnerabilities'
	@echo 'make bench        measures how fast this machine answers clicks'
	@echo 'make docs         the documentation as a site, in site/'
	@echo 'make clean        removes caches and build leftovers; environments and .demo/ stay'

demo: $(if $(filter-out 0,$(TRAIN)),$(TRAIN_STAMP),$(BASE_STAMP)) $(LABEL_STUDIO_STAMP)
	@$(VENV)/bin/python -m examples.demo $(if $(filter-out 0,$(CHECK)),--check)

demo-reset:
	@$(require_python)
	@$(PYTHON) -m examples.demo.reset

test: check $(LABEL_STUDIO_STAMP)
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest $(SIDE_BY_SIDE) -m 'not slow' $(PYTEST_OPTIONS)

test-all: check $(LABEL_STUDIO_STAMP)
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest $(SIDE_BY_SIDE) $(PYTEST_OPTIONS)

check: $(DEVELOPMENT_STAMP)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/bandit --quiet --configfile pyproject.toml --recursive ihp_backend training examples docker

audit: $(DEVELOPMENT_STAMP)
	@$(VENV)/bin/python -m tests.audit $(AUDIT_OPTIONS)

bench: $(DEVELOPMENT_STAMP)
	$(VENV)/bin/python -m tests.benchmarks

docs: $(DEVELOPMENT_STAMP)
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict --site-dir site

clean:
	rm -rf build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -path './.?*' -prune -o -name __pycache__ -type d -exec rm -rf {} +

$(BASE_STAMP): pyproject.toml
	@$(require_python)
	@$(call require_space,2)
	@$(call make_environment,$(VENV))
	@$(call install,$(VENV),-e .)
	@touch $@

# torch and torchvision come in one pip run, so that their versions fit each other.
$(TRAIN_STAMP): pyproject.toml
	@$(require_python)
	@$(call require_space,9)
	@$(call make_environment,$(VENV))
	@$(call install,$(VENV),-e '.[train]')
	@touch $(BASE_STAMP) $@

$(DEVELOPMENT_STAMP): pyproject.toml
	@$(require_python)
	@$(call require_space,9)
	@$(call make_environment,$(VENV))
	@$(call install,$(VENV),-e '.[train$(comma)dev]')
	@touch $(BASE_STAMP) $(TRAIN_STAMP) $@

$(LABEL_STUDIO_STAMP):
	@$(require_python)
	@$(call require_space,2)
	@$(call make_environment,$(LABEL_STUDIO_VENV))
	@$(call install,$(LABEL_STUDIO_VENV),label-studio==$(LABEL_STUDIO_VERSION))
	@touch $@

comma := ,

require_python = \
	command -v $(PYTHON) >/dev/null || { \
		echo 'Missing: $(PYTHON). Install Python 3.10 or newer, or name yours: make PYTHON=python3.12 ...' >&2; exit 1; }; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo "Too old: $$($(PYTHON) --version). Python 3.10 or newer is needed; if you have one, name it:" \
			'make PYTHON=python3.12 ...' >&2; exit 1; }; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'Missing: the venv module of $(PYTHON). On Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }

# $(1): GB that must be free in this folder
require_space = $(PYTHON) -c 'import shutil, sys; free = shutil.disk_usage(".").free / 1e9; \
	free < $(1) and sys.exit(f"Too little space here: {free:.1f} GB are free, $(1) GB are needed.")'

# $(1): the environment. One whose making was interrupted has no working pip and is made again.
make_environment = $(1)/bin/python -m pip --version >/dev/null 2>&1 || { \
	echo 'Making the environment $(1)'; $(PYTHON) -m venv --clear $(1); }

# $(1): the environment, $(2): what to install. pip's hundreds of lines become one that changes, or one for every 25
# packages where there is no terminal; its warnings stay in the environment's pip.log, of which a failure shows the end.
install = echo "Installing $(2) into $(1)"; \
	show() { if [ -t 1 ]; then printf '\r\033[K  %.90s' "$$1"; elif [ "$$2" = always ]; then echo "  $$1"; fi; }; \
	{ $(1)/bin/python -m pip install --disable-pip-version-check --no-input $(2) 2>$(1)/pip.log; \
		echo "pip-status $$?"; } | { \
	count=0; while read -r word rest; do case "$$word $$rest" in \
		Collecting\ *|Processing\ *) count=$$((count + 1)); \
			[ $$((count % 25)) = 0 ] && often=always || often=; show "$$count packages: $$rest" $$often;; \
		Downloading\ *) show "downloading $$rest";; \
		'Installing collected '*) show 'unpacking' always;; \
		pip-status\ *) if [ -t 1 ]; then printf '\r\033[K'; fi; \
			[ "$$rest" = 0 ] || { echo 'pip could not install it:'; grep -v ^WARNING $(1)/pip.log | tail -n 20; }; \
			exit "$$rest";; \
	esac; done; }
