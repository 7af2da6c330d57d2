"""Where a plot in a terminal is drawn: cells of two by four dots, in the signs of braille, or with a letter on them."""

from __future__ import annotations

from rich.text import Text

#: Dots of a cell.
COLUMNS, ROWS = 2, 4
_BLANK = 0x2800
#: The bit of each dot, by column, then by row from above (Unicode's chapter on braille).
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


class Canvas:
    """Some cells, all of them empty.

    Args:
        width: in cells.
        height: in cells.
    """

    def __init__(self, width: int, height: int) -> None:
        self._width = width
        self._height = height
        self._dots: dict[tuple[int, int], int] = {}
        self._letters: dict[tuple[int, int], str] = {}
        self._styles: dict[tuple[int, int], str] = {}

    def dot(self, x: int, y: int, style: str) -> None:
        """Set a dot, counted from below left; one that lies outside is left out."""
        row = self._height * ROWS - 1 - y
        cell = (row // ROWS, x // COLUMNS)
        if self._holds(cell):
            self._dots[cell] = self._dots.get(cell, 0) | _BITS[x % COLUMNS][row % ROWS]
            self._styles[cell] = style

    def letter(self, x: int, y: int, letter: str, style: str) -> None:
        """Write a letter over the cell that a dot is in."""
        cell = ((self._height * ROWS - 1 - y) // ROWS, x // COLUMNS)
        if self._holds(cell):
            self._letters[cell] = letter
            self._styles[cell] = style

    def lines(self) -> list[Text]:
        """Return the rows from above."""
        return [
            Text.assemble(*(self._cell((row, column)) for column in range(self._width))) for row in range(self._height)
        ]

    def _holds(self, cell: tuple[int, int]) -> bool:
        return 0 <= cell[0] < self._height and 0 <= cell[1] < self._width

    def _cell(self, cell: tuple[int, int]) -> tuple[str, str]:
        dots = self._dots.get(cell)
        sign = self._letters.get(cell) or (chr(_BLANK + dots) if dots else " ")
        return sign, self._styles.get(cell, "")
