"""The built-in plugin: it registers through the same hooks as anyone's."""

from __future__ import annotations

from charrnn.hookspecs import Register, hookimpl


@hookimpl
def register_cells(register: Register) -> None:
    """The three classical cells."""
    register("rnn", "charrnn.cells.rnn:RNN", summary="Elman network; option activation=tanh|relu|sigmoid")
    register("lstm", "charrnn.cells.lstm:LSTM", summary="long short-term memory")
    register("gru", "charrnn.cells.gru:GRU", summary="gated recurrent unit; the default")


@hookimpl
def register_tokenizers(register: Register) -> None:
    """Characters, bytes, and learned pieces."""
    register("char", "charrnn.tokenizers.char:CharTokenizer", summary="one token a character; the default")
    register("byte", "charrnn.tokenizers.byte:ByteTokenizer", summary="one token a UTF-8 byte")
    register(
        "sentencepiece",
        "charrnn.tokenizers.sentencepiece:SentencePieceTokenizer",
        summary="pieces of words learned from the corpus; option vocab_size=N",
    )


@hookimpl
def register_corpora(register: Register) -> None:
    """One corpus a recipe file."""
    from charrnn.corpora.recipe import recipes

    for recipe in recipes():
        register(recipe.name, recipe, summary=recipe.summary)
