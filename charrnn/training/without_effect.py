"""Settings that change nothing, beside others."""

from __future__ import annotations

from collections.abc import Iterator

from charrnn.settings import TrainSettings


def without_effect(settings: TrainSettings) -> Iterator[str]:
    """Say in a line each which of complete settings do nothing: a person may have meant more by them."""
    _, layers, hidden, embed = settings.shape()
    if settings.variational and not settings.dropout:
        yield "--variational does nothing without --dropout, which is 0"
    if settings.residual and layers == 1 and embed != hidden:
        yield (
            f"--residual does nothing for one layer of {hidden} features on an embedding of {embed}: inputs are added "
            "to outputs where both are as wide"
        )
