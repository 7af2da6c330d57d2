"""SentencePiece's model file, as far as it concerns us: pieces, and how they were learned.

The file is a message of protocol buffers (``sentencepiece_model.proto``). Beside these it can hold rules that rewrite a
text, by which each character of a prompt might become a megabyte, and texts that the library tries itself on while it
loads. A run may be a stranger's, so neither of them reaches the library.
"""

from __future__ import annotations

from collections.abc import Iterator

#: Pieces of a model.
MOST_PIECES = 200_000
#: Bytes of a model: a piece takes 80 at most.
LARGEST = 80 * MOST_PIECES

_PIECE, _TRAINER, _NORMALIZER = b"\x0a", b"\x12", b"\x1a"
#: Of a ``NormalizerSpec``, ``add_dummy_prefix`` and ``remove_extra_whitespaces``: both off.
_AS_IT_STANDS = b"\x18\x00\x20\x00"


def without_rules(model: bytes) -> bytes:
    """Return a model that takes a text as it stands.

    Raises:
        ValueError: it is no model, or has too many pieces.
    """
    kept = []
    count = 0
    for key, whole in _fields(model):
        if key == _PIECE:
            count += 1
            if count > MOST_PIECES:
                raise ValueError(f"it has more than {MOST_PIECES:,} pieces")
        if key in (_PIECE, _TRAINER):
            kept.append(whole)
    return b"".join([*kept, _NORMALIZER, bytes([len(_AS_IT_STANDS)]), _AS_IT_STANDS])


def _fields(message: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the fields of a message that have a length, as those of a model all do: each key, and the field whole."""
    at = 0
    while at < len(message):
        size, shift, end = 0, 0, at + 1
        while True:
            if end >= len(message) or shift > 28:
                raise ValueError(f"it breaks off at byte {at}")
            byte = message[end]
            size |= (byte & 0x7F) << shift
            end, shift = end + 1, shift + 7
            if byte < 0x80:
                break
        if message[at] & 0x87 != 2 or end + size > len(message):
            raise ValueError(f"it is no model from byte {at} on")
        yield message[at : at + 1], message[at : end + size]
        at = end + size
