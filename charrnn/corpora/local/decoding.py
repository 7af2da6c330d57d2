"""Bytes of text files to characters, at constant memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Protocol

from charrnn.errors import CorpusError
from charrnn.settings import CorpusSettings

_CHUNK = 1 << 20
#: Encodings whose files can be cut at any byte 0x0A, which is a newline and no part of another character.
_CUT_ANYWHERE = ("utf-8", "ascii", "iso8859", "cp125", "koi8")
#: How files begin that were written in an encoding of two or four bytes a character.
_MARKS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """Read at most so many bytes; none at the end."""


def decoded(stream: Readable, name: str, settings: CorpusSettings, begin: int = 0) -> Iterator[str]:
    """Decode a stream.

    Args:
        stream: of bytes, to its end.
        name: of the file, for messages.
        settings: of which ``encoding`` and ``errors`` count.
        begin: where in the file the stream begins.

    Raises:
        CorpusError: it is not in the encoding; the message gives the byte's offset.
    """
    decoder = _codec(settings.encoding).incrementaldecoder(settings.errors)
    offset = begin
    while True:
        chunk = stream.read(_CHUNK)
        waiting = len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            where = offset - waiting + error.start
            seems = next((each for mark, each in _MARKS.items() if where < 4 and chunk.startswith(mark)), "latin-1")
            raise CorpusError(
                f"'{name}' is not {settings.encoding}: byte 0x{error.object[error.start]:02x} at offset {where}; "
                f"give its --encoding (such as {seems}), or --errors replace"
            ) from None
        except UnicodeError as error:
            raise CorpusError(f"'{name}' is not {settings.encoding}: {error}; give another --encoding") from None
        if not offset:
            text = text.removeprefix("\ufeff")  # a byte order mark is no text
        offset += len(chunk)
        if text:
            yield text
        if not chunk:
            return


def can_be_cut(encoding: str) -> bool:
    """Tell whether a file in this encoding can be read from behind any newline on."""
    return _codec(encoding).name.startswith(_CUT_ANYWHERE) and _codec(encoding).name != "utf-8-sig"


def _codec(encoding: str) -> codecs.CodecInfo:
    try:
        b"a".decode(encoding, "replace")  # knows text encodings only, where the look-up knows others as well
        return codecs.lookup(encoding)
    except (LookupError, ValueError):  # a name with NUL in it is no name at all
        raise CorpusError(f"--encoding '{encoding}' is not known; try utf-8 or latin-1") from None
