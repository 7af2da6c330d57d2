"""The prompts of a call: from the command line, a file, or standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING

from charrnn.cli.stopping import Stopped
from charrnn.errors import UsageError, never_seen
from charrnn.reporting.echo import tell

if TYPE_CHECKING:
    from charrnn.generation.prompt import Prompt
    from charrnn.generation.session import Session
    from charrnn.generation.settings import SampleSettings

#: What stands for standard input.
STDIN = "-"
#: Characters of a file that are read at once: a long prompt is not kept in memory.
_BLOCK = 1 << 16


class Prompts:
    """Reads one prompt after the other, as the texts that continue them are made.

    Args:
        session: reads them.
        asked: how often each is continued, and what becomes of unseen characters.
        prompt: the only one, as text.
        file: or the file that it stands in.
        lines: or a file with one a line.
        stopped: asked while a long one is read.

    Raises:
        UsageError: more than one of these is given.
    """

    def __init__(
        self,
        session: Session,
        asked: SampleSettings,
        prompt: str | None,
        file: str | None,
        lines: str | None,
        stopped: Stopped | None = None,
    ) -> None:
        self._session = session
        self._asked = asked
        self._file = STDIN if prompt == STDIN else file
        self._prompt = prompt
        self._lines = lines
        self._stopped = stopped or Stopped()
        self._texts: list[str | None] = []
        #: What shows a prompt from a file while it is read, once.
        self.echo: Callable[[str], object] | None = None

    def __iter__(self) -> Iterator[Prompt]:
        if self._lines is not None:
            for line in read_lines(self._lines, "--prompts"):
                self._texts.append(line)
                pieces = (line[at : at + _BLOCK] for at in range(0, len(line), _BLOCK))
                yield self._read(self._watched(pieces))
        elif self._file is not None:
            self._texts.append(None)
            yield self._read(self._echoed(self._watched(read_text(self._file, "--prompt-file"))))
        else:
            self._texts.append(self._prompt or "")
            yield self._read([self._prompt or ""])

    def text(self, number: int) -> str | None:
        """Return the prompt of a text by its number; None where it came from a file, and was not kept."""
        return self._texts[number // self._asked.num]

    @property
    def last(self) -> str | None:
        """The prompt that was read last."""
        return self._texts[-1]

    def _read(self, texts: Iterable[str]) -> Prompt:
        policy = self._asked.unseen
        read = self._session.read(texts, unseen=policy, scored=self._asked.beam is not None)
        if read.unseen:
            told = {"replace": "replaced", "skip": "skipped"}[policy]
            left = "" if read.tokens else "; nothing is left of it"
            tell(f"{never_seen(read.unseen)} of the prompt; {told}{left}")
        return read

    def _echoed(self, texts: Iterator[str]) -> Iterator[str]:
        for text in texts:
            if self.echo is not None:
                self.echo(text)
            yield text

    def _watched(self, texts: Iterable[str]) -> Iterator[str]:
        """End where a signal asked for it: nothing was made yet that could be shown."""
        for text in texts:
            if self._stopped():
                raise SystemExit(self._stopped.exit_code)
            yield text


def refuse_several(**sources: str | None) -> None:
    """Raise where more than one of these flags says what is to be continued.

    Raises:
        UsageError: so it is.
    """
    named = ["--" + name.replace("_", "-") for name, value in sources.items() if value is not None]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} each give the text to continue; give one of them")


def read_text(name: str, flag: str) -> Iterator[str]:
    """Yield a file's text in pieces, or that of standard input.

    Raises:
        UsageError: it is not there, or no UTF-8.
    """
    try:
        with _open(name) as file:
            while text := file.read(_BLOCK):
                yield text
                if len(text) < _BLOCK:  # asked again at its end, a terminal would wait for more
                    break
    except FileNotFoundError:
        raise UsageError(f"there is no file '{name}' for {flag}") from None
    except IsADirectoryError:
        raise UsageError(f"'{name}' is a folder; give {flag} a file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{flag} '{name}' cannot be read as UTF-8: {error}") from None


def read_lines(name: str, flag: str) -> Iterator[str]:
    """Yield a file's lines, without their ends.

    Raises:
        UsageError: it is not there, or no UTF-8.
    """
    rest = ""
    for text in read_text(name, flag):
        *lines, rest = (rest + text).split("\n")
        yield from (line.removesuffix("\r") for line in lines)
    if rest:
        yield rest


def _open(name: str) -> AbstractContextManager[IO[str]]:
    if name != STDIN:
        return Path(name).open(encoding="utf-8-sig", newline="")
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="strict")
    return nullcontext(sys.stdin)
