# make ch4 | make ch5 | make ch6 | make ch7 | make ch8 | make book | make test | make test-backends | make check-environment      (ARGS="--quick --seeds 8" is passed on to the chapter)
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
# a process a core; with more than one thread each they would take the cores from one another, many times slower
ONE_THREAD := TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 OMP_NUM_THREADS=1
# one more than there are cores: tests that start programs of their own wait for these a quarter of the time
PROCESSES := $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
PYTEST := $(ONE_THREAD) $(BIN)/python -m pytest -n $(PROCESSES) --dist worksteal
# JAX mostly compiles: here in half the time, and each program once, whichever test or process needs it
QUICK_JAX := JAX_DISABLE_MOST_OPTIMIZATIONS=1 JAX_COMPILATION_CACHE_DIR=$(abspath $(VENV))/jax_programs \
	JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0.05 JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1

# any version that the extra allows; this one is known to work, and its plain name pulls no CUDA where a CPU build is at hand
TORCH ?= torch==2.13.0
# what is tested on the other backends as well: what works on all of them; on JAX also the replica trainer as its users
# meet it, and the checks, whose evaluations on torch go one by one and would take minutes
ON_ALL := $(addprefix tests/,schedules optimizers callbacks range_test) \
	$(addprefix tests/test_,model_state.py gradients.py noise_scale.py batch_statistics.py curvature.py) \
	tests/checks/test_function_check.py
ON_JAX := $(addprefix tests/replicas/test_,trainer.py budgets.py early_stopping.py results.py independence.py) \
	$(addprefix tests/checks/test_,gradient_check.py initial_loss.py penalty.py)

# what looks at the pages: Debian's Chromium, and the rules of accessibility
AXE_CORE ?= axe-core@4.14.1
AXE := $(VENV)/node/node_modules/axe-core/axe.min.js

# these make the whole book, several times over
LONG := $(addprefix benchmarks/,book.py interruptions.py)

.PHONY: ch4 ch5 ch6 ch7 ch8 book test test-backends browser lint check-environment benchmarks clean

ch4 ch5 ch6 ch7 ch8: $(READY)
	$(BIN)/python -m chapters.$@ $(ARGS)

book: $(READY)
	$(BIN)/python -m chapters $(ARGS)

test: $(READY) lint
	AXE=$(abspath $(AXE)) $(PYTEST) $(ARGS)

test-backends: $(READY)
	$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install --quiet '$(TORCH)'
	KERAS_BACKEND=jax $(QUICK_JAX) $(PYTEST) --dist loadfile $(ON_ALL) $(ON_JAX) -m "not tensorflow"
	KERAS_BACKEND=torch $(PYTEST) --dist loadfile $(ON_ALL) -m "not tensorflow"

browser: $(AXE)
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || { command -v apt-get >/dev/null || \
	{ echo 'expected chromium and chromedriver, got neither them nor apt-get to install them; install both' >&2; exit 2; }; \
	apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-driver; }

$(AXE): $(READY)
	npm install --silent --no-audit --no-fund --no-save --prefix $(VENV)/node '$(AXE_CORE)'
	@touch $@

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-environment: $(READY)
	$(BIN)/python -m textbook.environment

benchmarks: $(READY)
	for script in $(filter-out $(LONG),$(wildcard benchmarks/*.py)); do $(BIN)/python $$script || exit 1; done

$(READY): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo 'expected Python 3.11 or newer, got '"$$($(PYTHON) --version 2>&1)"'; name one: make PYTHON=python3.12 ch4' >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) figures out
