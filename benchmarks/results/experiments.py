"""What is trained."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from benchmarks.cells import hidden_size, parameters

#: Characters of Tiny Shakespeare that differ: cells are made equal in parameters for a vocabulary of this size.
_VOCABULARY = 65
#: Characters that a run keeps its best weights by: the first half of what is held back, so that the second half has
#: chosen nothing.
_CHOSEN_BY = 55_770
#: Cells at equal parameters have as many as this one, with two layers of so many features.
_REFERENCE, _FEATURES = "lstm", 256
#: Each cell is trained at each of these: one rate would favour one cell.
_RATES = (2e-3, 6e-3)
_STEPS = 2000
#: What presets would switch on.
_BARE = ("--no-layer-norm", "--no-random-offset", "--ema", "0")


@dataclass(frozen=True)
class Experiment:
    """A training run.

    Attributes:
        table: where it stands.
        name: in that table.
        arguments: of ``charrnn train CORPUS``.
    """

    table: str
    name: str
    arguments: tuple[str, ...]

    @property
    def key(self) -> str:
        """Name it among all."""
        return f"{self.table}/{self.name}"

    def asked(self, seed: int) -> tuple[str, ...]:
        """Return what follows the corpus on the command line."""
        return (*self.arguments, "--eval-tokens", str(_CHOSEN_BY), "--seed", str(seed))

    def command(self, corpus: Path, seed: int) -> str:
        """Return what a person types."""
        return shlex.join(["charrnn", "train", corpus.name, *self.asked(seed)])


def experiments() -> list[Experiment]:
    """Return all of them, the quickest first."""
    return [*_presets(), *_cells(), *_techniques()]


def _presets() -> list[Experiment]:
    budgets = {"quick": "3m", "good": "20m", "best": "90m"}
    return [Experiment("presets", name, ("--preset", name, "--time", time)) for name, time in budgets.items()]


def _cells() -> list[Experiment]:
    """Each cell for as many steps, and for as long, at equal parameters but for those of the norms."""
    wanted = parameters(_REFERENCE, {}, _FEATURES, _VOCABULARY)
    budgets = {"steps": ("--steps", str(_STEPS)), "time": ("--time", "3m")}
    found = []
    variants = [(f"{rate:g}", (*_BARE, "--lr", f"{rate:g}")) for rate in _RATES]
    variants.append((f"layer norm {_RATES[1]:g}", (*_BARE, "--layer-norm", "--lr", f"{_RATES[1]:g}")))
    for (equal, budget), cell, (name, more) in product(budgets.items(), ("rnn", "gru", "lstm"), variants):
        hidden = hidden_size(cell, {}, wanted, _VOCABULARY)
        shape = ("--cell", cell, "--layers", "2", "--hidden", str(hidden), "--embed", "64", "--dropout", "0")
        chunk = ("--seq-len", "128", "--batch-size", "16")
        found.append(Experiment(f"cells-{equal}", f"{cell} {name}", (*shape, *chunk, *more, *budget)))
    return found


def _techniques() -> list[Experiment]:
    """Each technique by itself, added to (or taken from) a normed LSTM, for so many steps that it begins to overfit."""
    alone: dict[str, tuple[str, ...]] = {
        "as it is": (),
        "no dropout": ("--dropout", "0"),
        "dropout 0.4": ("--dropout", "0.4"),
        "variational dropout": ("--variational",),
        "weight drop 0.2": ("--weight-drop", "0.2"),
        "zoneout 0.05": ("--zoneout", "0.05"),
        "no layer norm": ("--no-layer-norm",),
        "residual": ("--residual",),
        "tied": ("--tied", "--embed", str(_FEATURES)),
        "orthogonal": ("--orthogonal",),
        "random offset": ("--random-offset",),
        "average 0.999": ("--ema", "0.999"),
        "clip by value 0.1": ("--clip", "0", "--clip-value", "0.1"),
        "rmsprop": ("--optimizer", "rmsprop", "--lr", "2e-3"),
    }
    shape = ("--cell", "lstm", "--layers", "2", "--hidden", str(_FEATURES), "--embed", "64", "--dropout", "0.2")
    chunk = ("--seq-len", "128", "--batch-size", "16", "--lr", "6e-3", "--steps", "4000")
    base = (*shape, *_BARE, "--layer-norm", *chunk)
    return [Experiment("techniques", name, (*base, *more)) for name, more in alone.items()]
