"""The text column of a dataset's rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from charrnn.errors import CorpusError, near_names
from charrnn.settings import CorpusSettings

#: Columns that hold the text in most datasets, tried in this order.
_USUAL = ("text", "content", "sentence", "document")
_TEXT = ("string", "large_string", "str")
_BATCH = 1000


def texts(dataset: Any, settings: CorpusSettings, name: str) -> Iterator[str]:
    """Yield the texts of a ``datasets`` Dataset or IterableDataset, row by row; empty rows are passed over.

    Raises:
        CorpusError: no such column, or it does not hold text.
    """
    chosen = text_column(_kinds(dataset), settings.column, name)
    for batch in dataset.select_columns([chosen]).iter(batch_size=_BATCH):
        for value in batch[chosen]:
            if isinstance(value, str):
                if value:
                    yield value
            elif value is not None:
                raise CorpusError(
                    f"column '{chosen}' of '{name}' holds {type(value).__name__} where text should be; "
                    "choose another by --column"
                )


def text_column(kinds: Mapping[str, str], column: str | None, name: str) -> str:
    """Choose the column: the one asked for, a usual name, or the only one that holds text.

    Args:
        kinds: each column's type, by name.
        column: the one asked for.
        name: what the columns are of, for messages.

    Raises:
        CorpusError: the choice is not clear, or it does not hold text.
    """
    holding_text = [each for each, kind in kinds.items() if kind in _TEXT]
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


def _kinds(dataset: Any) -> dict[str, str]:
    """Name each column's type; a stream of csv or json knows its columns only by its first row."""
    if dataset.features is not None:
        return {name: getattr(feature, "dtype", type(feature).__name__) for name, feature in dataset.features.items()}
    first: dict[str, Any] = next(iter(dataset), {})
    return {name: type(value).__name__ for name, value in first.items()}
