"""What is spoiled: one file a target, whose ``make`` turns chance into a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from tests.fuzz.case import Case
from tests.fuzz.chance import Chance
from tests.fuzz.homes import Homes

Make = Callable[[Chance, Homes], Case]

#: Each target's share of all cases.
SHARES = {
    "config": 0.18,
    "metrics": 0.06,
    "state": 0.08,
    "manifest": 0.08,
    "tensors": 0.11,
    "tokenizer": 0.1,
    "cache": 0.04,
    "recipe": 0.08,
    "settings": 0.07,
    "text": 0.05,
    "arguments": 0.15,
}
TARGETS: Mapping[str, Make] = {name: import_module(f"{__name__}.{name}").make for name in SHARES}
