"""All that is left to chance in a case, which its seed, target and number decide."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

from tests.fuzz import octets
from tests.fuzz.values import NUMBERS, OTHERS, TEXTS, UNWRITTEN, Raw, drawn_texts, drawn_values

#: Cases that share what hypothesis has drawn, which takes as long as some cases.
_BATCH = 500


class Chance(Random):
    """Chooses.

    Args:
        seed: of the whole.
        target: whose case it is.
        number: of the case.
    """

    def __new__(cls, *_: object) -> Chance:
        """Make one; ``Random`` would take the seed here."""
        return super().__new__(cls)

    def __init__(self, seed: int, target: str, number: int) -> None:
        super().__init__(f"{seed} {target} {number}")
        self._batch = f"{seed} {target} {number // _BATCH}"

    def happens(self, probability: float) -> bool:
        """Tell whether something comes to be."""
        return self.random() < probability

    def value(self) -> Any:
        """Return a value for a document, known to hurt or not."""
        kind = self.random()
        if kind < 0.3:
            return self.choice(NUMBERS)
        if kind < 0.5:
            return self.choice(TEXTS)
        if kind < 0.6:
            return deepcopy(self.choice(OTHERS))
        if kind < 0.75:
            return self.choice(UNWRITTEN)
        return deepcopy(self.choice(drawn_values(self._batch)))

    def text(self) -> str:
        """Return a text."""
        return self.choice(TEXTS) if self.happens(0.5) else self.choice(drawn_texts(self._batch))

    def argument(self) -> str:
        """Return a text that a shell can hand over: without NUL, and with bytes that are no UTF-8 as surrogates."""
        text = self.text() if self.happens(0.6) else str(self.choice([each for each in NUMBERS if each != 10**400]))
        raw = text.encode("utf-8", "surrogatepass").replace(b"\0", b"")
        if self.happens(0.1):
            raw = octets.spoiled(self, raw).replace(b"\0", b"")
        return raw.decode("utf-8", "surrogateescape")

    def like(self, value: Any) -> Any:
        """Return another value of the same kind."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.choice(NUMBERS)
        return self.text() if isinstance(value, str) else self.value()

    def nudged(self, value: Any) -> Any:
        """Return a value that is near another."""
        if isinstance(value, bool) or value is None:
            return not value
        if isinstance(value, int | float):
            return self.choice(
                (value + 1, value - 1, -value, value * 1000, str(value), Raw(f"{value}.0"), Raw(f"{value}0"))
            )
        if isinstance(value, str):
            return octets.spoiled(self, value.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
        return [value, value] if self.happens(0.5) else {"a": value}
