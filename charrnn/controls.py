"""Control characters, which steer a terminal: what a model, a corpus or another stranger wrote shows them instead."""

from __future__ import annotations

import sys
from types import TracebackType

# By the pictures that Unicode has of them.
_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"}
_PICTURES |= {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
# These turn the direction of what follows around.
_PICTURES |= dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD)
_LONGEST = 60
# A text has lines; a name has none, and what looks like another line of ours would be the words of who chose it.
_IN_A_LINE = _PICTURES | {ord("\n"): 0x240A, ord("\t"): 0x2409} | dict.fromkeys([0x2028, 0x2029], 0xFFFD)


def printable(text: str) -> str:
    r"""Show control characters instead of sending them, and what is no UTF-8 in a file's name as ``\udcff``."""
    return _encodable(text.translate(_PICTURES))


def printable_line(text: str) -> str:
    """Do the same to what is to stay on one line, such as a name, or a line that has names in it."""
    return _encodable(text.translate(_IN_A_LINE))


def _encodable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def shortened(text: str) -> str:
    """Keep of a text what fits into a message."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def print_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print an error that nobody caught as Python itself would, for ``sys.excepthook``: its message may be anyone's."""
    import traceback

    sys.stderr.write(printable("".join(traceback.format_exception(kind, error, trace))))
