"""Cells that no matrix multiplies the state of, so that a whole sequence is one linear recurrence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charrnn import hookimpl

if TYPE_CHECKING:
    from charrnn.hookspecs import Register


@hookimpl
def register_cells(register: Register) -> None:
    """Offer the four cells."""
    register(
        "mingru",
        "charrnn_fast_cells.mingru:MinGRU",
        summary="minGRU: a gate that sees the input only; option candidate=linear|positive",
    )
    register(
        "minlstm",
        "charrnn_fast_cells.minlstm:MinLSTM",
        summary="minLSTM: two gates that see the input only; option candidate=linear|positive",
    )
    register(
        "sru",
        "charrnn_fast_cells.sru:SRU",
        summary="simple recurrent unit with a highway; options peephole=true|false, highway_bias=N",
    )
    register(
        "rglru",
        "charrnn_fast_cells.rglru:RGLRU",
        summary="real-gated linear recurrent unit of Griffin; option blocks=N",
    )
