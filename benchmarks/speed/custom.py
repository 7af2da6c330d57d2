"""A custom cell against torch's kernels."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from benchmarks.speed.cells import MinGRU, PlainGRU, PlainLSTM
from benchmarks.speed.machine import matrix_rate
from benchmarks.speed.models import Kernel, Shape, Stack, Training, plainly
from benchmarks.speed.timing import side_by_side
from charrnn.plugins import plugins
from charrnn.recurrence import Compiler

SHAPES = [Shape(2, 128, 50, 50), Shape(2, 256, 64, 64), Shape(2, 256, 128, 16), Shape(2, 512, 128, 64)]
_KINDS = [("LSTM", torch.nn.LSTM, PlainLSTM), ("GRU", torch.nn.GRU, PlainGRU)]


def custom() -> Iterator[str]:
    """Give the table of custom cells."""
    rate = matrix_rate()
    yield "| cell, shape | torch.nn, characters a second | a loop under autograd | charrnn | `--compile` | built-in |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, kernel, cell in _KINDS:
        for shape in SHAPES:
            compiler = Compiler()
            builtin = plugins().cells[name.lower()].load()
            cases = {
                "kernel": Training(Kernel(kernel, shape), shape),
                "loop": Training(Stack(cell, shape, plainly), shape),
                "engine": Training(Stack(cell, shape), shape),
                "compiled": Training(Stack(cell, shape), shape, compiler),
                "built-in": Training(Stack(builtin, shape), shape),
            }
            seconds = side_by_side(cases)
            if compiler.failure:
                raise RuntimeError(compiler.failure)
            shares = {case: cases[case].products() * shape.characters / seconds[case] / rate for case in cases}
            ratios = [f"{seconds['kernel'] / seconds[case]:.2f} ({shares[case]:.0%})" for case in list(cases)[1:]]
            speed = shape.characters / seconds["kernel"]
            yield f"| {name} {shape} | {speed / 1e3:.1f} k ({shares['kernel']:.0%}) | " + " | ".join(ratios) + " |"


def scan() -> Iterator[str]:
    """Give the table of linear recurrences."""
    yield "| shape | built-in LSTM, characters a second | minGRU | times the LSTM |"
    yield "| --- | --- | --- | --- |"
    lstm = plugins().cells["lstm"].load()
    for shape in SHAPES:
        seconds = side_by_side(
            {"lstm": Training(Stack(lstm, shape), shape), "mingru": Training(Stack(MinGRU, shape), shape)}
        )
        ours, theirs = (shape.characters / seconds[name] / 1e3 for name in ("mingru", "lstm"))
        yield f"| {shape} | {theirs:.1f} k | {ours:.1f} k | {ours / theirs:.2f} |"
