"""A seal: the SHA-256 of a JSON file within it, by which damage to any of its bytes is noticed.

It keeps nobody from writing another file with a seal of its own: what a run says is checked apart from that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from charrnn.strict_json import parse_json

_KEY = "seal"
_BLANK = "0" * 64


class BrokenSealError(ValueError):
    """The content is not what was sealed."""


def seal(content: Mapping[str, Any]) -> bytes:
    """Write an object as JSON, the seal as its last key: the hash of all bytes, with zeros in the seal's place."""
    blank = json.dumps({**content, _KEY: _BLANK}, indent=2).encode() + b"\n"
    return _filled(blank, hashlib.sha256(blank).hexdigest())


def unseal(data: bytes) -> tuple[dict[str, Any], str]:
    """Read what :func:`seal` wrote.

    Returns:
        The object without its seal, and the seal: empty where there is none.

    Raises:
        BrokenSealError: the seal is another's.
        ValueError: it is no object in sound JSON.
    """
    content = parse_json(data)
    if not isinstance(content, dict):
        raise ValueError("it should hold an object")
    if _KEY not in content:
        return content, ""
    found = content.pop(_KEY)
    if not isinstance(found, str) or not found or _seal_of(data, found) != found:
        raise BrokenSealError("it was changed since it was written: its seal does not fit")
    return content, found


def _seal_of(data: bytes, found: str) -> str:
    before, mark, after = data.rpartition(found.encode())
    return hashlib.sha256(before + _BLANK.encode() + after).hexdigest() if mark else ""


def _filled(blank: bytes, value: str) -> bytes:
    before, _, after = blank.rpartition(_BLANK.encode())
    return before + value.encode() + after
