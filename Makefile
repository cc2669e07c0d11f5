# Two commands do everything, set-up included: `make demo` and `make test`.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/ready
EXPERIMENT ?= config.yaml
PROFILE ?= profiles/local
SNAKEMAKE := snakemake --profile $(PROFILE) --configfile $(EXPERIMENT)
# One run at a time, by a lock that a killed run cannot leave behind (Snakemake's own can).
ALONE := $(if $(shell command -v flock),flock --nonblock --conflict-exit-code 75 $(VENV)/running)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONUNBUFFERED := 1
export HF_HUB_DISABLE_TELEMETRY := 1

.PHONY: help demo test lint unit setup lock clean

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(READY)  ## run the embedded experiment (or EXPERIMENT=my.yaml) and show its WER table
	@$(ALONE) $(SNAKEMAKE) $(if $(ALONE),--nolock) || \
	    { [ $$? -ne 75 ] || echo "Another run is going on in this folder; wait for it."; exit 1; }
	@name=$$(sed -n 's/^name: *//p' $(EXPERIMENT)); \
	    python scripts/summarize.py --show results/$$name/summary.json; \
	    echo "Report: results/$$name/report.html"

test: lint unit  ## lint, unit tests, the tiny workflow, and the demo cut to minutes

lint: $(READY)  ## ruff, snakefmt, snakemake --lint
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	snakemake --lint --configfile $(EXPERIMENT)

unit: $(READY)
	pytest

setup: $(READY)  ## make the virtual environment from requirements.lock

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed; name it: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	    { echo "Python's venv module is needed: apt-get install python3-venv"; exit 1; }
	@echo "Installing the packages of requirements.lock into $(VENV) (2-4 minutes, 2 GB)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
	    --requirement requirements.lock
	@touch $@

clean:  ## remove results and logs; fetched files and the environment stay
	rm -rf results logs

lock: $(READY)  ## resolve requirements.in again into requirements.lock
	@python -m pip install --quiet --dry-run --ignore-installed --report .venv/report.json \
	    --requirement requirements.in
	@python -c 'import json; \
	    found = [entry["metadata"] for entry in json.load(open(".venv/report.json"))["install"]]; \
	    pins = {p["name"].lower(): p["version"].split("+")[0] for p in found}; \
	    of_torch = ("nvidia-", "cuda-", "triton"); \
	    print("# Made by `make lock` from requirements.in; what torch pins itself is left to it."); \
	    [print(f"{n}=={v}") for n, v in sorted(pins.items()) if not n.startswith(of_torch)]' \
	    > requirements.lock
