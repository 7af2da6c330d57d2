"""The rows of csv and tsv files. A cell is text, as it stands: ``007`` is no number, and ``NA`` is a word."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from charrnn.corpora.rows.columns import Columns
from charrnn.errors import CorpusError
from charrnn.tokenizers.segments import aligned

_TAB, _COMMA = "\t", ","
#: What else stands between cells, where the header has no comma.
_OTHERS = (";", "\t", "|")
_BATCH = 1000
#: A cell may be a whole book.
_LARGEST_CELL = 2**31 - 1
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


class CsvRows:
    """Rows, of which the first names the columns.

    Args:
        name: of the file, for messages.
        read: yields its text, from the start, in pieces.
        tabs: whether tabs stand between cells.

    Raises:
        CorpusError: it has no columns, or two of one name.
    """

    def __init__(self, name: str, read: Callable[[], Iterator[str]], *, tabs: bool) -> None:
        self._name = name
        self._read = read
        first = next(_lines(read()), "")
        others = [each for each in _OTHERS if each in first]
        self._delimiter = _TAB if tabs else others[0] if _COMMA not in first and others else _COMMA
        self._header = next(self._rows(), [])
        twice = next((each for each in self._header if self._header.count(each) > 1), None)
        if twice is not None:
            raise CorpusError(f"'{name}' names two columns '{twice}'; rename one of them in its first line")
        self.columns = Columns(name, dict.fromkeys(self._header, "string"))

    def batches(self, names: list[str]) -> Iterator[Any]:
        """Yield tables of these columns.

        Raises:
            CorpusError: a row has more cells than there are columns, or quotes that do not end.
        """
        import pyarrow

        places = [self._header.index(name) for name in names]
        rows = islice(self._rows(), 1, None)
        while some := list(islice(rows, _BATCH)):
            cells = [[row[place] if place < len(row) else None for row in some] for place in places]
            yield pyarrow.table({name: pyarrow.array(each, "string") for name, each in zip(names, cells, strict=True)})

    def _rows(self) -> Iterator[list[str]]:
        csv.field_size_limit(_LARGEST_CELL)
        reader = csv.reader(_lines(self._read()), delimiter=self._delimiter, strict=True)
        columns = None
        try:
            for row in reader:
                if not row:
                    continue
                columns = columns or len(row)
                if any(row[columns:]):
                    raise CorpusError(
                        f"'{self._name}' has {len(row)} cells in line {reader.line_num}, and {columns} columns in its "
                        f"first; a cell with {self._delimiter!r} in it stands in quotes"
                    )
                yield row
        except csv.Error as error:
            raise CorpusError(
                f"'{self._name}' cannot be read as csv, in line {reader.line_num}: {error}; mend that line, or give "
                "the file another suffix to read it as plain text"
            ) from None


def _lines(texts: Iterable[str]) -> Iterator[str]:
    """Cut a text that comes in pieces after each newline."""
    for whole in aligned(texts, lambda text: text.rfind("\n") + 1):
        yield from _LINE.findall(whole)
