"""Spoils bytes, whatever they mean."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

#: What often lies at an edge, or means something to those who read it.
_TELLING = (
    *(b"\0", b"\xff", b"\n", b"\r\n", b"\x1b]0;owned\a", b"\x1b[2J", b"\xc3", b"\xed\xa0\x80", b"\xe2\x80\xae"),
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"-", b"0", b"9" * 20, b"NaN", b"null", b"%s", b"../"),
)
_LONGEST_SPAN = 64


def spoiled(random: Random, data: bytes) -> bytes:
    """Return the bytes with one to four changes."""
    for _ in range(random.randint(1, 4)):
        data = random.choice(_CHANGES)(random, data)
    return data


def _flip(random: Random, data: bytes) -> bytes:
    if not data:
        return b"\1"
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def _insert(random: Random, data: bytes) -> bytes:
    at = random.randint(0, len(data))
    return data[:at] + random.choice(_TELLING) + data[at:]


def _overwrite(random: Random, data: bytes) -> bytes:
    at, width = random.randint(0, len(data)), random.choice((1, 2, 4, 8))
    number = random.choice((0, 1, 1 << (8 * width - 1), (1 << (8 * width)) - 1, random.getrandbits(8 * width)))
    return data[:at] + number.to_bytes(width, "little") + data[at + width :]


def _delete(random: Random, data: bytes) -> bytes:
    start, stop = _span(random, data)
    return data[:start] + data[stop:]


def _double(random: Random, data: bytes) -> bytes:
    start, stop = _span(random, data)
    return data[:stop] + data[start:stop] + data[stop:]


def _move(random: Random, data: bytes) -> bytes:
    start, stop = _span(random, data)
    rest = data[:start] + data[stop:]
    at = random.randint(0, len(rest))
    return rest[:at] + data[start:stop] + rest[at:]


def _cut(random: Random, data: bytes) -> bytes:
    return data[: random.randint(0, len(data))]


def _span(random: Random, data: bytes) -> tuple[int, int]:
    start = random.randint(0, len(data))
    return start, min(len(data), start + random.randint(1, _LONGEST_SPAN))


_CHANGES: list[Callable[[Random, bytes], bytes]] = [_flip, _flip, _insert, _overwrite, _delete, _double, _move, _cut]
