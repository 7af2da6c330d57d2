"""From CORPUS on the command line to tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from charrnn.corpora.base import Corpus, Progress
from charrnn.corpora.fitting import FittedTokenizer, extend_tokenizer, fit_tokenizer
from charrnn.corpora.local.stdin import ADDRESS as STDIN
from charrnn.corpora.packs.pack import TokenPack, open_pack
from charrnn.corpora.resolve import open_corpus
from charrnn.corpora.streaming.held_back import HeldBack, Sample
from charrnn.errors import CorpusError, UsageError
from charrnn.registry import Entry
from charrnn.settings import CorpusSettings, PreparationSettings, StreamSettings, TrainSettings

#: Settings that change nothing where the text is packed.
_OF_A_STREAM = {*StreamSettings.model_fields} - {"stream"}


@dataclass(frozen=True)
class Prepared:
    """A corpus as tokens, with its tokenizer, and what is known of it.

    Attributes:
        name: of the corpus.
        separator: between its documents.
        provenance: where it came from.
        entry: the registered name that it was opened by, if it was by one.
        fitted: its tokenizer.
        pack: all its tokens, or of one that is streamed those held back.
        streamed: whether training reads it as it goes.
    """

    name: str
    separator: str
    provenance: dict[str, Any]
    entry: Entry | None
    fitted: FittedTokenizer
    pack: TokenPack
    streamed: bool = False


def prepare(
    address: str,
    settings: PreparationSettings,
    progress: Progress,
    fitted: FittedTokenizer | None = None,
) -> Prepared:
    """Read a corpus, train its tokenizer unless one is given, and pack it, or take all of that from the cache.

    Raises:
        CorpusError: it cannot be found or read.
        UsageError: no such tokenizer or option.
    """
    with _opened(address, settings, progress) as corpus:
        return _packed(corpus, fitted or fit_tokenizer(corpus, settings, progress), progress)


def prepare_to_train(
    address: str,
    settings: TrainSettings,
    progress: Progress,
    fitted: FittedTokenizer | None = None,
    recorded: Mapping[str, Any] | None = None,
    *,
    extend: bool = False,
    readers: int = 1,
) -> Prepared:
    """Do the same, or, where the corpus is to be streamed, train the tokenizer on its start and pack what is held back.

    Args:
        address: of the corpus.
        settings: how it is read.
        progress: told of the text read.
        fitted: a tokenizer that is there already.
        recorded: the provenance of the text that is wanted, where it was read before.
        extend: whether the tokenizer that is there learns from the text too.
        readers: how many processes share a stream.

    Raises:
        CorpusError: it cannot be found or read.
        UsageError: no such tokenizer or option; or it cannot be streamed.
    """
    if settings.stream and address == STDIN:
        raise UsageError("--stream: standard input can be read only once; leave --stream out, or name a file")
    with _opened(address, settings, progress, recorded) as corpus:
        streamed = corpus.streamed if settings.stream is None else settings.stream
        if not streamed:
            given = sorted(_OF_A_STREAM & settings.model_fields_set)
            if given and recorded is None:  # a run that is read from its file gives everything
                flag = given[0].replace("_", "-")
                raise UsageError(f"--{flag} {getattr(settings, given[0])}: is for a stream; give --stream as well")
        if streamed and readers > 1:
            _check_shares(corpus, readers)
        learned_from = Sample(corpus, settings.sample_bytes) if streamed else corpus
        if fitted is None:
            fitted = fit_tokenizer(learned_from, settings, progress)
        elif extend:
            fitted = extend_tokenizer(learned_from, fitted, progress)
        if not streamed:
            return _packed(corpus, fitted, progress)
        pack = open_pack(HeldBack(corpus, settings.val_fraction), fitted, progress)
        if not pack.splits["validation"]["tokens"]:
            raise CorpusError(f"the corpus '{corpus.name}' is too small to hold a part of it back; leave --stream out")
        return Prepared(corpus.name, corpus.separator, corpus.provenance(), corpus.entry, fitted, pack, streamed=True)


def _check_shares(corpus: Corpus, readers: int) -> None:
    shards = len(corpus.shards("train"))
    if shards < readers:
        raise CorpusError(
            f"the corpus '{corpus.name}' has {shards} shard{'s' if shards != 1 else ''} to stream, and {readers} ranks "
            "need one each; take fewer ranks, or --no-stream"
        )


@contextmanager
def _opened(
    address: str, settings: CorpusSettings, progress: Progress, recorded: Mapping[str, Any] | None = None
) -> Iterator[Corpus]:
    corpus = open_corpus(address, settings)
    corpus.follow(progress)
    if recorded is not None:
        corpus.go_back(recorded)
    try:
        yield corpus
    finally:
        corpus.close()


def _packed(corpus: Corpus, fitted: FittedTokenizer, progress: Progress) -> Prepared:
    pack = open_pack(corpus, fitted, progress)
    return Prepared(corpus.name, corpus.separator, corpus.provenance(), corpus.entry, fitted, pack)
