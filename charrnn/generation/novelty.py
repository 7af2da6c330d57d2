"""How much of a text is copied from what its model was trained on.

The training text is searched through a suffix array, which lists all places in it in the order of what follows there
(Manber and Myers, "Suffix arrays: a new method for on-line string searches", 1993): ``log2 N`` comparisons find a run
in a text of ``N`` bytes. The array is built once a training text and kept in the cache.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.corpora.base import Progress
from charrnn.corpora.cache import cache_key, cached
from charrnn.corpora.packs.pack import TokenPack
from charrnn.errors import CorpusError, UsageError
from charrnn.runs.corpus import reopen_pack, training_part
from charrnn.runs.run import Run
from charrnn.runs.tokenizer import run_tokenizer

#: Characters of an n-gram. Of text that people wrote and a model never saw, fewer than a tenth of the 25-grams stand in
#: a megabyte of text of its kind (measured: English prose 6%, Python source 9%; of the 10-grams about half). So what is
#: shared beyond that is copied, and yet a copied clause of five words counts.
NGRAM = 25
_FORMAT = 1
_TEXT = "text.bin"
_SUFFIXES = "suffixes.npy"
#: Tokens decoded at a time.
_CHUNK_TOKENS = 1 << 16


@dataclass(frozen=True)
class Novelty:
    """How much of a text stands in the training text.

    Attributes:
        longest: characters of the longest run that is copied verbatim.
        copied: that run, the first of those as long.
        shared: share of the text's n-grams that occur in the training text, each counted as often as the text has it;
            None where the text is shorter than one.
        ngram: characters of an n-gram.
    """

    longest: int
    copied: str
    shared: float | None
    ngram: int

    def to_dict(self) -> dict[str, Any]:
        """Return all figures by name."""
        return asdict(self)


class CorpusIndex:
    """Finds where a text stands in a run's training text. The index stays on disk, mapped into memory.

    Args:
        directory: what :func:`write_index` filled.

    Raises:
        CorpusError: the index is damaged.
    """

    def __init__(self, directory: Path) -> None:
        try:
            with (directory / _TEXT).open("rb") as file:
                self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            # A memoryview gives Python's integers, in a quarter of an array's time.
            self._suffixes = np.lib.format.open_memmap(directory / _SUFFIXES, mode="r").data
            if self._suffixes.shape != (len(self._text),) or self._suffixes.format not in ("i", "l", "q"):
                raise ValueError(f"{_SUFFIXES} does not belong to {_TEXT}")
        except Exception as error:  # NumPy reads the array's header as Python, and raises whatever that raises
            raise CorpusError(f"the corpus index {directory} is damaged ({error}); remove that folder") from error

    @classmethod
    def of(cls, run: Run, progress: Progress) -> CorpusIndex:
        """Open the index of what a run learned from, and build it first where the cache has none.

        Args:
            run: what was trained. What it held back is not searched.
            progress: told of the text that is read.

        Raises:
            CorpusError: the corpus is gone, or no longer the same; the index is damaged, or cannot be built.
        """
        part = training_part(run)
        pack = reopen_pack(run, progress)

        def build(directory: Path) -> None:
            write_index(directory, _decoded(run, pack, progress))

        key = cache_key(run.config.corpus.name, [_FORMAT, pack.key, asdict(part)])
        return cls(cached("indexes", key, build, progress))

    def measure(self, text: str, ngram: int = NGRAM) -> Novelty:
        """Compare a text with the training text.

        Args:
            text: of any length; time grows with it, and with the logarithm of the training text's.
            ngram: characters of an n-gram, 1 or more.

        Raises:
            UsageError: ``ngram`` is out of bounds.
        """
        if ngram < 1:
            raise UsageError(f"ngram is {ngram}, and an n-gram has one character or more; give 1 or more")
        # A character's first byte in UTF-8 looks like no later one, so whole characters are only found as such.
        raw = text.encode("utf-8", "surrogatepass")
        later = (np.frombuffer(raw, dtype=np.uint8) & 0b1100_0000) == 0b1000_0000
        starts = [*np.flatnonzero(~later).tolist(), len(raw)]
        ends = starts[ngram:]
        found = [self._find(raw[start:end]) is not None for start, end in zip(starts, ends, strict=False)]
        first, longest = self._longest(raw, starts, found, ngram)
        shared = sum(found) / len(found) if found else None
        return Novelty(longest, text[first : first + longest], shared, ngram)

    def _longest(self, raw: bytes, starts: list[int], found: list[bool], ngram: int) -> tuple[int, int]:
        """Return the longest run's first character and its length, given where characters start and what is found."""
        streaks = [0] * (len(found) + 1)  # at each character: so many n-grams in a row occur
        for at in reversed(range(len(found))):
            streaks[at] = streaks[at + 1] + 1 if found[at] else 0
        first = longest = 0
        for at, start in enumerate(starts[:-1]):
            # Only a longer run is of interest. All n-grams in it occur, which spares most of the look-ups.
            while at + longest + 1 < len(starts) and (longest + 1 < ngram or streaks[at] > longest + 1 - ngram):
                stop = starts[at + longest + 1]
                place = self._find(raw[start:stop])
                if place is None:
                    break
                # There it may go on for longer than was asked; elsewhere for longer yet, which is asked next.
                beyond = place + stop - start
                end = stop + _agreeing(raw[stop:], self._text[beyond : beyond + len(raw) - stop])
                first, longest = at, bisect_right(starts, end) - 1 - at
        return first, longest

    def _find(self, wanted: bytes) -> int | None:
        """Return a place in the training text where these bytes stand, or None."""
        size = len(wanted)
        rank = bisect_left(self._suffixes, wanted, key=lambda place: self._text[place : place + size])
        if rank == len(self._suffixes):
            return None
        place = self._suffixes[rank]
        return place if self._text[place : place + size] == wanted else None


