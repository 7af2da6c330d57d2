"""``charrnn corpora``."""

from __future__ import annotations

import json as json_format
from typing import Annotated, Any

import typer

from charrnn.cli.completion import completes
from charrnn.cli.parameters import Json, read_flags, takes_settings
from charrnn.plugins import plugins
from charrnn.settings import CorpusSettings, PreparationSettings, TokenizerSettings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="List, show and build corpora.")


@app.command("list")
def list_(json: Json = False) -> None:
    """List the corpora that have a name."""
    entries = list(plugins().corpora)
    if json:
        typer.echo(
            json_format.dumps(
                [{"name": each.name, "summary": each.summary, "plugin": each.owner.plugin} for each in entries]
            )
        )
        return
    from charrnn.reporting.tables import print_table

    print_table(["name", "what it is"], [[each.name, each.summary] for each in entries])


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A corpus's name.", autocompletion=completes("corpora"))],
    json: Json = False,
) -> None:
    """Show what is known of a corpus, without fetching it."""
    entry = plugins().corpora[name]
    target = entry.load()
    known: dict[str, Any] = {"name": entry.name, "summary": entry.summary, "plugin": entry.owner.plugin}
    if hasattr(target, "model_dump"):
        known |= {key: value for key, value in target.model_dump().items() if value is not None}
    if json:
        typer.echo(json_format.dumps(known))
        return
    for key, value in known.items():
        typer.echo(f"{key:<12}{value!r}" if key == "separator" else f"{key:<12}{value}")


@app.command()
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
        typer.echo(json_format.dumps({"directory": str(pack.directory), "dtype": pack.dtype, "splits": pack.splits}))
        return
    vocabulary = prepared.fitted.tokenizer.vocab_size
    for split, counts in pack.splits.items():
        typer.echo(f"{split}: {counts['tokens']:,} tokens of {vocabulary:,}, {counts['chars']:,} characters")
    typer.echo(f"in {pack.directory}")
