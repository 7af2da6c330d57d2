"""Errors where nothing can be raised, such as in what Python calls when it takes an object away."""

from __future__ import annotations

import os
import signal
import sys
import threading

from charrnn.controls import print_traceback
from charrnn.errors import ExitCode, InterruptedRunError
from charrnn.reporting.echo import tell

#: Seconds after which Python is out of there.
_SOON = 0.01


def tell_or_ask_again(unraisable: sys.UnraisableHookArgs) -> None:
    """Tell of an error, for ``sys.unraisablehook``; Ctrl-C and SIGTERM, which would be lost, come again."""
    error = unraisable.exc_value
    if isinstance(error, KeyboardInterrupt | InterruptedRunError):
        ended = getattr(error, "exit_code", ExitCode.INTERRUPTED)
        number = signal.SIGTERM if ended == ExitCode.TERMINATED else signal.SIGINT
        threading.Timer(_SOON, os.kill, (os.getpid(), number)).start()
        return
    tell(f"{unraisable.err_msg or 'Exception ignored in'}: {unraisable.object!r}")
    if error is not None:
        print_traceback(unraisable.exc_type, error, unraisable.exc_traceback)
