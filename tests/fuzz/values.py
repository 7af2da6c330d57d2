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
TEXTS = (
    *("", " ", "\n", "\0", "a", "é", "☃", "\U0001f600", "\ud800", "\udcff", "\u202egnp.exe", "\x1b[31mred", "\x9b2J"),
    *("../../etc/passwd", "/etc/passwd", "/dev/zero", "/dev/stdin", "/dev/full", "/proc/self/mem", ".", "..", "|", "-"),
    *(
        "a/b",
        "a\\b",
        "~",
        "*",
        "[",
        "{0.__class__}",
        "{text}",
        "{",
        "}",
        "%s",
        "%n",
        "$(id)",
        "`id`",
        "hf:a/b",
        "hf:a/b:c@d",
        "hf:",
    ),
    *("nan", "inf", "-inf", "1e400", "1e400s", "1_000", "0x10", "١٢", "²", "true", "None", "null", "9" * 5000),
    *("lstm", "char", "byte", "sentencepiece", "gru", "pystdlib", "train", "validation", "words.txt", "a" * 300),
    *("os:system", "builtins", "constructor", "__proto__", "\ufeff", "a" * 100_000, "\u0301" * 1000),
)
#: What JSON may hold though nobody writes it.
UNWRITTEN = (
    *(Raw("NaN"), Raw("Infinity"), Raw("-Infinity"), Raw("1e400"), Raw("-1e400"), Raw("1E+2"), Raw("-0"), Raw(DIGITS)),
    *(Raw("[" * 100_000 + "]" * 100_000), Raw('{"a":' * 5000 + "1" + "}" * 5000), Raw('{"a": 1, "a": 2}')),
    *(Raw("'a'"), Raw("tru"), Raw("undefined"), Raw(""), Raw("01"), Raw("/**/1"), Raw(r'"\ud800"'), Raw(r'"\u0000"')),
    *(Raw("1.0000000000000000000000000000001"), Raw("[" + "0," * 100_000 + "0]")),
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
