"""What is known of a corpus, as lines."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charrnn.reporting.echo import say, say_lines, tell
from charrnn.reporting.tables import print_table
from charrnn.reporting.text import clock, megabytes

if TYPE_CHECKING:
    from charrnn.corpora.cache_contents import Cached

_WIDTH = 20
#: Of the text's start, no more lines than these, and no more of each.
_LINES = 8
_LINE = 160


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print what a corpus's declaration says, a fact a line."""
    for key, value in facts.items():
        if isinstance(value, dict):
            shown = ", ".join(f"{name}={each}" for name, each in value.items())
        else:
            shown = repr(value) if key in ("separator", "template") else str(value)
        say(f"{key.replace('_', ' '):<{_WIDTH}}{shown}")


def print_text(text: Mapping[str, Any], sample_bytes: int) -> None:
    """Print what was found in a corpus's text.

    Args:
        text: from ``charrnn corpora show --json``.
        sample_bytes: how much of each split was read at most.
    """
    say()
    if text["is_sample"]:
        read = f"what follows is of a sample, the first {sample_bytes:,} bytes of each split"
        say(f"{read}; --sample-bytes reads more")
    print_table(
        ["split", "bytes", "characters"],
        [
            [name, f"{'over ' * each['is_sample']}{each['bytes']:,}", f"{each['characters']:,}"]
            for name, each in text["splits"].items()
        ],
    )
    say()
    alphabet = text["alphabet"]
    say(f"{'alphabet':<{_WIDTH}}{alphabet['size']:,} characters")
    for key in ("most_common", "least_common"):
        shown = "  ".join(f"{_shown(character)} {count:,}" for character, count in alphabet[key])
        say(f"{key.replace('_', ' '):<{_WIDTH}}{shown}")
    for tokenizer, tokens in text["tokens"].items():
        say(f"{tokenizer + ' tokens':<{_WIDTH}}{'about ' * text['is_sample']}{tokens:,}")
    if text["epoch_seconds"] is not None:
        seconds = text["epoch_seconds"]
        shown = f"{seconds:.0f} s" if seconds < 120 else clock(seconds)
        say(f"{'an epoch takes':<{_WIDTH}}about {shown} with --preset quick, on a processor")
    say()
    for line in text["start"].split("\n")[:_LINES]:
        say_lines(line[:_LINE] + "..." * (len(line) > _LINE))


def print_cache(contents: Sequence[Cached], directory: Path) -> None:
    """Print what is in the cache, and where that is."""
    made = [datetime.fromtimestamp(each.made).isoformat(sep=" ", timespec="minutes") for each in contents]
    print_table(
        ["what", "corpus", "size", "made", ""],
        [
            [each.kind, each.corpus or None, megabytes(each.size), when, "" if each.finished else "unfinished"]
            for each, when in zip(contents, made, strict=True)
        ],
    )
    tell(f"{len(contents)} in {directory}, {megabytes(sum(each.size for each in contents))}")


def _shown(character: str) -> str:
    """Write a character so that it is seen, and steers no terminal."""
    names = {" ": "space", "\n": r"\n", "\t": r"\t"}
    if character in names:
        return names[character]
    if unicodedata.category(character)[0] in "CZM":
        return f"U+{ord(character):04X}"
    return character
