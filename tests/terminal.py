"""The program on a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

#: What rich sends: a style, and in the live view how the cursor goes.
_RICH = re.compile(r"\x1b\[(?:[1-9]\d*|0)?(?:;\d+)*m|\x1b\[\?25[lh]|\r(?:\x1b\[1A|\x1b\[2K)+|\r\n")
_CONTROLS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass
class Shown:
    """What came of a command.

    Attributes:
        code: its exit code.
        screen: what was sent to the terminal.
        piped: what was written to an output that is none.
    """

    code: int
    screen: str
    piped: str = ""

    @property
    def controls(self) -> list[str]:
        """Control characters that the terminal got, and rich did not send."""
        return controls(_RICH.sub("\n", self.screen))


def controls(text: str) -> list[str]:
    """Find control characters, but for tabs and line ends."""
    return _CONTROLS.findall(text)


def on_a_terminal(*arguments: object, only: str = "", env: dict[str, str] | None = None) -> Shown:
    """Run the program with a terminal for its outputs.

    Args:
        arguments: of the program.
        only: ``stdout`` or ``stderr``, where that alone is one; the other is a pipe.
        env: what is added to the environment.
    """
    primary, secondary = pty.openpty()
    outputs: dict[str, Any] = dict.fromkeys(["stdout", "stderr"], subprocess.PIPE if only else secondary)
    outputs[only or "stdout"] = secondary
    process = subprocess.Popen(
        [sys.executable, "-m", "charrnn", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm", **(env or {})},
        **outputs,
    )
    os.close(secondary)
    screen = read_screen(primary)
    out, err = process.communicate(timeout=60)
    return Shown(process.returncode, screen, (out or err or b"").decode())


def read_screen(primary: int) -> str:
    """Read what a terminal was sent until nobody is left who could write to it, and close it."""
    sent = b""
    with open(primary, "rb", buffering=0) as file:
        try:
            while more := file.read(65536):
                sent += more
        except OSError:  # how Linux says it
            pass
    return sent.decode()
