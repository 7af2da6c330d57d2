"""``charrnn corpora show``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charrnn.cli.completion import completes
from charrnn.cli.parameters import Json, read_flags, takes_settings
from charrnn.plugins import plugins
from charrnn.reporting.echo import say_json
from charrnn.settings import CorpusSettings

if TYPE_CHECKING:
    from charrnn.corpora.statistics import Statistics

_SAMPLE = "--sample-bytes"
#: Characters that are listed at either end of the alphabet.
_LISTED = 10
#: A character more than the sample tells whether there is more of the text: none takes more bytes.
_MORE = 8


@takes_settings({"Corpus": CorpusSettings})
def show(
    corpus: Annotated[
        str,
        typer.Argument(
            metavar="CORPUS", help="A corpus's name, or whatever 'train' takes.", autocompletion=completes("corpora")
        ),
    ],
    sample_bytes: Annotated[
        str, typer.Option(_SAMPLE, metavar="SIZE", help="Read no more of each split, in bytes, such as 100MB.")
    ] = "16MB",
    json: Json = False,
    **settings: Any,
) -> None:
    """Show what is known of a corpus, then what its text is made of, and how long it takes to learn from."""
    from charrnn.layers import flag
    from charrnn.options import check
    from charrnn.reporting.corpora import print_facts, print_text

    asked = check(CorpusSettings, read_flags(settings), label=flag)
    sample = _sample(sample_bytes)
    facts = _facts(corpus)
    if facts and not json:
        print_facts(facts)
    try:
        text = _text(corpus, asked, sample)
    except Exception:
        if facts and json:
            say_json(facts)
        raise
    if json:
        say_json({"name": corpus, **facts, "text": text})
        return
    known = {*facts, "requested_revision", "separator"}
    found = {key: value for key, value in text["provenance"].items() if isinstance(value, str | int)}
    print_facts({key: value for key, value in found.items() if key not in known})
    print_text(text, sample)


def _sample(written: str) -> int:
    """Read the size as every other is read."""
    from charrnn.options import check

    size = check(CorpusSettings, {"max_bytes": written}, label=lambda _: _SAMPLE).max_bytes
    assert size is not None
    return size


def _facts(address: str) -> dict[str, Any]:
    """Gather what can be said without fetching anything."""
    from charrnn.corpora.hub import parse_address

    registered = plugins().corpora
    if address not in registered:
        if not address.startswith("hf:"):
            return {}
        parts = zip(("dataset", "config", "revision"), parse_address(address), strict=True)
        return {key: value for key, value in parts if value is not None}
    entry = registered[address]
    target = entry.load()
    known: dict[str, Any] = {"name": entry.name, "summary": entry.summary, "plugin": entry.owner.plugin}
    if hasattr(target, "model_dump"):
        known |= {key: value for key, value in target.model_dump().items() if value not in (None, {}, False)}
    return known


def _text(address: str, asked: CorpusSettings, sample: int) -> dict[str, Any]:
    """Read the text, or the start of each split, and describe it."""
    from charrnn.corpora.resolve import open_corpus
    from charrnn.corpora.statistics import measure
    from charrnn.presets import epoch_seconds

    if asked.max_bytes is None or asked.max_bytes > sample + _MORE:
        asked = asked.model_copy(update={"max_bytes": sample + _MORE})
    corpus = open_corpus(address, asked)
    try:
        found = measure(corpus, sample)
        whole = _whole_bytes(found, corpus.size(), sample)
        provenance = corpus.provenance()
    finally:
        corpus.close()
    per_byte = found.characters / max(found.bytes, 1)
    learned = found.splits["train"]
    # Of a sample, an epoch is as long as all splits together: how much of them is for training is not known.
    epoch = learned.characters if not learned.is_sample else None if whole is None else round(whole * per_byte)
    tokens = whole if whole is not None else found.bytes
    return {
        "is_sample": found.is_sample,
        "bytes": whole,
        "splits": {name: asdict(each) for name, each in found.splits.items()},
        "alphabet": {
            "size": found.alphabet_size,
            "most_common": found.most_common(_LISTED),
            "least_common": found.least_common(_LISTED),
        },
        "tokens": {"char": round(tokens * per_byte), "byte": tokens},
        "epoch_seconds": None if epoch is None else epoch_seconds(epoch),
        "start": found.start,
        "provenance": provenance,
    }


def _whole_bytes(found: Statistics, size: int | None, sample: int) -> int | None:
    """Say how large all of the text is; None where it is not known."""
    if not found.is_sample:
        return found.bytes
    # A corpus that is cut for the sample may give the size of the cut.
    return size if size is not None and size > (sample + _MORE) * len(found.splits) else None
