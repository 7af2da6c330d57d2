"""Measure all, print it, and write docs/generation-speed.md: ``make bench-generation``."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.generation.command import cold_start, make_run, plugin_flags, sample
from benchmarks.generation.shape import Shape
from benchmarks.generation.worker import Worker
from benchmarks.speed.machine import describe

_DOCS = Path(__file__).parents[2] / "docs" / "generation-speed.md"
_TEMPLATE = Path(__file__).parent / "page.md"
_PART = re.compile(r"<!-- (\w+) -->(.*?)<!-- / -->", re.DOTALL)
_ROUNDS = 7
_SIZES = [(2, 128), (2, 512), (3, 1024)]


def measure(shape: Shape, *ways: str) -> dict[str, float]:
    """Return medians of steps a second, the ways taken in turn, each in a process of its own."""
    workers = {way: Worker(way, shape) for way in ways}
    found: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(_ROUNDS):
        for way, worker in workers.items():
            found[way].append(worker.measure())
    for worker in workers.values():
        worker.close()
    return {way: statistics.median(rates) for way, rates in found.items()}


def one_text() -> Iterator[str]:
    """Compare ways to write one text with reading the weights once a character."""
    return _beside_torch(1, ["read_numpy", "read_torch"], lambda shape: (shape.bytes, "B/s"))


def many_texts() -> Iterator[str]:
    """Compare ways to write 64 texts with the products alone."""
    return _beside_torch(64, ["multiply_numpy", "multiply_torch"], lambda shape: (shape.operations, "operations/s"))


def _beside_torch(lanes: int, limits: list[str], work: Callable[[Shape], tuple[int, str]]) -> Iterator[str]:
    """Compare with torch and with a limit, which is so much work a step."""
    yield "| LSTM | `torch.nn.LSTM`, characters a second | plain torch steps | charrnn | of the limit | the limit |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for size in _SIZES:
        shape = Shape(*size, lanes=lanes)
        found = measure(shape, "kernel", "plain", "charrnn", *limits)
        limit = max(found[each] for each in limits)
        amount, unit = work(shape)
        yield (
            f"| {shape} | {_k(lanes * found['kernel'])} | {found['plain'] / found['kernel']:.2f} | "
            f"{_k(lanes * found['charrnn'])}, {found['charrnn'] / found['kernel']:.2f} | "
            f"{found['charrnn'] / limit:.0%} | {_k(lanes * limit)}: {amount * limit / 1e9:.0f} G{unit} |"
        )


def plugins() -> Iterator[str]:
    """Compare a plugin's cell in charrnn with a loop written around it."""
    yield "| a plugin's LSTM | texts | a loop around it, characters a second | charrnn |"
    yield "| --- | --- | --- | --- |"
    for size, lanes in (((2, 128), 1), ((2, 512), 1), ((2, 128), 64), ((2, 512), 64)):
        shape = Shape(*size, lanes=lanes)
        found = measure(shape, "hand", "plugin")
        ratio = found["plugin"] / found["hand"]
        yield f"| {shape} | {lanes} | {_k(lanes * found['hand'])} | {ratio:.2f} |"


def program() -> Iterator[str]:
    """Compare ``charrnn sample`` with the loop inside it, and its start with importing torch."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        yield "| `charrnn sample` | characters a second, printed | of the loop's speed |"
        yield "| --- | --- | --- |"
        for size, short in zip(_SIZES, (20_000, 4_000, 200), strict=True):
            shape = Shape(*size, lanes=1)
            name = make_run(folder, shape)
            worker, rates, loop = Worker("charrnn", shape), [], []
            for _ in range(_ROUNDS):
                loop.append(worker.measure())
                rates.append(4 * short / (sample(folder, name, 5 * short) - sample(folder, name, short)))
            worker.close()
            rate = statistics.median(rates)
            yield f"| {shape} | {_k(rate)} | {rate / statistics.median(loop):.0%} |"
        yield ""
        yield "| `charrnn sample --length 200`, cold | seconds | `import torch` | times that |"
        yield "| --- | --- | --- | --- |"
        shape = Shape(2, 256, lanes=1)
        for cell, title in (("lstm", "built-in LSTM 2x256"), ("plain-lstm", "a plugin's LSTM 2x256")):
            ours, torch = cold_start(folder, make_run(folder, shape, cell), plugin_flags(cell))
            yield f"| {title} | {ours:.2f} | {torch:.2f} | {ours / torch:.2f} |"


def _k(rate: float) -> str:
    return f"{rate:.0f}" if rate < 1000 else f"{rate / 1000:.1f} k"


def main() -> None:
    """Fill in the page."""
    parts = {
        "rounds": iter([str(_ROUNDS)]),
        "machine": iter([describe()]),
        "one": one_text(),
        "many": many_texts(),
        "plugins": plugins(),
        "program": program(),
    }
    found = {}
    for name, lines in parts.items():
        shown = []
        for line in lines:
            print(line, flush=True)
            shown.append(line)
        text = "\n".join(shown).strip()
        found[name] = text if len(shown) == 1 else f"\n\n{text}\n\n"
    template = _TEMPLATE.read_text(encoding="utf-8")
    _DOCS.write_text(
        _PART.sub(lambda part: f"<!-- {part[1]} -->{found[part[1]]}<!-- / -->", template), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
