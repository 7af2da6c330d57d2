"""The recurrent cells exactly as a well-known tutorial writes them, for those who compare formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charrnn import hookimpl

if TYPE_CHECKING:
    from charrnn.hookspecs import Register


@hookimpl
def register_cells(register: Register) -> None:
    """Offer the three cells."""
    register(
        "article-rnn",
        "charrnn_article_cells.rnn:ArticleRNN",
        summary="the article's RNN; option activation=sigmoid|tanh|relu",
    )
    register(
        "article-lstm",
        "charrnn_article_cells.lstm:ArticleLSTM",
        summary="the article's LSTM; options form=equations|pseudocode, squash=sigmoid|tanh",
    )
    register(
        "article-gru",
        "charrnn_article_cells.gru:ArticleGRU",
        summary="the article's GRU; option form=equations|pseudocode",
    )
