"""The promises of a corpus."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any

from charrnn.corpora.base import Corpus
from charrnn.corpora.checked import NAME
from charrnn.settings import CorpusSettings
from charrnn.testing.checks import Checks, require

#: Pieces of text looked at: a corpus may be larger than anyone would wait for.
_PIECES = 200
_SHARDS = 3


class CorpusSubject:
    """What is registered as a corpus; nothing of it is fetched before it is read."""

    def __init__(self, target: Any, options: Mapping[str, Any]) -> None:
        require(callable(target), f"{target!r} cannot be called with the corpus settings")
        self._target = target
        self._options = dict(options)

    def open(self) -> Corpus:
        """Open it as ``charrnn train`` does."""
        corpus = self._target(CorpusSettings(), **self._options)  # type: ignore[call-arg]  # pydantic fills in the rest
        require(isinstance(corpus, Corpus), f"it returns {type(corpus).__name__}, no charrnn.Corpus")
        return corpus  # type: ignore[no-any-return]


CHECKS = Checks(CorpusSubject)


@CHECKS.promise("its name and separator can be used")
def has_a_name(subject: CorpusSubject) -> None:
    """The name becomes part of a run's folder."""
    corpus = subject.open()
    require(bool(NAME.fullmatch(corpus.name)), f"its name is {corpus.name!r}; use letters, digits, - and _")
    require(isinstance(corpus.separator, str), f"its separator is {corpus.separator!r}, no text")


@CHECKS.promise("it has a split 'train', and each can be read")
def has_splits(subject: CorpusSubject) -> None:
    """Splits yield text in pieces; 'train' holds some."""
    corpus = subject.open()
    splits = corpus.splits()
    require("train" in splits, f"its splits are {list(splits)}")
    for split in splits:
        pieces = list(islice(corpus.read(split), _PIECES))
        require(all(isinstance(each, str) for each in pieces), "a piece is no text", f"split {split!r}")
        require(split != "train" or any(pieces), "it is empty", f"split {split!r}")


@CHECKS.promise("reading it twice gives the same text")
def reads_the_same(subject: CorpusSubject) -> None:
    """Its tokenizer reads it before it is packed."""
    corpus, other = subject.open(), subject.open()
    for split in corpus.splits():
        first = list(islice(corpus.read(split), _PIECES))
        require(list(islice(corpus.read(split), _PIECES)) == first, "read again, it differs", f"split {split!r}")
        require(list(islice(other.read(split), _PIECES)) == first, "opened again, it differs", f"split {split!r}")


@CHECKS.promise("its shards can be read one by one, and again")
def has_shards(subject: CorpusSubject) -> None:
    """A stream takes them in any order, and reads one from its start to go on within it."""
    shards = subject.open().shards("train")
    require(bool(shards), "it has none")
    for number, shard in enumerate(shards[:_SHARDS]):
        pieces = list(islice(shard.read(), _PIECES))
        require(all(isinstance(each, str) for each in pieces), "a piece is no text", f"shard {number}")
        require(list(islice(shard.read(), _PIECES)) == pieces, "read again, it differs", f"shard {number}")


@CHECKS.promise("it says where it came from")
def has_provenance(subject: CorpusSubject) -> None:
    """As JSON, and with one fingerprint for one text."""
    corpus, other = subject.open(), subject.open()
    try:
        json.dumps(corpus.provenance())
    except (TypeError, ValueError) as error:
        require(False, f"its provenance is no JSON: {error}")
    require(corpus.fingerprint() == other.fingerprint(), "opened twice, its fingerprint differs")
    size = corpus.size()
    require(size is None or size >= 0, f"its size is {size}")
