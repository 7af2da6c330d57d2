"""Where a long text is cut before anything else, so that a stream and the whole give the same ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache


def segments(text: str, longest: int) -> list[str]:
    """Cut a text after each newline, and after ``longest`` characters without one; joined, it is the text."""
    return _pattern(longest).findall(text)


def segments_end(text: str, longest: int) -> int:
    """Return where the last segment ends that stays as it is, whatever follows the text."""
    line = text.rfind("\n") + 1
    return line + (len(text) - line) // longest * longest


def aligned(texts: Iterable[str], boundary: Callable[[str], int]) -> Iterator[str]:
    """Cut a text that comes in pieces anew, each time where ``boundary`` says."""
    rest = ""
    for text in texts:
        whole = rest + text if rest else text
        end = boundary(whole)
        if end:
            yield whole[:end]
        rest = whole[end:]
    if rest:
        yield rest


@cache
def _pattern(longest: int) -> re.Pattern[str]:
    return re.compile(rf"[^\n]{{0,{longest - 1}}}\n|[^\n]{{1,{longest}}}")
