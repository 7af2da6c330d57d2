"""Where a text is cut before anything else, so that a stream and the whole give the same ids."""

from __future__ import annotations

from charrnn.tokenizers import segments as lines

#: A line is encoded by itself, and a longer one in pieces of this many characters.
LONGEST = 1024


def segments(text: str) -> list[str]:
    """Cut a text after each newline, and after ``LONGEST`` characters without one; joined, it is the text."""
    return lines.segments(text, LONGEST)


def segments_end(text: str) -> int:
    """Return where the last segment ends that stays as it is, whatever follows the text."""
    return lines.segments_end(text, LONGEST)