def write_index(directory: Path, pieces: Iterable[bytes]) -> None:
    """Fill a directory with the index of a text in UTF-8, which comes in pieces.

    A byte of text takes 5 of memory and of disk, for itself and its place; 9 where the text has 2 GiB or more.

    Raises:
        CorpusError: the text is empty, or there is not enough memory.
    """
    from pydivsufsort import divsufsort

    path = directory / _TEXT
    with path.open("wb") as file:
        file.writelines(pieces)
    size = path.stat().st_size
    if not size:
        raise CorpusError("the training text is empty, so nothing can be found in it; train on a longer one")
    try:
        suffixes = divsufsort(path.read_bytes())
    except Exception as error:  # the library has no class of its own for a lack of memory
        if isinstance(error, OSError):
            raise
        need = size * (5 if size < 2**31 else 9) / 2**20
        raise CorpusError(
            f"the training text cannot be indexed: that takes {need:,.0f} MiB of memory, and this machine does not "
            "have as much free; close other programs, or do this on a larger machine"
        ) from error
    np.save(directory / _SUFFIXES, suffixes)


def _decoded(run: Run, pack: TokenPack, progress: Progress) -> Iterator[bytes]:
    part, fitted = training_part(run), run_tokenizer(run)
    ids, split = pack.part(part), pack.splits[part.split]
    done, total = 0, split["bytes"] * len(ids) // split["tokens"]
    with fitted.entry.blamed():
        decoder = fitted.tokenizer.decoder()
        for begin in range(0, len(ids), _CHUNK_TOKENS):
            raw = decoder.decode(ids[begin : begin + _CHUNK_TOKENS]).encode("utf-8", "surrogatepass")
            done += len(raw)
            progress("indexing", done, total)
            yield raw
        yield decoder.flush().encode("utf-8", "surrogatepass")


def _agreeing(one: bytes, other: bytes) -> int:
    """Count the bytes in which two texts agree before they differ."""
    size = min(len(one), len(other))
    differ = np.frombuffer(one, np.uint8, size) != np.frombuffer(other, np.uint8, size)
    return int(differ.argmax()) if differ.any() else size
