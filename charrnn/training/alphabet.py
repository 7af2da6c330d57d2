"""The characters of a run that starts from another: those that it learns, and those that it never gets to know."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from charrnn.errors import CorpusError, lacked, shown_characters
from charrnn.runs.config import CorpusRecord
from charrnn.runs.run import Run
from charrnn.tokenizers.base import Growing, Tokenizer

#: A model whose tokenizer has to replace more of a corpus than this has nothing to bring to it.
_MOST_UNSEEN = 0.1


def learned(source: Run, before: Tokenizer, after: Tokenizer) -> str:
    """Say by what the alphabet of a run was extended."""
    new = [after.decode(np.array([token])) for token in range(before.vocab_size, after.vocab_size)]
    if not new:
        return f"--extend-vocab adds nothing: run '{source.name}' knows every character already"
    return f"the alphabet of run '{source.name}' grows by {shown_characters(dict.fromkeys(new, 1))}"


def unseen(record: CorpusRecord, source: Run | None, tokenizer: Tokenizer, *, extend: bool) -> Iterator[str]:
    """Say which characters of a corpus its tokenizer does not know.

    Args:
        record: of the corpus.
        source: the run that the tokenizer is of; None where it is new.
        tokenizer: of the corpus.
        extend: whether it has learned from the corpus, or the start of a stream, as a new one does.

    Raises:
        CorpusError: there are too many to learn anything.
    """
    for split, counts in record.splits.items():
        if not counts["unseen"]:
            continue
        if source is None or extend:
            yield lacked(counts["unseen"])
            continue
        grows = isinstance(tokenizer, Growing)
        share = sum(counts["unseen"].values()) / counts["chars"]
        told = f"run '{source.name}' has never seen {shown_characters(counts['unseen'])}, {share:.1%} of '{split}'"
        if share > _MOST_UNSEEN:
            learn = "learn it by --extend-vocab, or " if grows else ""
            raise CorpusError(f"{told}; that is another alphabet: {learn}train a new model without --init-from")
        yield f"{told}; replaced{' (--extend-vocab learns them)' if grows else ''}"
