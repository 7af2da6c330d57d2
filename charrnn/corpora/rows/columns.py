"""The columns of a dataset's rows: their types, and their values as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from charrnn.errors import CorpusError, near_names

#: How ``datasets`` and Arrow call text.
TEXT = ("string", "large_string", "string_view")
#: How the types begin whose values can be written plainly.
_PLAIN = re.compile(r"(large_)?str(ing|$)|bool|class_label|null|u?int|float|double|decimal|date|time|duration")
_PLAIN_VALUES = (str, int, float, Decimal, date, time, timedelta)
#: Rows of a csv or json stream that are looked at for a column's type, where the first ones hold nothing in it.
_ROWS = 1000


@dataclass(frozen=True)
class Columns:
    """Columns by name.

    Attributes:
        of: what they are the columns of, for messages.
        kinds: each column's type.
        labels: the names of the classes of those that hold class labels, as numbers in the rows.
    """

    of: str
    kinds: Mapping[str, str]
    labels: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of_dataset(cls, dataset: Any, name: str) -> Columns:
        """Find the columns of a ``datasets`` Dataset or IterableDataset."""
        if dataset.features is None:  # a stream of csv or json
            return cls(name, _looked_at(dataset))
        return cls.of_features(dataset.features, name)

    @classmethod
    def of_features(cls, features: Mapping[str, Any], name: str) -> Columns:
        """Read the columns' types from ``datasets`` features."""
        labels = {key: list(each.names) for key, each in features.items() if _is_label(each)}
        return cls(name, {key: _kind(each) for key, each in features.items()}, labels)

    def text(self) -> list[str]:
        """Name those that hold text."""
        return [name for name, kind in self.kinds.items() if kind in TEXT]

    def require_plain(self, column: str, label: str) -> None:
        """Make sure that a column is there and its values can be written as text.

        Args:
            column: its name.
            label: what asks for it, such as ``--template``.

        Raises:
            CorpusError: it is not, or they cannot.
        """
        if column not in self.kinds:
            raise CorpusError(f"{label}: '{self.of}' has no column '{column}': {near_names(column, self.kinds)}")
        if not _PLAIN.match(self.kinds[column]):
            raise self._no_plain(column, label, self.kinds[column])

    def written(self, column: str, value: Any, label: str) -> str:
        """Write a value: nothing where it is null, a class label by its name, true and false in small letters.

        Raises:
            CorpusError: it is a list or something else that has no plain form.
        """
        if isinstance(value, str):
            return value
        if value is None:
            return ""
        if column in self.labels and isinstance(value, int):
            names = self.labels[column]
            return names[value] if 0 <= value < len(names) else ""  # the hub marks what has no label by -1
        if not isinstance(value, _PLAIN_VALUES):
            raise self._no_plain(column, label, type(value).__name__)
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _no_plain(self, column: str, label: str, kind: str) -> CorpusError:
        plain = [name for name, each in self.kinds.items() if _PLAIN.match(each) and name != column]
        return CorpusError(
            f"{label}: column '{column}' of '{self.of}' holds {kind}, no text or number; "
            f"take one of: {', '.join(plain) or '(there is none)'}"
        )


def _is_label(feature: Any) -> bool:
    return type(feature).__name__ == "ClassLabel"


def _kind(feature: Any) -> str:
    """Name a feature's type; of what is made of others, the kind alone."""
    if _is_label(feature):
        return "class_label"
    if isinstance(feature, dict):
        return "struct"
    if type(feature).__name__ == "Json":  # what datasets makes of a column whose values differ in type
        return "values of several types"
    return getattr(feature, "dtype", None) or type(feature).__name__


def _looked_at(rows: Any) -> dict[str, str]:
    kinds: dict[str, str] = {}
    for row in islice(rows, _ROWS):
        for name, value in row.items():
            if kinds.get(name, "null") == "null":
                kinds[name] = "null" if value is None else "string" if isinstance(value, str) else type(value).__name__
        if "null" not in kinds.values():
            break
    return kinds
