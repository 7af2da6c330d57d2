"""What a user can be told: one line that says what is wrong, with the value, and what to do next.

The command line turns these into exit codes in one place (``charrnn.cli.main``); nothing else prints them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import IntEnum


class ExitCode(IntEnum):
    """How the program ends."""

    DONE = 0
    TOLD_ERROR = 1
    WRONG_USAGE = 2
    INTERRUPTED = 130
    TERMINATED = 143


class CharrnnError(Exception):
    """Base of every error that is the user's to mend; its text is one line."""

    exit_code = ExitCode.TOLD_ERROR


class UsageError(CharrnnError):
    """The command line, a setting or a configuration file asks for something that cannot be."""

    exit_code = ExitCode.WRONG_USAGE


class CorpusError(CharrnnError):
    """A corpus cannot be found, reached or read."""


class CorpusWarning(UserWarning):
    """A corpus can be read, but there is something that a person should know of it."""


class RunError(CharrnnError):
    """A run directory is missing, damaged, or in the way."""


class PluginError(CharrnnError):
    """A plugin cannot be loaded, or what it registered does not keep its contract."""


class DivergedError(CharrnnError):
    """Training produced NaN, infinity, or a loss far above its start.

    Args:
        what: happened.
        then: what became of the run, and what to do.
    """

    def __init__(self, what: str, then: str = "") -> None:
        super().__init__(f"{what}; {then}" if then else what)
        self.what = what


class InterruptedRunError(CharrnnError):
    """Training was asked to stop, and has saved its state."""

    def __init__(self, message: str, exit_code: ExitCode) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def raise_interruption(error: BaseException) -> None:
    """Raise what interrupted someone else's code, which has taken it for a failure and raised one of its own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, InterruptedRunError):
            raise cause
        cause = cause.__cause__ or cause.__context__


class LostRankError(RunError):
    """Another process that trains the same run cannot be reached, or has ended."""


class PeerError(CharrnnError):
    """Another process that trains the same run has failed, and tells of it: this one ends without a word."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = ExitCode(exit_code)


class RunFinished(CharrnnError):  # noqa: N818 - no error, but the one thing left to say
    """A run that is to be resumed has nothing left to do."""

    exit_code = ExitCode.DONE


def near_names(name: str, known: Iterable[str]) -> str:
    """Say which of ``known`` a person may have meant by ``name``, or list them all where none is near.

    Returns a sentence's end, such as ``did you mean 'lstm'?`` or ``there are: gru, lstm, rnn``.
    """
    names = sorted(known)
    near = get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(repr(each) for each in near)}?"
    if not names:
        return "there are none"
    shown = ", ".join(names[:20])
    return f"there are: {shown}" + (", ..." if len(names) > 20 else "")


def shown_characters(counts: Mapping[str, int]) -> str:
    """Write characters and how often each occurs, for a message."""
    most = sorted(counts, key=lambda each: -counts[each])[:8]
    listed = ", ".join(repr(each) for each in most) + (", ..." if len(counts) > len(most) else "")
    total = sum(counts.values())
    return f"{total} character{'s' if total != 1 else ''} ({listed})"


def lacked(characters: Iterable[str]) -> str:
    """Say which characters of a stream its tokenizer has not learned from its start."""
    found = sorted(characters)
    listed = ", ".join(repr(each) for each in found[:8]) + (", ..." if len(found) > 8 else "")
    return (
        f"the start of the text, which the tokenizer learned from, lacks {len(found)} of its characters ({listed}); "
        "replaced (a larger --sample-bytes, or --tokenizer byte)"
    )


def never_seen(counts: Mapping[str, int]) -> str:
    """Say which characters a model does not know, for a message."""
    return f"the model has never seen {shown_characters(counts)}"


def refuse_unseen(counts: Mapping[str, int]) -> None:
    """Raise where there are such characters.

    Raises:
        UsageError: there are.
    """
    if counts:
        raise UsageError(f"{never_seen(counts)}; use --unseen replace, or other text")
