# Two commands do everything, set-up included: `make demo` and `make test`.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/ready
VALIDATOR := $(VENV)/validator
AUDITOR := $(VENV)/auditor
EXPERIMENT ?= experiments/demo.yaml
PROFILE ?= profiles/local
SNAKEMAKE := snakemake --profile $(PROFILE) --configfile $(EXPERIMENT)
key = $$(sed -n "s/^[\"']*$(1)[\"']*: *[\"']*\([a-z0-9_-]*\).*/\1/p" $(EXPERIMENT))
NAMED = $(call key,name)
ADAPT := texts column audio source name base language channel
given = $(if $(filter command,$(origin $(call upper,$(1)))),--$(1) "$($(call upper,$(1)))")
upper = $(shell echo $(1) | tr a-z A-Z)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONUNBUFFERED := 1
export HF_HUB_DISABLE_TELEMETRY := 1

BENCHMARKS := features resampling sweep task_vectors synthesis planning finetuning transcription \
    from_nothing

.PHONY: help demo run adapt status listen efficiency audit trace export test lint unit coqui exporters checks \
    advisories bench peers docs setup lock clean

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

demo: run  ## adapt to French telephone prompts, and to a target without room; verdicts and WER tables
	@test $(EXPERIMENT) != experiments/demo.yaml || $(MAKE) --no-print-directory run \
	    EXPERIMENT=experiments/no-room.yaml

run: $(READY)  ## run one experiment (EXPERIMENT=my.yaml; `make demo` does it, too) and show its verdicts
	@python scripts/experiment.py --experiment $(EXPERIMENT) >/dev/null  # Snakemake reads it more loosely
	@$(SNAKEMAKE)
	@python scripts/summarize.py --show results/$(NAMED)/summary.json
	@echo "Report: results/$(NAMED)/report.html"

adapt: $(READY)  ## adapt to a domain's texts (TEXTS=my.txt AUDIO= NAME= BASE= LANGUAGE= SOURCE= COLUMN= CHANNEL=)
	@experiment=$$(python scripts/adapt.py --profile $(PROFILE) \
	    $(foreach key,$(ADAPT),$(call given,$(key)))); \
	    test -z "$$experiment" || { snakemake --profile $(PROFILE) --configfile $$experiment && \
	    python scripts/outcome.py results/$$(basename $$experiment .yaml); }

status: $(READY)  ## how far a running experiment is (EXPERIMENT=my.yaml)
	@python scripts/status.py --experiment $(NAMED)

listen: $(READY)  ## a page to listen to the synthetic speech that is there (EXPERIMENT=my.yaml, N=5)
	@python scripts/listen.py --experiment $(EXPERIMENT) $(if $(N),--utterances $(N))

efficiency: $(READY)  ## what its jobs asked for and what they used
	@python scripts/efficiency.py --experiment $(NAMED)

audit: $(READY)  ## is all as its lineage says, and does each number keep to what it claims?
	@for name in $(NAMED) $(call key,shared); do python scripts/lineage.py audit results/$$name; done
	@python scripts/leakage.py --check results/$(NAMED)/summary.json

trace: $(READY)  ## what a number was made from (ROW="voicemail pretrained", or FILE=...)
	@python scripts/lineage.py trace $(if $(ROW),results/$(NAMED)/summary.json --row $(ROW),$(FILE))

export: exporters  ## run an experiment that has `exports`: its delivered models for faster-whisper and whisper.cpp, too
	@grep -q '^exports:' $(EXPERIMENT) || { echo "$(EXPERIMENT) names no forms; add a line to it:"; \
	    echo "exports: [ctranslate2-int8, ctranslate2-float16, ggml]"; exit 1; }
	@$(MAKE) --no-print-directory run

test: coqui exporters checks lint unit  ## lint, unit tests, the tiny workflow, and the demo cut to minutes

lint: checks  ## ruff, mypy, snakefmt, snakemake --lint
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check Snakefile rules
	snakemake --lint
	snakemake --lint --configfile experiments/demo.yaml

unit: $(READY) checks
	pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder --durations=15

coqui: $(READY)  ## add Coqui TTS (40 packages) to the virtual environment
	@python -c 'import TTS' 2>/dev/null || python -m pip install --quiet \
	    --disable-pip-version-check --no-deps --requirement requirements-coqui.lock

exporters: $(READY)  ## add what writes and runs models in services' forms to the virtual environment
	@python -c 'import faster_whisper, pywhispercpp' 2>/dev/null || python -m pip install --quiet \
	    --disable-pip-version-check --no-deps --requirement requirements-export.lock

checks: $(READY)  ## add what only the tests need: a type checker, a browser's driver, a validator
	@python -c 'import espeakng_loader, hypothesis, mypy, playwright, xdist' 2>/dev/null || python -m pip install --quiet \
	    --disable-pip-version-check --no-deps --requirement requirements-tests.lock
	@test -x $(VALIDATOR)/bin/rocrate-validator || { $(PYTHON) -m venv $(VALIDATOR) && \
	    $(VALIDATOR)/bin/python -m pip install --quiet --disable-pip-version-check \
	    --requirement requirements-validator.lock; }

advisories: $(READY)  ## which locked packages have known weaknesses (pip-audit; it asks pypi.org)
	@test -x $(AUDITOR)/bin/pip-audit || { $(PYTHON) -m venv $(AUDITOR) && \
	    $(AUDITOR)/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1; }
	@for lock in requirements*.lock; do echo "-- $$lock"; \
	    $(AUDITOR)/bin/pip-audit --no-deps --disable-pip --requirement $$lock || failed=1; done; \
	    exit $${failed:-0}

bench: peers  ## ours and the peers side by side: benchmarks/README.md (QUICK=1, ONLY="sweep features")
	@test -s results/drascula/summary.json || $(MAKE) run EXPERIMENT=experiments/drascula.yaml
	@for name in $(or $(ONLY),$(BENCHMARKS)); do \
	    echo "-- $$name"; python benchmarks/$$name.py $(if $(QUICK),--quick --repeats 1); done
	@test -n "$(QUICK)" || python benchmarks/table.py

peers: $(READY)  ## add what only the benchmarks need: whom they compare with
	@python -c 'import faster_whisper, mergekit' 2>/dev/null || python -m pip install --quiet \
	    --disable-pip-version-check --no-deps --requirement requirements-bench.lock

docs: $(READY)  ## write docs/options.md and docs/figure.svg from the schema, the rules and the demo
	@python docs/generate.py
	@python docs/figure.py

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
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" sh envs/syn2real.post-deploy.sh
	@touch $@

clean:  ## remove results and logs; fetched files and the environment stay
	rm -rf results logs

lock: $(READY)  ## resolve requirements.in again: lock files and conda environments
	@python envs/lock.py
