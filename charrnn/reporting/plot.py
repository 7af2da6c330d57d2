"""Loss curves in a terminal: each run has a letter, and a colour where there are any.

An evaluation is its run's letter, training a thin line of dots; without colours, the lines of several runs are told
apart by small letters in place of the dots.
"""

from __future__ import annotations

import shutil
import string
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rich.text import Text

from charrnn.controls import printable_line
from charrnn.errors import UsageError
from charrnn.reporting.axis import Axis
from charrnn.reporting.canvas import COLUMNS, ROWS, Canvas
from charrnn.reporting.console import SafeConsole
from charrnn.runs.curves import Curves, Point, last_place, loss_range, thinned

_COLOURS = ("cyan", "yellow", "magenta", "green", "red", "blue")
_LETTERS = string.ascii_uppercase
_LEAST_WIDTH, _LEAST_HEIGHT, _MOST_HEIGHT = 20, 6, 24
#: Columns and rows between two values that are written on an axis, at least.
_APART = (12, 3)


def print_plot(drawn: Sequence[Curves], loss: str, against: str) -> None:
    """Print curves, as wide as the terminal, or 80 columns (``COLUMNS``) in a pipe.

    Args:
        drawn: at least one run's.
        loss: what the unit of the loss is called.
        against: what they are drawn against.

    Raises:
        UsageError: they are more than there are letters.
    """
    if len(drawn) > len(_LETTERS):
        raise UsageError(f"{len(drawn)} runs are more than a plot can tell apart; name {len(_LETTERS)} at most")
    columns, rows = shutil.get_terminal_size()
    console = SafeConsole(width=columns)
    height = max(_LEAST_HEIGHT, min(_MOST_HEIGHT, rows - len(drawn) - 5))
    plot = _Plot(drawn, max(columns - 1, _LEAST_WIDTH), height, console)
    console.print(Text(loss, style="bold"))
    for line in (*plot.lines(), *plot.legend(against)):
        line.rstrip()
        console.print(line, no_wrap=True, overflow="ellipsis", crop=True)


class _Plot:
    """What is drawn, and how much room there is.

    Args:
        drawn: the curves.
        width: of all of it, in columns.
        height: of the curves, in rows.
        console: says whether there are colours, and signs beyond ASCII.
    """

    def __init__(self, drawn: Sequence[Curves], width: int, height: int, console: SafeConsole) -> None:
        self._rich = console.encoding.startswith("utf")
        coloured = console.color_system is not None and not console.no_color
        #: Whether training is drawn in small letters.
        self._small = not self._rich or (len(drawn) > 1 and not coloured)
        self._drawn = thinned(drawn, width if self._small else width * COLUMNS)
        self._y = Axis(*loss_range(self._drawn), length=height * ROWS)
        self._labels = {dot // ROWS: label for dot, label in self._y.ticks(max(2, height // _APART[1])).items()}
        self._margin = max(map(len, self._labels.values()), default=0) + 1
        self._width = width - self._margin - 1
        self._x = Axis(0.0, last_place(drawn), length=self._width * COLUMNS)
        self._canvas = Canvas(self._width, height)
        self._height = height

    def lines(self) -> Iterator[Text]:
        """Draw the curves within their axes."""
        for number, each in enumerate(self._drawn):
            self._draw_training(each.training, number)
        for number, each in enumerate(self._drawn):
            for at, loss in each.validation:
                style = f"bold {_colour(number)}"
                self._canvas.letter(self._x.place(at), self._y.place(loss), _LETTERS[number], style)
        corner, right, up, down, line = "└┤│┬─" if self._rich else "++|+-"
        for row, drawn in enumerate(self._canvas.lines()):
            label = self._labels.get(self._height - 1 - row, "")
            yield Text.assemble(f"{label:>{self._margin - 1}} ", right if label else up, drawn)
        ticks = {dot // COLUMNS: label for dot, label in self._x.ticks(max(2, self._width // _APART[0])).items()}
        yield Text(" " * self._margin + corner + "".join(down if at in ticks else line for at in range(self._width)))
        yield Text(" " * self._margin + self._beneath(ticks))

    def legend(self, against: str) -> Iterator[Text]:
        """Say which letter is which run."""
        yield Text(f"{against:>{self._margin + 1 + self._width}}")
        for number, each in enumerate(self._drawn):
            letter = _LETTERS[number]
            told = [f"training {each.training[-1][1]:.4f} at last"] if each.training else []
            if each.best:
                told.insert(0, f"validation {each.best[1]:.4f} at best")
            name = printable_line(each.name)
            yield Text.assemble((f"{letter} {name}", f"bold {_colour(number)}"), f"  {', '.join(told)}")

    def _draw_training(self, points: Sequence[Point], number: int) -> None:
        style = _colour(number)
        for x, loss in _joined(points, self._x, COLUMNS if self._small else 1):
            y = self._y.place(loss)
            if self._small:
                self._canvas.letter(x, y, _LETTERS[number].lower(), style)
            else:
                self._canvas.dot(x, y, style)

    def _beneath(self, ticks: dict[int, str]) -> str:
        line = ""
        for at, label in ticks.items():
            start = max(0, min(at + 1 - len(label) // 2, self._width + 1 - len(label)))
            if start > len(line) or not line:
                line = f"{line:<{start}}{label}"
        return line


def _joined(points: Sequence[Point], axis: Axis, width: int) -> Iterator[tuple[int, float]]:
    """Return a loss for each ``width`` dots: what was measured there, or what lies between its neighbours."""
    there = {axis.place(at) // width: loss for at, loss in points}
    for (left, before), (right, after) in pairwise(there.items()):
        for column in range(left, right):
            yield column * width, before + (after - before) * (column - left) / (right - left)
    for column in list(there)[-1:]:
        yield column * width, there[column]


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]
