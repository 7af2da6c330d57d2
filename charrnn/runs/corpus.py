"""The text that a run was trained on, or that it is to be measured by."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from charrnn.corpora.base import Progress, digest
from charrnn.corpora.local.files import without_place
from charrnn.corpora.local.stdin import ADDRESS as STDIN
from charrnn.corpora.packs.pack import Part, TokenPack, find_pack
from charrnn.corpora.prepare import prepare, prepare_to_train
from charrnn.corpora.resolve import open_corpus
from charrnn.errors import CorpusError, RunError, near_names
from charrnn.runs.run import Run
from charrnn.runs.tokenizer import run_tokenizer
from charrnn.settings import CorpusSettings
from charrnn.tokenizers.base import Ids

#: Settings that change a text on its way to the tokenizer.
_WRITING = {"newlines", "normalize"}


@dataclass(frozen=True)
class ScoredText:
    """Tokens to be scored, and what they are called.

    Attributes:
        corpus: its name.
        split: of the corpus.
        tokens: ids in order.
        size: characters and bytes of the text, where it is a whole split.
        unseen: how often each character of the split was unknown to the tokenizer.
    """

    corpus: str
    split: str
    tokens: Ids
    size: tuple[int, int] | None
    unseen: dict[str, int]


def reopen_pack(run: Run, progress: Progress, *, given: bool = False) -> TokenPack:
    """Return the very tokens that a run was trained on: from the cache, or packed again from the corpus.

    Args:
        run: what was trained.
        progress: told of the text that is read.
        given: whether the person gives the corpus again, as standard input has to be.

    Raises:
        CorpusError: the corpus is gone, or no longer the same.
        RunError: the tokens in the cache are others than the run says.
    """
    record = run.config.corpus
    try:
        pack = find_pack(record.pack)
    except CorpusError as error:
        if record.address == STDIN and not given:
            raise CorpusError(
                f"{error}, and its text came from standard input; pipe it in again, or name a file"
            ) from None
        return _pack_again(run, progress)
    for split, recorded in record.splits.items():
        if pack.splits.get(split) != recorded:
            raise RunError(f"run '{run.name}' is damaged: its split '{split}' is not that of {pack.directory}")
    return pack


def streamed_from(run: Run, progress: Progress) -> dict[str, Any]:
    """Return the provenance of the text that a run goes on to stream, once it is known to be what it was.

    Files may lie elsewhere now, or have been copied: then what was held back of them is compared.

    Raises:
        CorpusError: the text is gone, or no longer the same.
    """
    record = run.config.corpus
    with closing(open_corpus(record.address, run.config.settings)) as corpus:
        corpus.go_back(record.provenance)
        now = corpus.provenance()
    if digest(now) != digest(record.provenance):
        if digest(without_place(now)) != digest(without_place(record.provenance)):
            raise _changed(run, "where it comes from is not the same")
        _pack_again(run, progress)
    return now


def _pack_again(run: Run, progress: Progress) -> TokenPack:
    """Pack a run's corpus, which has to be what it was."""
    record = run.config.corpus
    fitted = run_tokenizer(run)
    settings = run.config.settings.model_copy(update={"stream": record.streamed})
    pack = prepare_to_train(record.address, settings, progress, fitted, record.provenance).pack
    for split, recorded in record.splits.items():
        if pack.splits.get(split, {}).get("sha256") != recorded["sha256"]:
            raise _changed(run, f"its split '{split}' differs")
    return pack


def _changed(run: Run, how: str) -> CorpusError:
    address = run.config.corpus.address
    return CorpusError(
        f"the corpus '{address}' has changed since run '{run.name}' was trained ({how}); to measure it as it is now, "
        f"name it by --corpus; to learn from it, start a new run with: {run.start_command()}"
    )


def text_to_score(
    run: Run, address: str | None, split: str | None, reading: CorpusSettings, progress: Progress
) -> ScoredText:
    """Find the tokens of a split.

    Args:
        run: whose model is to be measured.
        address: of another corpus than the run's own.
        split: by default what the run held back; of another corpus its validation split, or all of it.
        reading: how another corpus is read.
        progress: told of the text that is read.

    Raises:
        CorpusError: no such corpus or split.
    """
    if address is not None:
        fitted = run_tokenizer(run)
        # How a text is written is a matter of the model, unless told otherwise; how it is found, of the corpus.
        theirs = reading.model_dump(exclude=_WRITING - reading.model_fields_set)
        settings = run.config.settings.model_copy(update=theirs)
        prepared = prepare(address, settings, progress, fitted)
        pack = prepared.pack
        name = split or pack.validation_split() or "train"
        return _scored(prepared.name, pack, name, pack.tokens(name), whole=True)
    pack, record = reopen_pack(run, progress), run.config.corpus
    parts = {"train": record.train, "validation": record.validation}
    name = split or "validation"
    if name == "train":
        training_part(run)
    part = parts.get(name)
    if part is not None:
        whole = part == Part(part.split, 0, pack.splits[part.split]["tokens"])
        return _scored(record.name, pack, name, pack.part(part), source=part.split, whole=whole)
    if name not in pack.splits:
        known = {*parts, *pack.splits}
        raise CorpusError(f"the corpus '{record.name}' has no split '{name}': {near_names(name, known)}")
    return _scored(record.name, pack, name, pack.tokens(name), whole=True)


def training_part(run: Run) -> Part:
    """Return which tokens of its pack a run was trained on.

    Raises:
        CorpusError: it was trained on a stream, which nobody has kept.
    """
    part = run.config.corpus.train
    if part is None:
        raise CorpusError(f"run '{run.name}' was trained on a stream, of which only what was held back is kept")
    return part


def _scored(
    corpus: str, pack: TokenPack, split: str, tokens: Ids, *, whole: bool, source: str | None = None
) -> ScoredText:
    counts: dict[str, Any] = pack.splits[source or split]
    if not len(tokens):
        raise CorpusError(f"the split '{split}' of '{corpus}' is empty; name another by --split")
    size = (counts["chars"], counts["bytes"]) if whole else None
    return ScoredText(corpus, split, tokens, size, counts["unseen"])
