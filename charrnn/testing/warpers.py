"""The promises of a warper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from charrnn.generation.network import Logits
from charrnn.generation.warpers.base import Warper
from charrnn.testing.checks import Checks, require
from charrnn.tokenizers.base import Ids, Tokenizer


class WarperSubject:
    """A warper's class and its options."""

    def __init__(self, warper: Any, options: Mapping[str, Any]) -> None:
        require(isinstance(warper, type) and issubclass(warper, Warper), f"{warper!r} is no subclass of charrnn.Warper")
        from charrnn.plugins import plugins

        tokenizer: type[Tokenizer] = plugins().tokenizers["char"].load()
        self.tokenizer = tokenizer.train([" \nabcdefghijklmnopqrstuvwxyz.,'"])
        self._class = warper
        self._options = dict(options)

    def make(self) -> Warper:
        """Build one."""
        return self._class(self.tokenizer, **self._options)  # type: ignore[no-any-return]

    def cases(self) -> Iterator[tuple[Logits, Ids, str]]:
        """Yield logits, histories and what to call them, the smallest first."""
        generator = np.random.default_rng(0)
        vocab_size = self.tokenizer.vocab_size
        for lanes, length in ((1, 0), (1, 1), (2, 3), (3, 40)):
            logits = generator.normal(size=(lanes, vocab_size)).astype(np.float32)
            history = generator.integers(vocab_size, size=(lanes, length))
            yield logits, history, f"{lanes} lanes, {length} ids of history"


CHECKS = Checks(WarperSubject)


@CHECKS.promise("it keeps shape and type, and leaves a token that can come")
def keeps_the_shape(subject: WarperSubject) -> None:
    """What comes out can be drawn from."""
    warper = subject.make()
    for logits, history, case in subject.cases():
        found = warper.warp(logits, history)
        require(isinstance(found, np.ndarray), f"it returns {type(found).__name__}, no array", case)
        require(found.shape == logits.shape, f"it returns {list(found.shape)}, not {list(logits.shape)}", case)
        require(np.issubdtype(found.dtype, np.floating), f"it returns {found.dtype}", case)
        require(not np.isnan(found).any() and not (found == np.inf).any(), "it returns NaN or infinity", case)
        require(bool(np.isfinite(found.max(axis=-1)).all()), "it leaves no token that could come", case)


@CHECKS.promise("it leaves its arguments as they are")
def leaves_its_arguments(subject: WarperSubject) -> None:
    """The same logits are used for scores."""
    warper = subject.make()
    for logits, history, case in subject.cases():
        kept = logits.copy(), history.copy()
        warper.warp(logits, history)
        same = np.array_equal(kept[0], logits) and np.array_equal(kept[1], history)
        require(same, "it changes its arguments", case)


@CHECKS.promise("a lane depends only on itself")
def lanes_are_independent(subject: WarperSubject) -> None:
    """Texts drawn side by side are those drawn one by one."""
    for logits, history, case in subject.cases():
        whole = subject.make().warp(logits, history)
        for lane in range(len(logits)):
            alone = subject.make().warp(logits[lane : lane + 1], history[lane : lane + 1])
            require(np.allclose(whole[lane], alone[0], atol=1e-6), f"lane {lane} alone gives other logits", case)


@CHECKS.promise("it is a function")
def is_a_function(subject: WarperSubject) -> None:
    """It carries nothing from call to call, so that beams can be reordered."""
    warper = subject.make()
    for logits, history, case in subject.cases():
        first = warper.warp(logits, history)
        warper.warp(logits[::-1] * 2, history)
        require(np.array_equal(warper.warp(logits, history), first), "called again, it gives other logits", case)
