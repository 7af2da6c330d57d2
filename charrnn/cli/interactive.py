"""Writing together: the person and the model take turns; the model's state is carried, and kept for taking back."""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING

import typer

from charrnn.errors import ExitCode
from charrnn.reporting.text import printable

if TYPE_CHECKING:
    from charrnn.cli.prompts import Prompts
    from charrnn.generation.prompt import Prompt
    from charrnn.generation.session import Session
    from charrnn.generation.settings import SampleSettings

#: Turns that can be taken back; each keeps a state of the model.
_TURNS = 200
_SUGGESTIONS = 8
_HELP = {
    True: "a number picks; text is added as it is; =TEXT adds text that begins with a digit or /; an empty line lets "
    "the model go on by a line; /undo, /text, /help, /quit",
    False: "a line is added, and the model goes on; an empty line only lets it go on; /undo, /text, /help, /quit",
}


def talk(session: Session, asked: SampleSettings, prompts: Prompts, *, suggest: bool) -> int:
    """Take turns until the input ends or the person quits.

    Args:
        session: the model.
        asked: how it goes on.
        prompts: what the text begins with.
        suggest: offer the likeliest next pieces, to pick from; else each line is continued.
    """
    (prompt,) = prompts
    return _Talk(session, asked, prompt, prompts.last or "", suggest=suggest).run()


class _Talk:
    def __init__(self, session: Session, asked: SampleSettings, prompt: Prompt, text: str, *, suggest: bool) -> None:
        self._session = session
        self._asked = asked
        self._suggest = suggest
        self._turns: deque[tuple[str, Prompt]] = deque([(text, prompt)], maxlen=_TURNS)
        self._number = 0

    def run(self) -> int:
        """Read commands, one a line."""
        self._tell(_HELP[self._suggest])
        if self._text:
            typer.echo(printable(self._text))
        while True:
            offered = self._offer() if self._suggest else []
            line = self._ask()
            if line is None or line == "/quit":
                break
            self._obey(line, offered)
        if self._suggest and not sys.stdin.isatty():
            typer.echo(printable(self._text))
        return ExitCode.DONE

    @property
    def _text(self) -> str:
        return self._turns[-1][0]

    def _obey(self, line: str, offered: list[str]) -> None:
        if line == "/undo":
            if len(self._turns) > 1:
                self._turns.pop()
            else:
                self._tell("there is nothing to take back")
        elif line == "/help":
            self._tell(_HELP[self._suggest])
        elif line == "/text":
            typer.echo(printable(self._text))
        elif line.startswith("/"):
            self._tell(f"there is no {line.split()[0]}; {_HELP[self._suggest]}")
        elif not self._suggest:
            self._continue(f"{line}\n" if line else "")
        elif not line:
            self._continue("")
        elif line.isdigit():
            if 1 <= int(line) <= len(offered):
                self._add(offered[int(line) - 1])
            else:
                self._tell(f"there is no suggestion {line}; ={line} adds it as text")
        else:
            self._add(line.removeprefix("="))

    def _add(self, text: str) -> None:
        prompt = self._turns[-1][1]
        missing = self._session.tokenizer.unseen(text)
        if missing:
            self._tell(f"the model has never seen {', '.join(map(repr, missing))}; replaced for it")
        self._turns.append((self._text + text, self._session.go_on(prompt, text)))

    def _continue(self, text: str) -> None:
        """Let the model go on from a text of the person's; both are one turn."""
        before = self._turns[-1]
        read = self._session.go_on(before[1], text) if text else before[1]
        ended = self._asked
        if self._suggest and not (ended.lines or ended.until or "length" in ended.model_fields_set):
            ended = ended.model_copy(update={"lines": 1})
        made = []
        for piece in self._session.texts([read], ended, first=self._number):
            made.append(piece.text)
            typer.echo(printable(piece.text), nl=False)
        self._number += 1
        written = "".join(made)
        if not written.endswith("\n"):
            typer.echo("")
        self._turns.append((before[0] + text + written, self._session.go_on(read, written)))

    def _offer(self) -> list[str]:
        """Show the likeliest next pieces, numbered, and return them."""
        best = self._session.following(self._turns[-1][1])[:_SUGGESTIONS]
        typer.echo(
            "  ".join(f"{number} {piece!r} {share:.0%}" for number, (piece, share) in enumerate(best, 1)), err=True
        )
        return [piece for piece, _ in best]

    def _ask(self) -> str | None:
        last = self._text.rsplit("\n", 1)[-1]
        shown = printable(last[-60:]) if self._suggest else ""
        if sys.stdin.isatty():
            try:
                return input(f"{shown}> ")
            except EOFError:
                return None
        line = sys.stdin.readline()
        return line.rstrip("\n") if line else None

    def _tell(self, text: str) -> None:
        typer.echo(text, err=True)
