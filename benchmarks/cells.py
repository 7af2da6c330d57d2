"""Trains every registered cell alike, and writes docs/cells.md: ``make cells CORPUS=tinyshakespeare.txt``.

Two layers of as many features as give each model the same number of parameters, the same steps on the same text.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

import charrnn
from benchmarks.speed.machine import describe
from charrnn.device import keep_freed_memory
from charrnn.model import model_shapes
from charrnn.plugins import plugins
from charrnn.settings import ModelSettings
from charrnn.training.events import Evaluated, Event, Logged

STEPS, LAYERS = 300, 2
EMBED, SEQ_LEN, BATCH, RATE = 64, 64, 32, 2e-3
#: The others have as many parameters as this one.
REFERENCE, REFERENCE_HIDDEN = "lstm", 192
PAGE = Path(__file__).parents[1] / "docs" / "cells.md"
TEMPLATE = Path(__file__).parent / "cells_page.md"
#: Other options than the default that stand in the table as well.
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "rnn": [{"activation": "relu"}, {"activation": "sigmoid"}],
    "article-rnn": [{"activation": "tanh"}],
    "article-lstm": [{"squash": "tanh"}, {"form": "pseudocode"}],
    "article-gru": [{"form": "pseudocode"}],
    "sru": [{"peephole": True}],
}


@dataclass(frozen=True)
class Row:
    """What a cell came to."""

    name: str
    plugin: str
    hidden: int
    parameters: int
    first: float
    last: float
    rate: float


def parameters(cell: str, options: dict[str, Any], hidden: int, vocab_size: int) -> int:
    """Count a model's parameters without building it."""
    settings = ModelSettings(cell=cell, cell_options=options, layers=LAYERS, hidden=hidden, embed=EMBED, dropout=0.0)
    return sum(torch.Size(shape).numel() for shape in model_shapes(settings, vocab_size).values())


def hidden_size(cell: str, options: dict[str, Any], wanted: int, vocab_size: int) -> int:
    """Find the size, a multiple of 8, whose number of parameters comes nearest."""
    sizes = range(8, 4096, 8)
    low, high = 0, len(sizes) - 1
    while low < high:
        middle = (low + high) // 2
        if parameters(cell, options, sizes[middle], vocab_size) < wanted:
            low = middle + 1
        else:
            high = middle
    near = sizes[max(low - 1, 0) : low + 1]
    return min(near, key=lambda size: abs(parameters(cell, options, size, vocab_size) - wanted))


def train(corpus: str, cell: str, options: dict[str, Any], hidden: int, runs: str) -> Row:
    """Train one cell."""
    losses: list[float] = []
    rates: list[float] = []
    scores: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, Logged):
            losses.append(event.loss)
            rates.append(event.chars_per_second)
        if isinstance(event, Evaluated):
            scores.append(event.nats_per_token)

    session = charrnn.train(
        corpus,
        checkpoints=runs,
        listen=listen,
        cell=cell,
        cell_options=options,
        layers=LAYERS,
        hidden=hidden,
        embed=EMBED,
        dropout=0.0,
        seq_len=SEQ_LEN,
        batch_size=BATCH,
        lr=RATE,
        steps=STEPS,
        eval_every=STEPS,
        eval_tokens=50_000,
    )
    shown = " ".join([cell, *(f"{key}={value}".lower() for key, value in options.items())])
    plugin = plugins().cells[cell].owner.plugin
    return Row(shown, plugin, hidden, session.model.parameter_count(), losses[0], scores[-1], statistics.median(rates))


def main() -> None:
    """Train them all, and fill in the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", default="tinyshakespeare")
    parser.add_argument("--only", help="one cell, and write nothing")
    asked = parser.parse_args()
    keep_freed_memory()
    began = time.perf_counter()
    rows = []
    with TemporaryDirectory() as runs:
        first = charrnn.train(asked.corpus, checkpoints=runs, cell="rnn", layers=1, hidden=8, embed=8, steps=1)
        vocab_size = first.tokenizer.vocab_size
        wanted = parameters(REFERENCE, {}, REFERENCE_HIDDEN, vocab_size)
        for entry in plugins().cells:
            if asked.only in (None, entry.name):
                for options in [{}, *VARIANTS.get(entry.name, [])]:
                    hidden = hidden_size(entry.name, options, wanted, vocab_size)
                    rows.append(train(asked.corpus, entry.name, options, hidden, runs))
                    print(rows[-1], flush=True)
                    assert rows[-1].last < rows[-1].first, f"{rows[-1].name} has learned nothing"
    if asked.only is None:
        write(rows, wanted, (time.perf_counter() - began) / 60)


def write(rows: list[Row], wanted: int, minutes: float) -> None:
    """Fill in the page."""
    reference = next(row for row in rows if row.name == REFERENCE)
    lines = [
        f"| `{row.name}` | {row.plugin} | {row.hidden} | {row.parameters:,} | {row.first:.2f} | {row.last:.3f} | "
        f"{row.rate / 1e3:.0f} k | {row.rate / reference.rate:.2f} |"
        for row in sorted(rows, key=lambda row: row.last)
    ]
    values = {"rows": "\n".join(lines), "machine": describe(), "minutes": f"{minutes:.0f}", "parameters": f"{wanted:,}"}
    values |= {"steps": STEPS, "embed": EMBED, "seq_len": SEQ_LEN, "batch": BATCH, "rate": f"{RATE:g}"}
    PAGE.write_text(TEMPLATE.read_text(encoding="utf-8").format(**values), encoding="utf-8")


if __name__ == "__main__":
    main()
