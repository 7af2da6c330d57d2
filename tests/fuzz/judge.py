"""What is wrong with how a case ended."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator

from charrnn.errors import ExitCode
from tests.fuzz.case import Case, Ending
from tests.fuzz.limits import MEMORY, SECONDS
from tests.fuzz.stage import CRASHED

#: Who asks and gets no answer takes that for a no.
_USUAL = {ExitCode.DONE, ExitCode.TOLD_ERROR, ExitCode.WRONG_USAGE}
_STOPPED = {ExitCode.INTERRUPTED, ExitCode.TERMINATED}
#: What a library or Python itself lets out.
_LEAK = re.compile(r"\w+Warning:|Exception ignored|terminate called|panicked|Fatal Python error|\bLOG\(|^F\d{4}")
#: What steers a terminal, or turns the direction of a text around.
_STEERING = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
#: Characters of one line that tells of an error: more than that nobody reads.
_LONGEST = 1100
#: Commands that print what is in a report of charrnn's own, and what a model or a person has written only in parts.
_REPORTS = ("runs", "corpora", "plugins")
#: Commands that answer by the exit code 1 and say why in a table.
_VERIFY = ("runs", "verify")
_TABLES = (("corpora", "check"), ("plugins", "check"), _VERIFY)


def faults(case: Case, ending: Ending, undamaged: Ending | None = None) -> list[str]:
    """Name all that is wrong; nothing, where the case got a right answer or a told error.

    Args:
        case: what was called.
        ending: how it ended.
        undamaged: how the same ends on files that are what they were, where this should be the same or told.
    """
    found = [*_of_the_process(case, ending), *_of_errors(case, ending), *_of_output(case, ending)]
    if (
        case.damaged
        and case.arguments[:2] == _VERIFY
        and "--mend" not in case.arguments
        and ending.code == ExitCode.DONE
    ):
        found.append("damage was not noticed")
    if undamaged is not None and ending.code == ExitCode.DONE and ending.out != undamaged.out:
        found.append("damage changed the answer")
    return found


def _of_the_process(case: Case, ending: Ending) -> Iterator[str]:
    if ending.code is None:
        yield f"took more than {SECONDS:g} s"
    elif ending.code < 0:
        yield f"ended by {signal.Signals(-ending.code).name}"
    elif ending.code not in _USUAL | _STOPPED | {CRASHED}:
        yield f"exit code {ending.code}"
    elif ending.code in _STOPPED and not (ending.interrupted or _asks_a_person(case)):
        yield f"exit code {ending.code}, and nobody interrupted it"
    if ending.memory > MEMORY and not case.asks:
        yield f"took {ending.memory / 1e6:.0f} MB"


def _of_errors(case: Case, ending: Ending) -> Iterator[str]:
    try:
        text = ending.err.decode()
    except UnicodeDecodeError:
        yield "standard error is no UTF-8"
        return
    lines = text.split("\n")
    if ending.code == CRASHED:
        yield _crash(lines)
    for leak in filter(_LEAK.search, lines):
        yield f"let out: {leak.strip()[:200]}"
    if steering := _STEERING.search(text):
        yield f"standard error holds {steering[0]!r}"
    told = [line for line in lines if line.startswith("charrnn: ") and not line.startswith("charrnn: warning: ")]
    if any(len(line) > _LONGEST for line in lines):
        yield f"a line of {max(map(len, lines))} characters on standard error"
    failed = ending.code in (ExitCode.TOLD_ERROR, ExitCode.WRONG_USAGE)
    if failed and len(told) != 1 and not _tells_otherwise(case, ending):
        yield f"exit code {ending.code} with {len(told)} lines that tell why"
    if ending.code == ExitCode.DONE and any("rror" in line[:30] for line in told):
        yield f"exit code 0, yet: {told[0][:200]}"


def _crash(lines: list[str]) -> str:
    """Sum a traceback up: what was raised, and by which line of ours."""
    ours = [line.strip() for line in lines if re.match(r'  File ".*/charrnn/', line)]
    where = re.sub(r'File ".*/charrnn/(.*)", line (\d+).*', r"charrnn/\1:\2", ours[-1]) if ours else "nowhere of ours"
    raised = next((line for line in reversed(lines) if line.strip()), "")
    return f"{raised[:200]} at {where}"


def _of_output(case: Case, ending: Ending) -> Iterator[str]:
    try:
        text = ending.out.decode()
    except UnicodeDecodeError:
        if ending.code is not None and not ending.interrupted:
            yield "standard output is no UTF-8"
        return
    if case.arguments[:1] and case.arguments[0] in _REPORTS and (steering := _STEERING.search(text)):
        yield f"standard output holds {steering[0]!r}"
    if "--json" in case.arguments and ending.code == ExitCode.DONE:
        for line in text.splitlines():
            try:
                json.loads(line, parse_constant=_refuse)
            except ValueError:
                yield f"no JSON: {line[:200]!r}"
                break


def _tells_otherwise(case: Case, ending: Ending) -> bool:
    """Tell a call that answers by a table, or that asked for nothing and got the help."""
    return case.arguments[:2] in _TABLES or (ending.out + ending.err).lstrip().startswith(b"Usage: ")


def _asks_a_person(case: Case) -> bool:
    return case.arguments[:2] == ("runs", "rm")


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")
