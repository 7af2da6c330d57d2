"""Only some of the rows: those in which columns have the values that a person asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from charrnn.corpora.rows.columns import Columns
from charrnn.errors import CorpusError, near_names

_LABEL = "--filter"
#: Other values of a column that are remembered, to name them where none was the right one.
_REMEMBERED = 1000


class RowFilter:
    """Lets a row through when every column has its value.

    Args:
        conditions: the value by column, as text or as TOML has it.
        columns: of the rows.

    Raises:
        CorpusError: there is no such column, or it holds lists or the like.
    """

    def __init__(self, conditions: Mapping[str, Any], columns: Columns) -> None:
        for column in conditions:
            columns.require_plain(column, _LABEL)
        self._wanted = {column: self._plain(value) for column, value in conditions.items()}
        self._columns = columns
        self._refused: dict[str, set[str]] = {column: set() for column in conditions}
        self._seen = self._passed = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that it looks at."""
        return tuple(self._wanted)

    def passes(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row is one of those asked for."""
        self._seen += 1
        for column, wanted in self._wanted.items():
            value = row[column]
            written = self._columns.written(column, value, _LABEL)
            if written == wanted or (isinstance(value, bool) and written == wanted.lower()):
                continue
            if column in self._columns.labels and wanted == str(value):  # a class by its number
                continue
            refused = self._refused[column]
            if len(refused) < _REMEMBERED:
                refused.add(written)
            return False
        self._passed += 1
        return True

    def require_rows(self) -> None:
        """Make sure that some row was let through, where there were any.

        Raises:
            CorpusError: none was; the message gives the near values.
        """
        if self._passed or not self._seen or not self._wanted:
            return
        told = " ".join(f"{column}={value}" for column, value in self._wanted.items())
        column = max(self._refused, key=lambda each: len(self._refused[each]))
        near = near_names(self._wanted[column], (each[:40] for each in self._refused[column]))
        raise CorpusError(f"{_LABEL} {told}: no row of '{self._columns.of}' has that; values of {column}: {near}")

    @staticmethod
    def _plain(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)
