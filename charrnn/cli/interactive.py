"""Writing together: the person and the model take turns; the model's state is carried, and kept for taking back."""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING

from charrnn.cli.stopping import stopped_by_signals
from charrnn.controls import shortened
from charrnn.errors import ExitCode, never_seen
from charrnn.generation.prompt import leave_out
from charrnn.reporting.echo import send, tell

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


def talk(session: Session, asked: SampleSettings, prompts: Prompts, *, suggest: bool, raw: bool) -> int:
    """Take turns until the input ends or the person quits.

    Into a pipe, the text alone is written: with suggestions at the end, without them as it is made.

    Args:
        session: the model.
        asked: how it goes on.
        prompts: what the text begins with.
        suggest: offer the likeliest next pieces, to pick from; else each line is continued.
        raw: send a terminal what control characters the text holds.
    """
    (prompt,) = prompts
    return _Talk(session, asked, prompt, prompts.last or "", suggest=suggest, raw=raw).run()


class _Talk:
    def __init__(
        self, session: Session, asked: SampleSettings, prompt: Prompt, text: str, *, suggest: bool, raw: bool
    ) -> None:
        self._session = session
        self._asked = asked
        self._suggest = suggest
        self._raw = raw
        self._turns: deque[tuple[str, Prompt]] = deque([(text, prompt)], maxlen=_TURNS)
        self._number = 0
        self._to_pipe = not sys.stdout.isatty()

    def run(self) -> int:
        """Read commands, one a line."""
        tell(_HELP[self._suggest])
        if self._text:
            self._show_all()
        while True:
            offered = self._offer() if self._suggest else []
            line = self._ask()
            if line is None or line == "/quit":
                break
            self._obey(line, offered)
        if self._suggest and self._to_pipe:
            send(f"{self._text}\n")
        return ExitCode.DONE

    @property
    def _text(self) -> str:
        return self._turns[-1][0]

    def _obey(self, line: str, offered: list[str]) -> None:
        if line == "/undo":
            if len(self._turns) > 1:
                self._turns.pop()
            else:
                tell("there is nothing to take back")
        elif line == "/help":
            tell(_HELP[self._suggest])
        elif line == "/text":
            self._show_all()
        elif line.startswith("/"):
            tell(f"there is no {shortened(line.split()[0])}; {_HELP[self._suggest]}")
        elif not self._suggest:
            self._continue(f"{line}\n" if line else "")
        elif not line:
            self._continue("")
        elif line.isdecimal():
            by_number = {str(number): piece for number, piece in enumerate(offered, 1)}
            if line in by_number:
                self._add(by_number[line])
            else:
                told = shortened(line)
                tell(f"there is no suggestion {told}; ={told} adds it as text")
        else:
            self._add(line.removeprefix("="))

    def _add(self, text: str) -> None:
        known = self._known(text)
        if known is not None:
            self._turns.append((self._text + text, self._session.go_on(self._turns[-1][1], known)))

    def _known(self, text: str) -> str | None:
        """Return what the model is to read of a person's text; None where it is refused."""
        missing = self._session.tokenizer.unseen(text)
        if not missing:
            return text
        told = {"replace": "replaced", "skip": "skipped", "error": "not added"}[self._asked.unseen]
        tell(f"{never_seen(missing)}; {told}")
        if self._asked.unseen == "error":
            return None
        return leave_out(missing, text) if self._asked.unseen == "skip" else text

    def _continue(self, text: str) -> None:
        """Let the model go on from a text of the person's; both are one turn. Ctrl-C ends what it writes."""
        known = self._known(text)
        if known is None:
            return
        before, prompt = self._turns[-1]
        read = self._session.go_on(prompt, known) if known else prompt
        ended = self._asked
        if self._suggest and not (ended.lines or ended.until or "length" in ended.model_fields_set):
            ended = ended.model_copy(update={"lines": 1})
        written = ""
        with stopped_by_signals() as stopped:
            for piece in self._session.pieces([read], ended, first=self._number, stopped=stopped):
                written += piece.text
                self._show(piece.text)
                if piece.whole is not None and piece.whole.stop == "blocked":
                    tell("no token may come here; forbid less, or go on yourself")
        if stopped.exit_code == ExitCode.TERMINATED:
            raise SystemExit(stopped.exit_code)
        self._number += 1
        if not written.endswith("\n"):
            self._show("\n")
        self._turns.append((before + text + written, self._session.go_on(read, written)))

    def _show(self, text: str) -> None:
        """Show what the model writes; into a pipe only where that is all that will be written."""
        send(text, raw=self._raw, err=self._suggest and self._to_pipe)

    def _show_all(self) -> None:
        send(f"{self._text}\n", raw=self._raw, err=True)

    def _offer(self) -> list[str]:
        """Show the likeliest next pieces that may come, numbered, and return them."""
        likely = self._session.following(self._turns[-1][1], self._asked)
        # Half a character cannot be shown, nor added as text.
        best = [(piece, share) for piece, share in likely if piece and "\ufffd" not in piece][:_SUGGESTIONS]
        shown = (f"{number} {piece!r} {share:.0%}" for number, (piece, share) in enumerate(best, 1))
        tell("  ".join(shown))
        return [piece for piece, _ in best]

    def _ask(self) -> str | None:
        last = self._text.rsplit("\n", 1)[-1]
        if sys.stdin.isatty():
            tell(f"{last[-60:] if self._suggest else ''}> ", end="")
        line = sys.stdin.readline()
        return line.rstrip("\r\n") if line else None
