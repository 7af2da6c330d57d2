"""Lone surrogates: characters to Python, but not to UTF-8."""

from __future__ import annotations

import re
from collections import Counter

_SURROGATE = re.compile("[\ud800-\udfff]")


def surrogates(text: str) -> Counter[str]:
    """Count them."""
    try:
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError:
        return Counter(_SURROGATE.findall(text))
    return Counter()


def without_surrogates(text: str) -> str:
    """Put U+FFFD in their place."""
    return _SURROGATE.sub("\ufffd", text) if surrogates(text) else text
