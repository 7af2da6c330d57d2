"""What becomes of an error in a plugin's code: one line that names the plugin, or the traceback for its author."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from charrnn.controls import printable
from charrnn.errors import CharrnnError, InterruptedRunError, PluginError

#: Set to 1 by who wants to see where a plugin fails.
RAISE = "CHARRNN_RAISE_PLUGIN_ERRORS"

#: Set to 1 by who wants to see which plugins are found, loaded and asked, and what each registers.
TRACE = "CHARRNN_TRACE_PLUGINS"

#: What a stranger's code may raise that is not its failure. All else is, also what is no ``Exception``: ``sys.exit``,
#: and what libraries in Rust raise.
PASSING = (KeyboardInterrupt, GeneratorExit, InterruptedRunError)


class PluginTracebackError(Exception):
    """Carries a plugin's own error past all that would make one line of it."""


def is_set(variable: str) -> bool:
    """Tell whether a switch in the environment is on."""
    return os.environ.get(variable, "") not in ("", "0")


def trace(told: str) -> None:
    """Log what happens to plugins, where the environment asks for that."""
    if is_set(TRACE):
        import logging  # costs the help six milliseconds

        logging.getLogger(__name__).info(printable(told))


def is_out_of_memory(error: BaseException) -> bool:
    """Tell a lack of memory from other errors; torch, which need not be imported here, says it in several ways."""
    return isinstance(error, MemoryError) or bool(re.search("out of memory|can't allocate memory", str(error)))


def reason(error: BaseException) -> str:
    """Say in one line what went wrong."""
    text = " ".join(str(error).split())
    return text if isinstance(error, PluginError) else f"{type(error).__name__}: {text}"


def raise_if_asked(error: BaseException, told: str) -> None:
    """Raise what a plugin raised, with its traceback, where the environment asks for that."""
    if is_set(RAISE):
        raise PluginTracebackError(told) from error


@contextmanager
def blamed(who: str) -> Iterator[None]:
    """Turn what code of a plugin raises into one line that names it.

    What is not the plugin's fault passes: our own errors, the system's, a lack of memory.

    Args:
        who: names the plugin and its part, as the line's subject.

    Raises:
        PluginError: the code failed.
    """
    try:
        yield
    except (CharrnnError, OSError, *PASSING):
        raise
    except BaseException as error:
        if is_out_of_memory(error):
            raise
        told = f"{who} failed: {reason(error)}"
        raise_if_asked(error, told)
        raise PluginError(f"{told}; {RAISE}=1 shows where") from error
