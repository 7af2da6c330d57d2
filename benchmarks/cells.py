"""Trains every registered cell alike, and writes docs/cells.md: ``make cells CORPUS=tinyshakespeare.txt``.

Two layers of as many features as give each model the same number of parameters, the same steps on the same text.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

import charrnn
from benchmarks.speed.machine import describe
from charrnn.device import keep_freed_memory
from charrnn.errors import DivergedError
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
    first: float | None  # none where it diverged before it was logged
    last: float | None
    rate: float | None


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


def train(corpus: str, cell: str, options: dict[str, Any], hidden: int, count: int, runs: str) -> Row:
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

    shown = _name(cell, options)
    plugin = plugins().cells[cell].owner.plugin
    try:
        charrnn.train(
            corpus,
            checkpoints=runs,
            listen=listen,
            cell=cell,
            cell_options=options,
            layers=LAYERS,
            hidden=hidden,
            embed=EMBED,
            dropout=0.0,
            layer_norm=False,
            random_offset=False,
            seq_len=SEQ_LEN,
            batch_size=BATCH,
            lr=RATE,
            steps=STEPS,
            eval_every=STEPS,
            eval_tokens=50_000,
        )
    except DivergedError:
        return Row(shown, plugin, hidden, count, losses[0] if losses else None, None, None)
    return Row(shown, plugin, hidden, count, losses[0], scores[-1], statistics.median(rates))


def main() -> None:
    """Train them all, and fill in the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", default="tinyshakespeare")
    parser.add_argument("--rows", type=Path, help="keep finished rows in this file, and go on from it")
    asked = parser.parse_args()
    keep_freed_memory()
    rows = [Row(**json.loads(line)) for line in asked.rows.read_text().splitlines()] if _is_there(asked.rows) else []
    with TemporaryDirectory() as runs:
        first = charrnn.train(asked.corpus, checkpoints=runs, cell="rnn", layers=1, hidden=8, embed=8, steps=1)
        vocab_size = first.tokenizer.vocab_size
        wanted = parameters(REFERENCE, {}, REFERENCE_HIDDEN, vocab_size)
        for entry in plugins().cells:
            for options in [{}, *VARIANTS.get(entry.name, [])]:
                if any(row.name == _name(entry.name, options) for row in rows):
                    continue
                hidden = hidden_size(entry.name, options, wanted, vocab_size)
                count = parameters(entry.name, options, hidden, vocab_size)
                rows.append(train(asked.corpus, entry.name, options, hidden, count, runs))
                print(rows[-1], flush=True)
                if asked.rows:
                    asked.rows.open("a").write(json.dumps(asdict(rows[-1])) + "\n")
    write(rows, wanted)


def _is_there(file: Path | None) -> bool:
    return file is not None and file.exists()


def _name(cell: str, options: dict[str, Any]) -> str:
    return " ".join([cell, *(f"{key}={value}".lower() for key, value in options.items())])


def write(rows: list[Row], wanted: int) -> None:
    """Fill in the page."""
    reference = next(row.rate for row in rows if row.name == REFERENCE)
    lines = []
    for row in sorted(rows, key=lambda row: row.last or math.inf):
        first = "" if row.first is None else f"{row.first:.2f}"
        last = "diverged" if row.last is None else f"{row.last:.3f}"
        rates = (
            "| " if row.rate is None or reference is None else f"{row.rate / 1e3:.0f} k | {row.rate / reference:.2f}"
        )
        lines.append(
            f"| `{row.name}` | {row.plugin} | {row.hidden} | {row.parameters:,} | {first} | {last} | {rates} |"
        )
    values = {"rows": "\n".join(lines), "machine": describe(), "parameters": f"{wanted:,}"}
    values |= {"steps": STEPS, "embed": EMBED, "seq_len": SEQ_LEN, "batch": BATCH, "rate": f"{RATE:g}"}
    PAGE.write_text(TEMPLATE.read_text(encoding="utf-8").format(**values), encoding="utf-8")


if __name__ == "__main__":
    main()
