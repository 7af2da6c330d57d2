"""Values that nobody means: those that are known to hurt, and what hypothesis thinks of."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st


class Raw(str):
    """A value as it is written in a file, which no value of Python is written as."""

    __slots__ = ()


#: As many as numbers of JSON may have digits before Python refuses to read them, and then some.
DIGITS = "9" * 5000

NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 2, 3, 7, 255, 256, 65536, 10**6, 10**7, 10**9, 10**12, 10**15),
    *(2**31 - 1, 2**31, 2**32, 2**62, 2**63 - 1, 2**63, 2**64, -(2**63), 10**30, 10**400),
    *(0.0, -0.0, 0.5, 1.5, 1e-300, 5e-324, 1e300, 1.7976931348623157e308, -1e300),
)
_PATHS = ("../../etc/passwd", "/etc/passwd", "/dev/zero", "/dev/stdin", "/dev/full", "/proc/self/mem", ".", "..", "~")
_SIGNS = ("", " ", "\n", "\0", "|", "-", "*", "[", "{", "}", "%s", "%n", "$(id)", "`id`", "{0.__class__}", "{text}")
_NUMERALS = ("nan", "inf", "-inf", "1e400", "1e400s", "1_000", "0x10", "١٢", "²", "true", "None", "null", DIGITS)
_NAMES = ("lstm", "gru", "char", "byte", "sentencepiece", "pystdlib", "train", "words.txt", "os:system", "builtins")
_ADDRESSES = ("hf:a/b", "hf:a/b:c@d", "hf:", "a/b", "a\\b")
_CHARACTERS = ("a", "é", "☃", "\U0001f600", "\ud800", "\udcff", "\ufeff", "\u202egnp.exe", "\x1b[31mred", "\x9b2J")
_LONG = ("a" * 300, "a" * 100_000, "\u0301" * 1000)
TEXTS = (*_PATHS, *_SIGNS, *_NUMERALS, *_NAMES, *_ADDRESSES, *_CHARACTERS, *_LONG)
#: What JSON may hold though nobody writes it.
UNWRITTEN = (
    *map(Raw, ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1E+2", "-0", DIGITS, f"0.{DIGITS}", "01", "")),
    *map(Raw, ("tru", "undefined", "'a'", "/**/1", r'"\ud800"', r'"\u0000"', '{"a": 1, "a": 2}')),
    *map(Raw, ("[" * 100_000 + "]" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000, "[" + "0," * 100_000 + "0]")),
)
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [0], [[]], {"": ""}, [None] * 3, {"a": {"b": {"c": []}}})

_texts = st.text(st.characters(exclude_categories=()), max_size=30)
_numbers = st.integers() | st.floats() | st.integers(-(2**70), 2**70)
_leaves = _numbers | _texts | st.booleans() | st.none()
_json = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4), max_leaves=6
)


@cache
def drawn_values(batch: str) -> list[Any]:
    """Draw values of JSON; the same name of a batch draws the same."""
    return _drawn(_json, batch)


@cache
def drawn_texts(batch: str) -> list[str]:
    """Draw texts, lone surrogates among them."""
    return _drawn(_texts, batch)


def _drawn(strategy: st.SearchStrategy[Any], batch: str) -> list[Any]:
    found: list[Any] = []

    @seed(batch)
    @settings(
        max_examples=200,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    run: Callable[[], None] = collect
    run()
    return found
