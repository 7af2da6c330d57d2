"""Runs side by side, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from charrnn.layers import flag
from charrnn.reporting.tables import print_wide_table
from charrnn.reporting.text import clock
from charrnn.runs.comparison import Summary

_COLUMNS = ["name", "corpus", "model", "parameters", "steps", "time", "bits/char", "nats/token", "chars/s"]


def print_comparison(runs: Sequence[Summary], settings: Sequence[str]) -> None:
    """Print a row a run, with a column for each of the settings, by its flag."""
    print_wide_table(
        [*_COLUMNS, *map(flag, settings)],
        [[*_figures(each), *(_shown(each.settings[name]) for name in settings)] for each in runs],
    )


def different_texts(groups: Sequence[Sequence[Summary]]) -> str:
    """Say in a line which runs were validated on which text."""
    told = "; ".join(f"{', '.join(each.name for each in group)} on {_text(group[0])}" for group in groups)
    return f"losses on different text do not compare: {told}"


def _text(summary: Summary) -> str:
    text = summary.validated_on
    assert text is not None
    return f"{text.scored:,} tokens of {summary.corpus} ('{text.split}', from token {text.start:,})"


def _figures(each: Summary) -> list[Any]:
    return [
        each.name,
        each.corpus,
        f"{each.cell} {each.layers}x{each.hidden}",
        _count(each.parameters),
        _count(each.steps),
        clock(each.seconds),
        each.bits_per_char,
        each.nats_per_token,
        _count(each.chars_per_second),
    ]


def _count(number: float | None) -> str | None:
    return None if number is None else f"{number:,.0f}"


def _shown(value: Any) -> str | None:
    """Write a setting as its flag would be given."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ",".join(f"{key}={each}" for key, each in value.items()) or None
    if isinstance(value, float):
        return f"{value:g}"
    return None if value is None else repr(value) if isinstance(value, str) and not value.isprintable() else str(value)
