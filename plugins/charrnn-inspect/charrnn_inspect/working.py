"""A calculation laid out as one writes it by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from charrnn_inspect.example import Example, state_names
from charrnn_inspect.trace import Array, Line

_DECIMALS = 4


def lay_out(example: Example, steps: Sequence[Sequence[Line]]) -> Iterator[str]:
    """Yield lines of text: the weights, then each step's terms below each other, with their sums."""
    shown = _given(example)
    numbers = [
        *(float(value) for array in shown.values() for value in array.flat),
        *(value for step in steps for line in step for value in line.values),
    ]
    width = max(len(_number(value)) for value in numbers)
    wide = max(len(name) for name in shown)
    for name, array in shown.items():
        for number, row in enumerate(array if array.ndim == 2 else [array]):
            yield f"{name if not number else '':{wide}} {'=' if not number else ' '} {_row(row, width)}"
    indent = max(len(_label(line)) for step in steps for line in step)
    for time, (label, x, step) in enumerate(zip(example.labels, example.inputs, steps, strict=True), 1):
        yield ""
        yield f"step {time}: {label}, x_{time} = [{' '.join(f'{value:g}' for value in x)}]"
        for line in step:
            yield f"{_label(line):{indent}}  {_row(line.values, width)}"


def _given(example: Example) -> dict[str, Array]:
    return {**example.weights, **dict(zip(state_names(example.cell), example.start, strict=True))}


def _label(line: Line) -> str:
    return f"{line.sign:1} {line.name}" + (f" = {line.formula}" if line.formula else "")


def _row(values: Sequence[float] | Array, width: int) -> str:
    return "  ".join(f"{_number(value):>{width}}" for value in values)


def _number(value: float) -> str:
    return f"{value:.{_DECIMALS}f}"


def record(example: Example, steps: Sequence[Sequence[Line]]) -> dict[str, Any]:
    """Return the same for JSON, unrounded."""
    return {
        "cell": example.cell,
        "activation": example.activation if example.cell == "rnn" else None,
        **{name: array.tolist() for name, array in _given(example).items()},
        "steps": [
            {"input": label, "x": x.tolist(), "lines": [asdict(line) for line in step]}
            for label, x, step in zip(example.labels, example.inputs, steps, strict=True)
        ],
    }
