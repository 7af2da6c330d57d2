"""The text that a run was trained on, or that it is to be measured by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from charrnn.corpora.base import Progress
from charrnn.corpora.fitting import load_tokenizer
from charrnn.corpora.pack import TokenPack, cut, find_pack
from charrnn.corpora.prepare import prepare
from charrnn.corpora.stdin import ADDRESS as STDIN
from charrnn.errors import CorpusError, near_names
from charrnn.runs.run import Run
from charrnn.tokenizers.base import Ids


@dataclass(frozen=True)
class ScoredText:
    """Tokens to be scored, what they are called, and how often each character was unknown to the tokenizer."""

    corpus: str
    split: str
    tokens: Ids
    unseen: dict[str, int]


def reopen_pack(run: Run, progress: Progress) -> TokenPack:
    """Return the very tokens that a run was trained on: from the cache, or packed again from the corpus.

    Raises:
        CorpusError: the corpus is gone, or no longer the same.
    """
    record = run.config.corpus
    try:
        return find_pack(record.pack)
    except CorpusError:
        if record.address == STDIN:
            raise
    fitted = load_tokenizer(run.config.tokenizer.name, run.tokenizer)
    pack = prepare(record.address, run.config.settings, progress, fitted).pack
    for split, recorded in record.splits.items():
        if pack.splits.get(split, {}).get("sha256") != recorded["sha256"]:
            raise CorpusError(
                f"the corpus '{record.address}' has changed since run '{run.name}' was trained (its split '{split}' "
                "differs); to measure it as it is now, name it by --corpus"
            )
    return pack


def text_to_score(run: Run, address: str | None, split: str | None, progress: Progress) -> ScoredText:
    """Find the tokens of a split.

    Args:
        run: whose model is to be measured.
        address: of another corpus than the run's own.
        split: by default what the run held back; of another corpus its validation split, or all of it.
        progress: told of the text that is read.

    Raises:
        CorpusError: no such corpus or split.
    """
    config = run.config
    if address is None:
        pack, record = reopen_pack(run, progress), config.corpus
        name, validation, training = record.name, record.validation, record.train
    else:
        fitted = load_tokenizer(config.tokenizer.name, run.tokenizer)
        # A column or template of the run's own corpus says nothing about another one.
        prepared = prepare(address, config.settings.model_copy(update={"column": None}), progress, fitted)
        pack, name = prepared.pack, prepared.name
        if split is None and pack.validation_split() is None:
            return _scored(name, pack, "train", pack.tokens("train"))
        training, validation = cut(pack, fitted.tokenizer, config.settings.val_fraction)
    parts = {"train": training, "validation": validation}
    asked = split or "validation"
    if asked in parts:
        return _scored(name, pack, asked, pack.part(parts[asked]), parts[asked].split)
    if asked not in pack.splits:
        raise CorpusError(f"the corpus '{name}' has no split '{asked}': {near_names(asked, {*parts, *pack.splits})}")
    return _scored(name, pack, asked, pack.tokens(asked))


def _scored(name: str, pack: TokenPack, split: str, tokens: Ids, source: str | None = None) -> ScoredText:
    counts: dict[str, Any] = pack.splits[source or split]
    if not len(tokens):
        raise CorpusError(f"the split '{split}' of '{name}' is empty; name another by --split")
    return ScoredText(name, split, tokens, counts["unseen"])
