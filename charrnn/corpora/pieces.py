"""Texts that come in pieces of any length, joined or cut at constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

#: Documents that are joined at a time: each may be a whole book.
_TOGETHER = 100
#: Characters that are encoded at a time: a piece may be as large as the corpus.
_BLOCK = 1 << 20


def utf8_size(text: str) -> int:
    """Return how many bytes a text takes in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def joined(documents: Iterable[str], separator: str) -> Iterator[str]:
    """Put the separator between documents that do not end with it already; yields many of them at a time."""
    rest = iter(documents)
    owed = ""
    while some := list(islice(rest, _TOGETHER)):
        if separator and any(each.endswith(separator) for each in some):
            text = "".join([each if each.endswith(separator) else each + separator for each in some[:-1]]) + some[-1]
        else:
            text = separator.join(some)
        yield owed + text
        owed = "" if separator and text.endswith(separator) else separator


def joined_streams(streams: Iterable[Iterable[str]], separator: str) -> Iterator[str]:
    """Do the same with documents that come in pieces; those without text are passed over."""
    before = None
    for stream in streams:
        ending = Ending(separator)
        for piece in filter(None, stream):
            if before is not None and not before.is_there:
                yield separator
            before = None
            ending.read(piece)
            yield piece
        if ending.has_text:
            before = ending


class Ending:
    """Whether what was read ends with a separator, wherever it was cut."""

    def __init__(self, separator: str) -> None:
        self._separator = separator
        self._tail = ""
        self.has_text = False

    def read(self, piece: str) -> None:
        """Note the next piece."""
        self.has_text = self.has_text or bool(piece)
        if self._separator:
            self._tail = (self._tail + piece[-len(self._separator) :])[-len(self._separator) :]

    @property
    def is_there(self) -> bool:
        """Whether the text ends with the separator; not, where that is empty."""
        return bool(self._separator) and self._tail == self._separator


def blocks(texts: Iterable[str], size: int) -> Iterator[str]:
    """Join small pieces and cut large ones to blocks of ``size`` characters; the last may be shorter."""
    kept: list[str] = []
    missing = size
    for text in texts:
        start = 0
        while len(text) - start >= missing:
            kept.append(text[start : start + missing])
            start += missing
            yield "".join(kept)
            kept, missing = [], size
        if start < len(text):
            kept.append(text[start:])
            missing -= len(text) - start
    if kept:
        yield "".join(kept)


def first_bytes(texts: Iterable[str], size: int) -> Iterator[str]:
    """Yield a text's first ``size`` bytes of UTF-8, cut between characters."""
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        if len(raw) > size:
            # A character that is cut in two is left out; lone surrogates pass, as they do everywhere.
            cut = raw[:size]
            while cut and raw[len(cut)] & 0xC0 == 0x80:
                cut = cut[:-1]
            if cut:
                yield cut.decode("utf-8", "surrogatepass")
            return
        yield text
        size -= len(raw)
        if not size:
            return


def byte_range(pieces: Iterator[str], start: int, stop: int | None) -> Iterator[str]:
    """Yield the characters whose first byte in UTF-8 is in a range.

    So a cut that would fall within a character moves to its end, and neighbouring ranges share no character and lose
    none. What lies behind the range is not read.

    Args:
        pieces: a text.
        start: the first byte.
        stop: the byte after the last; None for the end of the text.
    """
    at = 0
    for piece in pieces:
        for first in range(0, len(piece), _BLOCK):
            raw = piece[first : first + _BLOCK].encode("utf-8", "surrogatepass")
            end = len(raw) if stop is None else _character(raw, stop - at)
            kept = raw[_character(raw, start - at) : end]
            if kept:
                yield kept.decode("utf-8", "surrogatepass")
            at += len(raw)
            if stop is not None and at >= stop:
                return


def _character(raw: bytes, place: int) -> int:
    """Move a place to the start of a character, or to the end."""
    place = min(max(place, 0), len(raw))
    while place < len(raw) and raw[place] & 0xC0 == 0x80:
        place += 1
    return place
