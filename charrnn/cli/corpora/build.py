"""``charrnn corpora build``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from charrnn.cli.completion import completes
from charrnn.cli.parameters import Json, read_flags, takes_settings
from charrnn.reporting.echo import say, say_json
from charrnn.settings import CorpusSettings, PreparationSettings, TokenizerSettings


@takes_settings({"Corpus": CorpusSettings, "Tokenizer": TokenizerSettings})
def build(
    corpus: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A corpus's name, or whatever 'train' takes.", autocompletion=completes("corpora")
        ),
    ],
    json: Json = False,
    **settings: Any,
) -> None:
    """Turn a corpus into tokens in the cache, ready to train on."""
    from charrnn.corpora.prepare import prepare
    from charrnn.layers import flag
    from charrnn.options import check
    from charrnn.reporting import make_reporter
    from charrnn.training.events import Preparing

    asked = check(PreparationSettings, read_flags(settings), label=flag)
    with make_reporter(json=False) as reporter:
        prepared = prepare(corpus, asked, lambda *at: reporter.listen(Preparing(*at)))
    pack = prepared.pack
    if json:
        say_json({"directory": str(pack.directory), "dtype": pack.dtype, "splits": pack.splits})
        return
    vocabulary = prepared.fitted.tokenizer.vocab_size
    for split, counts in pack.splits.items():
        say(f"{split}: {counts['tokens']:,} tokens of {vocabulary:,}, {counts['chars']:,} characters")
    say(f"in {pack.directory}")
