"""What a unit may follow in a text (after Karpathy et al. 2015, section 4.1): a number for each character.

A number is of the moment when its character has been read, as the network's state is. ``C`` characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Code points ``[C]``.
Points = NDArray[np.uint32]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Feature:
    """One of them.

    Attributes:
        name: as a person types it.
        meaning: for a help.
        compute: from code points ``[C]`` to numbers ``[C]``.
        at_once: whether the character itself tells it, or the one before with it: a network need not remember much.
    """

    name: str
    meaning: str
    compute: Callable[[Points], NDArray[Any]]
    at_once: bool = False


def code_points(text: str) -> Points:
    """Return a text's code points, ``[C]``; a lone surrogate is one too."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _position(points: Points) -> NDArray[Any]:
    """Count characters since the line began; its newline is the next line's 0."""
    places = np.arange(len(points))
    return places - _latest(_is(points, "\n"))


def _quotes(points: Points) -> NDArray[Any]:
    """Tell what is inside double quotes.

    Straight ones open and close by turns. A blank line closes all that are open: a paragraph of a speech that goes on
    begins with quotes of its own.
    """
    paragraph = _latest(_is(points, "\n") & _before(_is(points, "\n")))
    straight = _since(paragraph, _is(points, '"')) % 2
    return (straight > 0) | (_depth(points, "“„«", "”»", paragraph) > 0)


def _brackets(points: Points) -> NDArray[Any]:
    """Count the round, square and curly brackets that are open."""
    return _depth(points, "([{", ")]}", np.full(len(points), -1))


def _indentation(points: Points) -> NDArray[Any]:
    """Count the spaces and tabs that the line begins with, as far as it was read."""
    blank = _is(points, " \t")
    line = _latest(_is(points, "\n"))
    still = _since(line, ~blank & ~_is(points, "\n")) == 0
    return _since(line, blank & still)


def _word_start(points: Points) -> NDArray[Any]:
    """Tell the first character of each run of letters, marks, digits and underscores."""
    known, places = np.unique(points, return_inverse=True)
    word = np.array([_in_word(chr(each)) for each in known], dtype=bool)[places]
    return word & ~_before(word)


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_" or unicodedata.category(character).startswith("M")


FEATURES = (
    Feature("position", "characters since the line began", _position),
    Feature("quotes", "inside double quotes, since the last blank line", _quotes),
    Feature("brackets", "how many round, square and curly brackets are open", _brackets),
    Feature("indentation", "spaces and tabs that the line begins with", _indentation),
    Feature("word-start", "the first character of a word", _word_start, at_once=True),
    Feature("space", "a space", lambda points: _is(points, " "), at_once=True),
    Feature("line-end", "a newline", lambda points: _is(points, "\n"), at_once=True),
)


def compute_features(text: str) -> dict[str, Numbers]:
    """Return each feature of a text by name, ``[C]``."""
    points = code_points(text)
    return {each.name: each.compute(points).astype(np.float64) for each in FEATURES}


def _is(points: Points, characters: str) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.isin(points, code_points(characters))
    return found


def _before(marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mark of the character before each."""
    return np.concatenate([[False], marks[:-1]])[: len(marks)]


def _latest(marks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the place of the latest mark up to each character; -1 where there was none."""
    return np.maximum.accumulate(np.where(marks, np.arange(len(marks)), -1))


def _since(start: NDArray[np.int64], marks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the marks from each character back to, and without, the one at ``start``."""
    counts: NDArray[np.int64] = np.concatenate([[0], np.cumsum(marks)])
    return counts[1:] - counts[start + 1]


def _depth(points: Points, opening: str, closing: str, start: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count what is open since ``start``; one that closes nothing counts for nothing."""
    change = _is(points, opening).astype(int) - _is(points, closing).astype(int)
    # The walk minus the lowest that it has been; each start throws it below all that came before.
    starts = start == np.arange(len(points))
    walk: NDArray[np.int64] = np.cumsum(change) - np.cumsum(starts) * (2 * len(points) + 1)
    return walk - np.minimum.accumulate(np.minimum(walk, 0))
