"""How well a model predicts a text, as figures under their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from charrnn.reporting.echo import say

_LABELS = {
    "log_probability": "log-probability",
    "nats_per_token": "nats per token",
    "bits_per_char": "bits per character",
    "bits_per_byte": "bits per byte",
    "perplexity": "perplexity",
    "tokens": "tokens",
    "chars": "characters",
    "bytes": "bytes",
}


def print_figures(figures: Mapping[str, Any], without: Iterable[str] = ()) -> None:
    """Print a score's figures, one a line.

    Args:
        figures: by name.
        without: names that are left out.
    """
    for key, label in _LABELS.items():
        if key not in without:
            value = figures[key]
            say(f"{label:<20}{value:>14,}" if isinstance(value, int) else f"{label:<20}{value:>14.4f}")
