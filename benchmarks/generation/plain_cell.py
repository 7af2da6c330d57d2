"""A plugin with the LSTM that its author writes in plain PyTorch."""

from __future__ import annotations

from charrnn.hookspecs import RegisterCell, hookimpl


@hookimpl
def register_cells(register: RegisterCell) -> None:
    """Offer it."""
    register("plain-lstm", "benchmarks.speed.cells:PlainLSTM")
