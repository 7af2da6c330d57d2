"""Generated texts on standard output: as they are made, or as JSON lines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from charrnn.generation.beam.hypothesis import Hypothesis
from charrnn.generation.lanes import Piece
from charrnn.generation.prompt import Prompt
from charrnn.generation.text import bits_per_char
from charrnn.reporting.echo import say_json, send

#: Between two texts, and before what is said of one.
_RULE = "---"

#: Says more of a text, by name.
Describe = Callable[[str], dict[str, Any]]


class TextWriter(ABC):
    """Shows texts in the order of their numbers, whatever order they are made in.

    Args:
        prompts: the prompt of each text by its number, or None where it was shown already.
        describe: says more of a text.
    """

    def __init__(self, prompts: Callable[[int], str | None], describe: Describe | None = None) -> None:
        self._prompts = prompts
        self._describe = describe
        self._waiting: dict[int, list[Piece]] = {}
        self._now = 0

    def hear(self, piece: Piece) -> None:
        """Show a piece, or keep it until those before it are shown."""
        self._waiting.setdefault(piece.number, []).append(piece)
        while ready := self._waiting.pop(self._now, []):
            for each in ready:
                self._show(each)
            if ready[-1].whole is None:
                break
            self._now += 1

    @abstractmethod
    def _show(self, piece: Piece) -> None: ...

    @abstractmethod
    def found(self, hypotheses: list[Hypothesis], text: str | None, prompt: Prompt) -> None:
        """Show what a search found.

        Args:
            hypotheses: the best first.
            text: of the prompt, where it was not shown already.
            prompt: whose own score is told apart.
        """


class PlainTexts(TextWriter):
    """Texts with a rule between them; the first that has not ended is shown as it is made.

    Args:
        prompts: as above.
        describe: as above.
        raw: sends a terminal what control characters they hold.
    """

    def __init__(
        self, prompts: Callable[[int], str | None], describe: Describe | None = None, *, raw: bool = False
    ) -> None:
        super().__init__(prompts, describe)
        self._raw = raw
        self._begun = -1
        self._last = ""

    def write(self, text: str) -> None:
        """Write text at once."""
        if text:
            self._last = text[-1]
            send(text, raw=self._raw)

    def _show(self, piece: Piece) -> None:
        if self._begun < piece.number:
            self._begun = piece.number
            if piece.number:
                self.write(f"{_RULE}\n")
            self.write(self._prompts(piece.number) or "")
        self.write(piece.text)
        if piece.whole is not None:
            self._end_line()
            self._say_more(piece.whole.text)

    def found(self, hypotheses: list[Hypothesis], text: str | None, prompt: Prompt) -> None:
        """Show texts under their scores."""
        if text is None and prompt.tokens:
            self._end_line()
        if prompt.nats is not None and prompt.tokens:
            bits = _shown(bits_per_char(-prompt.nats, prompt.chars))
            self.write(f"{_RULE} prompt: log-probability {-prompt.nats:.3f}, {bits} bits/char\n")
        for number, each in enumerate(hypotheses):
            self.write(
                f"{_RULE} {number + 1}: score {each.score:.3f}, log-probability {each.log_probability:.3f}, "
                f"{_shown(each.bits_per_char)} bits/char, ended by {each.stop}\n"
            )
            self.write(text or "")
            self.write(each.text)
            self._end_line()
            self._say_more(each.text)

    def _end_line(self) -> None:
        if self._last != "\n":
            self.write("\n")

    def _say_more(self, text: str) -> None:
        if self._describe is not None:
            told = self._describe(text)
            self.write(f"{_RULE} " + ", ".join(f"{key} {_shown(value)}" for key, value in told.items()) + "\n")


class JsonTexts(TextWriter):
    """One JSON object a text."""

    def _show(self, piece: Piece) -> None:
        if piece.whole is not None:
            self._print(self._prompts(piece.whole.number), piece.whole.to_dict())

    def found(self, hypotheses: list[Hypothesis], text: str | None, prompt: Prompt) -> None:
        """Print texts with their scores and the prompt's own."""
        log = 0.0 - (prompt.nats or 0.0)
        own = {"prompt_log_probability": log, "prompt_bits_per_char": bits_per_char(log, prompt.chars)}
        for each in hypotheses:
            self._print(text, {"number": self._now, **each.to_dict(), **own})
            self._now += 1

    def _print(self, prompt: str | None, made: dict[str, Any]) -> None:
        described = {} if self._describe is None else self._describe(made["text"])
        known = {} if prompt is None else {"prompt": prompt}
        say_json({**known, **made, **described})


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else repr(value) if isinstance(value, str) else str(value)
