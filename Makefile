# Each target sets up what it needs on a fresh machine; a second call does not set up again.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint types check check-core check-corpora check-runs check-plugins check-ranks picture bench bench-generation bench-ranks cells results soak fuzz proof-packing proof-streaming proof-prompt proof-help clean

# Two minutes of training on the standard library's source, then two samples.
demo: $(READY)
	$(BIN)/charrnn train pystdlib --time 2m
	$(BIN)/charrnn sample --temp 0.8 --num 2

test: lint types check

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

# The plugins' tests apart: ours run with no plugin but the built-in one. One thread each, so that with --jobs=2 the two do
# not wait for each other; their models are too small for more.
check: check-core check-corpora check-runs check-plugins check-ranks

check-core: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest tests $(addprefix --ignore tests/,corpora runs crashes fuzz ranks)

check-corpora: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/corpora

check-runs: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/runs tests/crashes tests/fuzz

check-plugins: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest plugins

check-ranks: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/ranks

# The picture of the live view in the README, from a real run.
picture: $(READY)
	$(BIN)/python docs/live_view.py docs/live-view.svg

# How fast it is, against what it could be: writes docs/benchmarks.md; give it twenty minutes and the machine for itself.
bench: $(READY)
	$(BIN)/python -m benchmarks.speed

# How fast text is generated: writes docs/generation-speed.md; give it ten minutes and the machine for itself.
bench-generation: $(READY)
	$(BIN)/python -m benchmarks.generation

# What a second process brings here: writes a table into docs/scaling.md; give it three minutes and the machine for itself.
bench-ranks: $(READY)
	$(BIN)/python -m benchmarks.ranks

# Every cell trained alike: writes docs/cells.md; CORPUS is a text file, or whatever charrnn train takes.
CORPUS ?= tinyshakespeare
cells: $(READY)
	$(BIN)/python -m benchmarks.cells $(CORPUS)

# What models learn: writes docs/results.md; most of a day, by rows that are kept (ONLY=presets/quick takes one).
ONLY ?=
results: $(READY)
	$(BIN)/python -m benchmarks.results $(CORPUS) --only "$(ONLY)"

# Kills training so many times and goes on each time; the outcome stands in docs/reliability.md.
KILLS ?= 200
SEED ?= 1
soak: $(READY)
	$(BIN)/python -m tests.crashes.soak --kills $(KILLS) --seed $(SEED)

# Calls charrnn on spoiled files, texts and arguments, so many times; the outcome stands in docs/reliability.md.
CASES ?= 20000
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz --cases $(CASES) --seed $(SEED)

# Slow proofs, whose outcomes stand in docs/costs.md.
proof-packing: $(READY)
	$(BIN)/python -m benchmarks.corpora.packing

proof-streaming: $(READY)
	$(BIN)/python -m benchmarks.corpora.streaming

proof-prompt: $(READY)
	$(BIN)/python -m benchmarks.prompt_memory

proof-help: $(READY)
	$(BIN)/python benchmarks/help_time.py

# The stamp is written last, so that a set-up that was interrupted is done again. --group needs pip 25.1.
$(READY): pyproject.toml constraints.txt $(wildcard plugins/*/pyproject.toml)
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[zstd,plot,tensorboard]" --group dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-build-isolation $(addprefix --editable ./,$(wildcard plugins/charrnn-*))
	touch $(READY)

clean:
	rm -rf $(VENV)
