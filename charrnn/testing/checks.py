"""A list of promises, each with the code that tries to break it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


class Broken(AssertionError):  # noqa: N818 - what pytest shows should read as a sentence
    """A promise does not hold.

    Args:
        told: what was found instead.
        case: the smallest case that shows it.
    """

    def __init__(self, told: str, case: str = "") -> None:
        super().__init__(f"{told} ({case})" if case else told)
        self.told = told
        self.case = case


def require(holds: bool, told: str, case: object = "") -> None:
    """Raise unless something holds.

    Raises:
        Broken: it does not.
    """
    if not holds:
        raise Broken(told, str(case))


@dataclass(frozen=True)
class Check:
    """One promise. Calling it with a class and options tries to break it; it raises where that works."""

    name: str
    promise: str
    function: Callable[[Any], None]
    subject: Callable[..., Any]

    def __call__(self, target: Any, **options: Any) -> None:
        """Run the check.

        Raises:
            Broken: the promise does not hold.
        """
        self.function(self.subject(target, options))


class Checks:
    """The promises of one kind, in the order in which they are best read.

    Args:
        subject: makes, of a class and its options, what the checks take.
    """

    def __init__(self, subject: Callable[..., Any]) -> None:
        self._subject = subject
        self._checks: list[Check] = []

    def __iter__(self) -> Iterator[Check]:
        return iter(self._checks)

    def promise(self, text: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
        """Add the function below as the check of a promise; its name is the check's."""

        def add(function: Callable[[Any], None]) -> Callable[[Any], None]:
            self._checks.append(Check(function.__name__, text, function, self._subject))
            return function

        return add

    def run(self, target: Any, **options: Any) -> None:
        """Run all of them.

        Raises:
            Broken: names the first promise that does not hold.
        """
        for check in self:
            try:
                check(target, **options)
            except Broken as error:
                raise Broken(f"{check.promise}: {error.told}", error.case) from None
