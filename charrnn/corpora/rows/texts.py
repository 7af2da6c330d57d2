"""The text of a dataset's rows: one column, or several put together, of all rows or of some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from charrnn.corpora.rows.columns import TEXT, Columns
from charrnn.corpora.rows.filter import RowFilter
from charrnn.corpora.rows.sources import Rows
from charrnn.corpora.rows.template import Template
from charrnn.errors import CorpusError, UsageError, near_names
from charrnn.settings import CorpusSettings

#: Columns that hold the text in most datasets, tried in this order.
_USUAL = ("text", "content", "sentence", "document")
_TEMPLATE = "--template"
#: Rows made into Python's objects at a time: a row may be a whole book.
_SLICE = 100


def texts(rows: Rows, settings: CorpusSettings, *, whole: bool = True) -> Iterator[str]:
    """Yield the texts of rows, one after another; those without text are passed over.

    Args:
        rows: only the columns that are needed are read.
        settings: ``column`` or ``template``, and ``filter``.
        whole: whether these are all rows, so that it is an error when the filter lets none through; a shard of them, or
            one of many files, may well have none.

    Raises:
        CorpusError: no such column, or it does not hold text; or the filter lets no row through.
        UsageError: both ``column`` and ``template``, or a template that cannot be read.
    """
    columns = rows.columns
    template = _template(settings, columns)
    chosen = "" if template else text_column(columns.kinds, settings.column, columns.of)
    wanted = RowFilter(settings.filter, columns)
    needed = list(dict.fromkeys([*(template.names if template else [chosen]), *wanted.columns]))
    for some in _slices(rows, needed):
        if needed == [chosen] and str(some.schema.types[0]) in TEXT:
            yield from filter(None, some.column(chosen).to_pylist())
            continue
        for values in zip(*(some.column(name).to_pylist() for name in needed), strict=True):
            row = dict(zip(needed, values, strict=True))
            if wanted.columns and not wanted.passes(row):
                continue
            text = _filled(template, row, columns) if template else row[chosen]
            if isinstance(text, str):
                if text:
                    yield text
            elif text is not None:
                others = ", ".join(each for each in columns.text() if each != chosen)
                raise CorpusError(
                    f"column '{chosen}' of '{columns.of}' holds {type(text).__name__} where text should be; choose "
                    f"another by --column: {others or '(there is none)'}"
                )
    if whole:
        wanted.require_rows()


def _slices(rows: Rows, names: list[str]) -> Iterator[Any]:
    for batch in rows.batches(names):
        for start in range(0, batch.num_rows, _SLICE):
            yield batch.slice(start, _SLICE)


def text_column(kinds: Mapping[str, str], column: str | None, name: str) -> str:
    """Choose the column: the one asked for, a usual name, or the only one that holds text.

    Args:
        kinds: each column's type, by name.
        column: the one asked for.
        name: what the columns are of, for messages.

    Raises:
        CorpusError: the choice is not clear, or it does not hold text.
    """
    holding_text = Columns(name, kinds).text()
    if column is not None:
        if column not in kinds:
            raise CorpusError(f"'{name}' has no column '{column}': {near_names(column, kinds)}")
        if column not in holding_text:
            raise CorpusError(
                f"column '{column}' of '{name}' holds {kinds[column]}, not text; columns of text: "
                f"{', '.join(holding_text) or 'none'}"
            )
        return column
    usual = [each for each in _USUAL if each in holding_text]
    if usual or len(holding_text) == 1:
        return (usual or holding_text)[0]
    if not holding_text:
        others = ", ".join(f"{each} ({kind})" for each, kind in kinds.items())
        raise CorpusError(f"'{name}' has no column of text, only: {others or 'nothing'}")
    raise CorpusError(f"'{name}' has several columns of text: choose one by --column {'|'.join(holding_text)}")


def row_template(text: str, columns: Columns) -> Template:
    """Read a template, and make sure that a dataset has its columns.

    Raises:
        UsageError: it cannot be read, or names no column.
        CorpusError: there is no such column, or it holds lists or the like.
    """
    template = Template(text, _TEMPLATE)
    if not template.names:
        raise UsageError(f"{_TEMPLATE} {text!r} names no column; write one in braces, such as {{text}}")
    for column in template.names:
        columns.require_plain(column, _TEMPLATE)
    return template


def _template(settings: CorpusSettings, columns: Columns) -> Template | None:
    if settings.template is None:
        return None
    if settings.column is not None:
        raise UsageError(f"--column {settings.column} and {_TEMPLATE} cannot both be given; leave one out")
    return row_template(settings.template, columns)


def _filled(template: Template, row: Mapping[str, Any], columns: Columns) -> str:
    """Fill in the template; a row that has nothing in any of its columns has no text."""
    values = {column: columns.written(column, row[column], _TEMPLATE) for column in template.names}
    return template.fill(values) if any(values.values()) else ""
