"""Where a text is cut before anything else, so that a stream and the whole give the same ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

#: A line is encoded by itself, and a longer one in pieces of this many characters.
LONGEST = 1024
_SEGMENT = re.compile(rf"[^\n]{{0,{LONGEST - 1}}}\n|[^\n]{{1,{LONGEST}}}")


def segments(text: str) -> list[str]:
    """Cut a text after each newline, and after ``LONGEST`` characters without one; joined, it is the text."""
    return _SEGMENT.findall(text)


def stream_segments(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield the segments of a text that comes in pieces, as soon as each is whole."""
    rest = ""
    for text in texts:
        found = segments(rest + text)
        # The last one is whole if its line has ended, or if it is as long as a segment may be.
        open_end = bool(found) and not found[-1].endswith("\n") and len(found[-1]) < LONGEST
        rest = found.pop() if open_end else ""
        yield found
    if rest:
        yield [rest]
