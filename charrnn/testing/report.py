"""All checks of one registered name, with what each found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

from charrnn.errors import CharrnnError
from charrnn.isolation import PASSING, raise_if_asked, reason
from charrnn.registry import Entry
from charrnn.testing.checks import Broken, Check, Checks
from charrnn.testing.speed import Speed, measure

_MODULES = {"cell": "cells", "tokenizer": "tokenizers", "corpus": "corpora", "warper": "warpers"}


@dataclass(frozen=True)
class Outcome:
    """What a check found: nothing, or what is wrong and the smallest case that shows it."""

    name: str
    promise: str
    told: str = ""
    case: str = ""

    @property
    def holds(self) -> bool:
        """Whether the promise was kept."""
        return not self.told


@dataclass(frozen=True)
class Report:
    """The outcomes for one name, and a cell's speed."""

    kind: str
    name: str
    plugin: str
    outcomes: list[Outcome]
    speed: Speed | None = None

    @property
    def holds(self) -> bool:
        """Whether every promise was kept."""
        return all(each.holds for each in self.outcomes)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        outcomes = [{**asdict(each), "holds": each.holds} for each in self.outcomes]
        speed = self.speed.to_dict() if self.speed else None
        named = {"kind": self.kind, "name": self.name, "plugin": self.plugin}
        return {**named, "holds": self.holds, "checks": outcomes, "speed": speed}


def examine(entry: Entry, options: Mapping[str, Any], *, speed: bool) -> Report:
    """Run every check of a registered name's kind.

    Args:
        entry: what is checked.
        options: of it.
        speed: whether a cell that holds is measured as well.
    """
    checks: Checks = import_module(f"charrnn.testing.{_MODULES[entry.kind]}").CHECKS
    target = entry.load()
    outcomes = [_try(check, target, options) for check in checks]
    if entry.numpy is not None:
        forms: Checks = import_module("charrnn.testing.numpy_forms").CHECKS
        outcomes += [_try(check, (target, entry.load_numpy()), options) for check in forms]
    fit = speed and entry.kind == "cell" and all(each.holds for each in outcomes)
    return Report(entry.kind, entry.name, entry.owner.plugin, outcomes, measure(target, options) if fit else None)


def _try(check: Check, target: Any, options: Mapping[str, Any]) -> Outcome:
    try:
        check(target, **options)
    except Broken as error:
        return Outcome(check.name, check.promise, error.told, error.case)
    except CharrnnError as error:
        return Outcome(check.name, check.promise, f"it says: {error}")
    except PASSING:
        raise
    except BaseException as error:
        raise_if_asked(error, f"check {check.name} of {target!r}")
        return Outcome(check.name, check.promise, f"it raises {reason(error)}")
    return Outcome(check.name, check.promise)
