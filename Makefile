# make env | outputs | sweep | docs | test | test-plain | bench | params | lock | help
PRESET ?= phantom
CORES  ?= $(shell env -u OMP_NUM_THREADS nproc 2>/dev/null || echo 2)
PYTHON ?= 3.11
UV     := $(shell command -v uv || echo .uv/bin/uv)
BIN    := $(CURDIR)/.venv/bin
export PATH := $(BIN):$(PATH)
export SKINNB_PLAIN := 1
# Large allocations stay in the process: training on a CPU gains up to a half (glibc reads these before Python starts).
export MALLOC_MMAP_THRESHOLD_ := 1073741824
export MALLOC_TRIM_THRESHOLD_ := 1073741824
export MALLOC_TOP_PAD_ := 67108864
# Idle threads sleep: busy-waiting ones bring processes that share two cores to a crawl (a page with all cores waits awake).
export OMP_WAIT_POLICY := passive
# What was asked for, each as NAME=value; one that was given empty is passed on and refused, as is a misspelt one.
words := PRESET CORES GPUS PROFILE RUN BACKBONE SEED PAGES FRESH
asked = $(foreach v,$(words),$(if $(filter undefined,$(origin $v)),,'$v=$(subst ','\'',$($v))'))
given := $(foreach w,$(MAKEOVERRIDES),$(if $(findstring =,$w),$w))
strange := $(filter-out $(addsuffix =%,$(words) PYTHON UV),$(given))
$(if $(strange),$(error unknown $(strange); accepted are $(words) PYTHON))

.PHONY: help env outputs sweep docs test test-plain bench params lock
help:
	@echo "make outputs                          every page on the embedded phantoms, into outputs/phantom"
	@echo "make outputs PRESET=real              the same pages on real data (SKINNB_DATA, SKINNB_WEIGHTS)"
	@echo "make outputs PRESET=paper             the papers' own budgets, for a GPU"
	@echo "     BACKBONE=convnext_tiny SEED=7    change one thing, in a run of its own (RUN=mine names it)"
	@echo "     PAGES=recall_first/02_train      this page and what it needs"
	@echo "     CORES=2 GPUS=1 FRESH=1           how much may run at once; everything computed anew"
	@echo "     PROFILE=slurm                    one job per page on a cluster (configs/slurm)"
	@echo "make sweep                            configs/sweep.yaml: backbones x seeds, into outputs/sweep"
	@echo "make docs                             a searchable site of the executed pages, in _docs (RUN=mine: of that run)"
	@echo "make test                             every check"
	@echo "make test-plain                       every page's checks as on a plain processor"
	@echo "make bench                            speed beside the peers"
	@echo "make env                              only the environment, in .venv"

env: .venv/.ready

$(filter .uv/bin/uv,$(UV)):
	python3 -m venv .uv && .uv/bin/pip install --quiet uv

# (pyproject.toml is left out: nbdev-export touches it each time)
.venv/.ready: requirements.lock requirements-weights.txt settings.ini setup.py | $(filter .uv/bin/uv,$(UV))
	@echo "Setting up .venv (the first time takes a minute or two and 6 GB)"
	@test -x .venv/bin/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --compile-bytecode -r requirements.lock
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --require-hashes -r requirements-weights.txt
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@sh tools/hooks.sh
	@touch $@

# An edited page is exported before anything imports it.
skinnb/_modidx.py: $(shell find nbs -name '*.ipynb' -not -path '*/.*') | .venv/.ready
	@nbdev-export && touch $@

outputs: .venv/.ready skinnb/_modidx.py
	@python tools/engine.py $(asked)

sweep: .venv/.ready skinnb/_modidx.py
	@python tools/engine.py SWEEP=1 $(asked)

docs: .venv/.ready skinnb/_modidx.py
	@python tools/docs.py $(asked)

test: .venv/.ready
	@sh tests/run.sh

test-plain: .venv/.ready skinnb/_modidx.py
	@OMP_NUM_THREADS=3 HF_HUB_OFFLINE=1 sh tests/plain.sh nbdev_test --n-workers 1 --timing

params: .venv/.ready
	@python tools/params.py

bench: .venv/.ready
	@for b in bench/bench_*.py; do echo "== $$b"; python $$b; done

lock: | $(filter .uv/bin/uv,$(UV))
	$(UV) pip compile --quiet --upgrade --python-version 3.11 pyproject.toml --extra dev --extra docs --extra generation -o requirements.lock --no-emit-index-url --no-annotate --no-header
