"""Recurrent cells of the literature, each written as one time step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charrnn import hookimpl

if TYPE_CHECKING:
    from charrnn.hookspecs import Register


@hookimpl
def register_cells(register: Register) -> None:
    """Offer the five cells."""
    register(
        "mlstm",
        "charrnn_research_cells.mlstm:MultiplicativeLSTM",
        summary="multiplicative LSTM: each input has a transition of its own",
    )
    register(
        "mogrifier",
        "charrnn_research_cells.mogrifier:MogrifierLSTM",
        summary="Mogrifier LSTM: input and state gate each other first; options rounds=N, rank=N",
    )
    register(
        "indrnn",
        "charrnn_research_cells.indrnn:IndRNN",
        summary="independently recurrent network: a unit sees its own past only; option activation=relu|tanh",
    )
    register(
        "mgu",
        "charrnn_research_cells.mgu:MinimalGatedUnit",
        summary="minimal gated unit: a GRU of one gate",
    )
    register(
        "ln-lstm",
        "charrnn_research_cells.ln_lstm:LayerNormLSTM",
        summary="LSTM with layer normalization of both products and of the memory",
    )
