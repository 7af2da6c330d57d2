"""The live view, on a terminal."""

from __future__ import annotations

import math
import time
from itertools import chain
from types import TracebackType

from rich.console import Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from charrnn.controls import printable, printable_line
from charrnn.reporting.console import SafeConsole
from charrnn.reporting.pace import Pace
from charrnn.reporting.plain import finished
from charrnn.reporting.profile import profiled
from charrnn.reporting.text import clock, megabytes, remaining
from charrnn.training.events import (
    Evaluated,
    Event,
    Finished,
    Logged,
    Notice,
    Preparing,
    Profiled,
    Sampled,
    Started,
)

_REFRESHES = 8
_BLOCKS = "▁▂▃▄▅▆▇█"
_CURVE = 32
_SAMPLE_LINES = 8
#: Figures side by side, at most, and the columns that each needs, its name included.
_ACROSS, _FIGURE_WIDTH = 3, 33


class LiveReporter:
    """A bar, the figures, and now and then a fresh sample.

    Args:
        console: where to draw; on standard error, so that it never mixes with results.
    """

    wants_samples = True

    def __init__(self, console: SafeConsole) -> None:
        self._console = console
        self._preparing: Preparing | None = None
        self._pace = Pace()
        self._started: Started | None = None
        self._logged: Logged | None = None
        self._evaluated: list[Evaluated] = []
        self._sample = ""
        self._finished = ""
        # Nothing else is written while it runs, so that there is nothing to redirect.
        self._live = Live(
            console=console,
            refresh_per_second=_REFRESHES,
            redirect_stdout=False,
            redirect_stderr=False,
            get_renderable=self.view,
        )

    def __enter__(self) -> LiveReporter:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        if self._finished:
            self._console.print(printable_line(self._finished))

    def listen(self, event: Event) -> None:
        """Take the event into the view."""
        match event:
            case Preparing():
                self._preparing = event
            case Notice():
                self._console.print(printable_line(event.text), style="yellow")
            case Started():
                self._started, self._preparing = event, None
            case Logged():
                self._logged = event
            case Evaluated():
                self._evaluated.append(event)
            case Sampled():
                self._sample = event.text
            case Profiled():
                self._console.print(profiled(event), soft_wrap=True)
            case Finished():
                self._finished = finished(event)
            case _:
                pass

    def view(self) -> RenderableType:
        """Draw all of it."""
        if self._preparing is not None:
            return self._reading(self._preparing)
        if self._started is None:
            return Text("")
        rows: list[RenderableType] = [self._bar(self._started), self._figures()]
        if self._sample:
            lines = printable(self._sample).split("\n")[:_SAMPLE_LINES]
            text = Text("\n".join(lines), overflow="ellipsis", no_wrap=True)
            rows.append(Panel(text, title="sample", title_align="left", border_style="dim"))
        # A terminal writes ^C where the cursor is: at the end of a full line, all would move up by one.
        return Group(*rows, Text(""))

    def _reading(self, event: Preparing) -> RenderableType:
        row, doing = Table.grid(padding=(0, 1)), printable_line(event.doing)
        if event.total:
            bar = ProgressBar(total=event.total, completed=min(event.done, event.total), width=40)
            left = self._pace.left(event)
            shown = f"{megabytes(event.done)} of {megabytes(event.total)}"
            row.add_row(doing, bar, shown if left is None else f"{shown}, {clock(left)} left")
        else:
            bar = ProgressBar(total=None, pulse=True, width=40, animation_time=time.monotonic())
            row.add_row(doing, bar, megabytes(event.done))
        return row

    def _bar(self, started: Started) -> RenderableType:
        logged = self._logged
        progress = logged.progress if logged else 0.0
        seconds = logged.seconds if logged else 0.0
        step = logged.step if logged else started.step
        of = f"/{started.total_steps:,}" if started.total_steps else ""
        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(no_wrap=True)
        row.add_column(ratio=1)
        row.add_column(no_wrap=True)
        row.add_row(
            Text(printable_line(started.run), style="bold"),
            ProgressBar(total=1.0, completed=progress),
            Text.assemble(
                f"{progress:4.0%}  step {step:,}{of}  ",
                (clock(seconds), "cyan"),
                " elapsed  ",
                (clock(remaining(seconds, progress)), "cyan"),
                " left",
            ),
        )
        return row

    def _figures(self) -> RenderableType:
        logged, evaluated = self._logged, self._evaluated
        if logged is None:
            return Text("starting", style="dim")
        last = evaluated[-1] if evaluated else None
        bits = 1 / math.log(2) / (self._started.chars_per_token if self._started else 1.0)
        figures: list[tuple[str, RenderableType]] = [
            ("train", _loss(logged.loss, logged.loss * bits)),
            ("speed", f"{logged.chars_per_second:,.0f} chars/s"),
            ("learning rate", f"{logged.lr:.2e}"),
            ("validation", _loss(last.nats_per_token, last.bits_per_char) if last else "not yet"),
            ("epoch", f"{logged.epoch:.2f}"),
            ("gradient norm", f"{logged.grad_norm:.3f}"),
        ]
        known = [(each.nats_per_token, each.bits_per_char, each.step) for each in evaluated]
        if self._started and (before := self._started.best):  # of a run that is gone on with
            known.append((before["nats_per_token"], before["bits_per_char"], before["step"]))
        if known:
            nats, bits_per_char, step = min(known)
            figures += [("best", _loss(nats, bits_per_char)), ("at step", f"{step:,}")]
        if evaluated:
            figures.append(("validation", _curve([each.nats_per_token for each in evaluated])))
        return _laid_out(figures, self._console.width)


def _laid_out(figures: list[tuple[str, RenderableType]], width: int) -> RenderableType:
    """Set as many figures side by side as a terminal has room for, whole."""
    across = max(1, min(_ACROSS, width // _FIGURE_WIDTH))
    table = Table.grid(padding=(0, 2))
    for _ in range(across):
        table.add_column(style="dim", no_wrap=True)
        table.add_column(no_wrap=True)
    for first in range(0, len(figures), across):
        table.add_row(*chain.from_iterable(figures[first : first + across]))
    return table


def _loss(nats: float, bpc: float) -> Text:
    return Text.assemble((f"{nats:.4f}", "bold"), f" nats  {bpc:.4f} bpc")


def _curve(values: list[float]) -> str:
    """Draw the last values as blocks, the highest of them full."""
    shown = values[-_CURVE:]
    low, high = min(shown), max(shown)
    scale = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BLOCKS[round((value - low) * scale)] for value in shown)
