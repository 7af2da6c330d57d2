"""How cost grows with each size of a model and of its chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.speed.models import Shape, Stack, Training
from benchmarks.speed.timing import side_by_side
from charrnn.plugins import plugins

_BASE = Shape(layers=1, hidden=256, steps=64, lanes=32)
_ROUNDS = 3


@dataclass(frozen=True)
class Sweep:
    """One size that grows, and what the speed should do by the operations alone."""

    name: str
    field: str
    values: tuple[int, ...]
    law: Callable[[Shape], float]
    says: str


def _work(shape: Shape) -> float:
    return 1 / Training(Stack(plugins().cells["lstm"].load(), shape), shape).products()


SWEEPS = [
    Sweep("hidden features", "hidden", (64, 128, 256, 512, 1024, 2048), _work, "1 / parameters"),
    Sweep("steps of a chunk", "steps", (16, 64, 256, 1024, 4096), lambda _: 1.0, "constant"),
    Sweep("lanes", "lanes", (1, 4, 16, 64, 256), lambda _: 1.0, "constant, once the products are large"),
    Sweep("layers", "layers", (1, 2, 3, 4, 6), _work, "1 / parameters"),
]
CELLS = ("lstm", "gru")


def scaling(picture: Path) -> Iterator[str]:
    """Give the tables, and draw them."""
    drawn = []
    for sweep in SWEEPS:
        yield f"| {sweep.name} | lstm, characters a second | gru | law | lstm / law | gru / law |"
        yield "| --- | --- | --- | --- | --- | --- |"
        shapes = [replace(_BASE, **{sweep.field: value}) for value in sweep.values]
        laws = [sweep.law(shape) for shape in shapes]
        speeds = []
        for shape in shapes:
            cases = {name: Training(Stack(plugins().cells[name].load(), shape), shape) for name in CELLS}
            seconds = side_by_side(cases, _ROUNDS)
            speeds.append([shape.characters / seconds[name] for name in CELLS])
        # The law is a proportion: it is laid through the place where the LSTM does best by it.
        tops = [max(speed[column] / law for speed, law in zip(speeds, laws, strict=True)) for column in range(2)]
        for value, law, speed in zip(sweep.values, laws, speeds, strict=True):
            shares = [each / top / law for each, top in zip(speed, tops, strict=True)]
            yield (
                f"| {value} | {speed[0] / 1e3:.1f} k | {speed[1] / 1e3:.1f} k | {sweep.says} | "
                f"{shares[0]:.2f} | {shares[1]:.2f} |"
            )
        yield ""
        drawn.append((sweep, speeds, [[top * law for law in laws] for top in tops]))
    _draw(drawn, picture)


def _draw(drawn: list[tuple[Sweep, list[list[float]], list[list[float]]]], picture: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "charrnn"
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(2, 2, figsize=(10, 7.5), constrained_layout=True)
    for panel, (sweep, speeds, laws) in zip(panels.flat, drawn, strict=True):
        for column, (name, colour) in enumerate(zip(CELLS, ("tab:blue", "tab:orange"), strict=True)):
            panel.plot(sweep.values, [speed[column] for speed in speeds], "o-", color=colour, label=name)
            panel.plot(sweep.values, laws[column], "--", color=colour, alpha=0.5, label=f"{name}, by its operations")
        panel.set_xscale("log", base=2)
        panel.set_yscale("log")
        panel.set_xticks(sweep.values, [str(value) for value in sweep.values])
        panel.minorticks_off()
        panel.set_xlabel(sweep.name)
        panel.set_ylabel("characters a second")
        panel.grid(alpha=0.3)
    panels.flat[0].legend(fontsize="small")
    figure.suptitle(f"Training, from {_BASE} (layers x hidden, steps, lanes)")
    figure.savefig(picture, metadata={"Date": None})
    pyplot.close(figure)
