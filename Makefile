# Everything from a clean checkout: Debian 12 with Python 3.11, pip and make is enough.
#
#   make setup   .venv with the locked dependencies
#   make demo    a fictional city with a session to watch and cut, at one URL
#   make test    everything that is checked before a change is accepted
#   make lint    the quick half of it: style, types, directions of imports
#   make bench   the numbers of docs/en/performance.md, measured here
#   make clean   removes what the others made

PYTHON ?= $(firstword $(shell command -v python3.11) python3)
UV_VERSION := 0.13.9
VENV := .venv
READY := $(VENV)/.ready

export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(VENV)

.PHONY: setup test lint demo bench clean

setup: $(READY)

# Debian's own Python refuses a bare `pip install` (PEP 668) and may lack ensurepip: so the environment is
# made without pip, and the system's pip installs uv into it.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Python 3.11 が必要です(PYTHON=… で指定)。 Python 3.11 is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv --without-pip $(VENV)

$(READY): pyproject.toml uv.lock | $(VENV)/bin/python
	test "$$($(VENV)/bin/uv --version 2>/dev/null | cut -d' ' -f2)" = $(UV_VERSION) || \
		$(PYTHON) -m pip --python $(VENV)/bin/python install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(VENV)/bin/uv sync --quiet --locked
	@touch $@

test: setup
	@tools/prepare
	@tools/check

lint: setup
	@tools/check lint

demo: setup
	@tools/prepare openssh-server
	@$(VENV)/bin/python -m examples.demo

bench: setup
	@tools/prepare openssh-server tlog
	$(VENV)/bin/uv sync --quiet --locked --group bench
	@$(VENV)/bin/python -m tests.bench

clean:
	rm -rf $(VENV) demo-home .test-output .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests examples -name __pycache__ -type d -prune -exec rm -rf {} +
