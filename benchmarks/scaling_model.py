"""How long a pass over a corpus takes on many GPUs, worked out on paper: prints what docs/scaling.md quotes.

Nothing here was run on more than one GPU. Every input is named, with where it is from; what is worked out from them is
what would be left if all else went well.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "scaling.md"

VOCABULARY, EMBEDDING = 256, 64
#: Time steps and lanes of a chunk on one GPU.
STEPS, LANES = 128, 128
#: Bytes of a gradient; of a parameter in training: itself, its gradient, and AdamW's two averages.
GRADIENT, TRAINED = 4, 16

# One direction, in bytes a second a GPU: NVLink 4 has 900 GB/s in both (NVIDIA H100 data sheet), and a DGX H100 one
# network card of 400 Gbit/s a GPU (NVIDIA DGX H100 user guide, "Network Modules").
NVLINK, NETWORK = 450e9, 50e9
#: GPUs that NVLink connects.
MACHINE = 8
# Assumed, not measured: of those, what NCCL reaches; seconds that a message takes; those that a small one takes between
# two processors by TCP, as the exchange of every step.
REACHED, LATENCY, ROUND_TRIP = 0.7, 10e-6, 100e-6

# Bytes a second that one process packs, and GB/s of memory-mapped reading that nothing here comes near to
# (docs/costs.md): text files by characters and by bytes; rows of parquet.
PACKING = {"text, `char`": 159e6, "text, `byte`": 476e6, "rows, `char`": 57e6}


@dataclass(frozen=True)
class Model:
    """An LSTM, and the characters a second that one GPU learns from with it.

    Attributes:
        layers: of ``hidden`` features.
        hidden: features.
        rate: measured on one NVIDIA H200, without ``--compile`` (docs/benchmarks.md, "On a GPU").
    """

    layers: int
    hidden: int
    rate: float

    def __str__(self) -> str:
        return f"{self.layers}x{self.hidden}"

    @property
    def parameters(self) -> int:
        """Weights and biases, as torch's LSTM keeps them: two biases a gate."""
        inputs = [EMBEDDING, *[self.hidden] * (self.layers - 1)]
        cells = sum(4 * self.hidden * (size + self.hidden + 2) for size in inputs)
        return cells + VOCABULARY * (EMBEDDING + self.hidden + 1)


MODELS = (Model(2, 512, 1_078e3), Model(3, 1024, 617e3))


def all_reduce(size: float, gpus: int) -> float:
    """Return the seconds of a ring all-reduce: each GPU sends ``2 (N - 1) / N`` of it, in ``2 (N - 1)`` messages."""
    if gpus == 1:
        return 0.0
    bandwidth = (NVLINK if gpus <= MACHINE else NETWORK) * REACHED
    return 2 * (gpus - 1) / gpus * size / bandwidth + 2 * (gpus - 1) * LATENCY


def exchange(gpus: int) -> float:
    """Return the seconds of the exchange of every step: the clock, and whether anyone was asked to stop."""
    return 2 * math.ceil(math.log2(gpus)) * ROUND_TRIP if gpus > 1 else 0.0


def step(model: Model, gpus: int) -> tuple[float, float, float]:
    """Return the seconds of a step: computing, all-reduce, exchange, none at the same time as another."""
    return STEPS * LANES / model.rate, all_reduce(model.parameters * GRADIENT, gpus), exchange(gpus)


def rate_of_rank(model: Model, gpus: int) -> float:
    """Return the characters a second that each GPU learns from, with what it waits for others."""
    return STEPS * LANES / sum(step(model, gpus))


def steps_table() -> Iterator[str]:
    """What a step takes, and how much of it is computing."""
    yield "| LSTM | parameters | gradient, MB | GPUs | computing, ms | all-reduce, ms | exchange, ms | efficiency |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for model in MODELS:
        for gpus in (1, 8, 64):
            seconds = step(model, gpus)
            times = " | ".join(f"{1e3 * each:.1f}" for each in seconds)
            share = seconds[0] / sum(seconds)
            size = model.parameters * GRADIENT / 1e6
            yield f"| {model} | {model.parameters / 1e6:.1f} M | {size:.0f} | {gpus} | {times} | {share:.0%} |"


def passes_table() -> Iterator[str]:
    """What a pass over a corpus takes."""
    yield "| LSTM | GPUs | characters a second | a pass over 1 GB | 100 GB | 1 TB | steps a pass over 1 TB |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for model in MODELS:
        for gpus in (1, 8, 64):
            rate = gpus * rate_of_rank(model, gpus)
            times = " | ".join(_time(size / rate) for size in (1e9, 1e11, 1e12))
            count = 1e12 / (gpus * STEPS * LANES)
            yield f"| {model} | {gpus} | {rate / 1e6:.1f} M | {times} | {count / 1e6:.1f} M |"


def reading_table() -> Iterator[str]:
    """What packing takes, and what share of a process a stream does."""
    yield "| text | a process packs, MB/s | packing 1 TB | of that rate, what a rank's stream asks for (2x512) |"
    yield "| --- | --- | --- | --- |"
    for name, rate in PACKING.items():
        yield f"| {name} | {rate / 1e6:.0f} | {_time(1e12 / rate)} | {MODELS[0].rate / rate:.1%} |"


def asked_text() -> Iterator[str]:
    """What a rank asks of the disk, and of the process beside it that makes a stream ready, in words."""
    model = MODELS[0]  # the one that learns from more characters a second
    alone, eight, all_ranks = (rate_of_rank(model, gpus) / 1e6 for gpus in (1, MACHINE, 64))
    busy = [model.rate / rate for rate in PACKING.values()]
    yield f"A rank reads its own lanes, at a byte a token, at {alone:.2f} MB/s alone, {eight:.2f} as one of {MACHINE},"
    yield f"and {all_ranks:.2f} as one of 64 ({model}). The process beside it, at these rates of packing, is busy"
    yield f"for {min(busy):.1%} to {max(busy):.1%} of its time."


def memory_table() -> Iterator[str]:
    """What training a model takes beside its activations."""
    yield "| LSTM | parameters | weights, gradient and AdamW, GB |"
    yield "| --- | --- | --- |"
    for model in (*MODELS, Model(4, 4096, 0), Model(8, 8192, 0)):
        yield f"| {model} | {model.parameters / 1e6:,.0f} M | {model.parameters * TRAINED / 1e9:.1f} |"


#: What the page has of this script, by the marks around it.
QUOTED = {
    "steps": steps_table,
    "passes": passes_table,
    "reading": reading_table,
    "asked": asked_text,
    "memory": memory_table,
}


def filled(page: str) -> str:
    """Return the page with what it quotes as it is worked out now."""
    return re.sub(
        rf"<!-- ({'|'.join(QUOTED)}) -->.*?<!-- / -->",
        lambda part: f"<!-- {part[1]} -->\n" + "\n".join(QUOTED[part[1]]()) + "\n<!-- / -->",
        page,
        flags=re.DOTALL,
    )


def _time(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def main() -> None:
    """Print what the page quotes; with ``--write``, put it there."""
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    for lines in QUOTED.values():
        print("\n".join(lines()), end="\n\n")


if __name__ == "__main__":
    main()
