"""One call of the command line, what it finds, and how it ended."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

Arguments = tuple[str, ...]


def calls(lines: str) -> list[Arguments]:
    """Read calls of the command line, one a line, as a shell would."""
    return [tuple(shlex.split(line)) for line in lines.strip().splitlines()]


@dataclass(frozen=True)
class Case:
    """A call of the command line.

    Attributes:
        home: the name of the home, a directory with a run, in which it is called.
        arguments: of the command line.
        files: what is put there first, by paths within the home.
        stdin: what it reads.
        asks: whether the command line itself may ask for long work or much memory, which is a person's right: then
            long work is to be interrupted well, and memory that is not there is to be told. What a file asks for is
            never a reason to work long or to take much memory.
        damaged: whether a file of the run is not what was saved, and nothing fits it: that has to be noticed.
    """

    home: str
    arguments: Arguments
    files: Mapping[str, bytes] = field(default_factory=dict)
    stdin: bytes = b""
    asks: bool = False
    damaged: bool = False


@dataclass(frozen=True)
class Ending:
    """How a call ended.

    Attributes:
        code: the exit code, negative where a signal ended it, None where it had to be killed.
        out: what it wrote to standard output.
        err: to standard error.
        seconds: from its start, by the clock.
        memory: the most that it had, in bytes: Python, torch and all.
        interrupted: whether it was asked to stop.
    """

    code: int | None
    out: bytes
    err: bytes
    seconds: float
    memory: int
    interrupted: bool = False
