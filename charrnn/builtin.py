"""The built-in plugin: it registers through the same hooks as anyone's."""

from __future__ import annotations

from charrnn.hookspecs import Register, RegisterCell, hookimpl


@hookimpl
def register_cells(register: RegisterCell) -> None:
    """The three classical cells."""
    register(
        "rnn",
        "charrnn.cells.rnn:RNN",
        summary="Elman network; option activation=tanh|relu|sigmoid",
        numpy="charrnn.cells.numpy_forms.rnn:RNN",
    )
    register(
        "lstm",
        "charrnn.cells.lstm:LSTM",
        summary="long short-term memory",
        numpy="charrnn.cells.numpy_forms.lstm:LSTM",
    )
    register(
        "gru",
        "charrnn.cells.gru:GRU",
        summary="gated recurrent unit; the default",
        numpy="charrnn.cells.numpy_forms.gru:GRU",
    )


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
    from charrnn.corpora.recipe.file import recipes

    for recipe in recipes():
        register(recipe.name, recipe, summary=recipe.summary)


@hookimpl
def register_warpers(register: Register) -> None:
    """What keeps the next token from being just any; each is a flag of ``charrnn sample`` as well."""
    where = "charrnn.generation.warpers"
    register("allow", f"{where}.text:Allow", summary="nothing but these characters; option characters=TEXT")
    register("ban", f"{where}.text:Ban", summary="never these texts; option texts=TEXT,TEXT")
    register(
        "repetition-penalty",
        f"{where}.repetition:RepetitionPenalty",
        summary="what came lately comes less; options penalty=NUMBER, window=N",
    )
    register("no-repeat-ngram", f"{where}.repetition:NoRepeatNgram", summary="no run of N tokens twice; option size=N")
    register("top-k", f"{where}.truncation:TopK", summary="the K likeliest tokens; option k=K")
    register("top-p", f"{where}.truncation:TopP", summary="the likeliest tokens that make up P; option p=P")
    register("min-p", f"{where}.truncation:MinP", summary="tokens at least P times as likely as the first; option p=P")
