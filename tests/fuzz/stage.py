"""Where cases are called, one after the other, each in a forked process."""

from __future__ import annotations

import faulthandler
import os
import shutil
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from charrnn.cli import main
from charrnn.cli.unraisable import tell_or_ask_again
from charrnn.plugins import plugins
from tests.fuzz.case import Case, Ending
from tests.fuzz.homes import Homes
from tests.fuzz.limits import PATIENCE, SECONDS, ended, limit_memory

#: How a call ends whose exception nobody caught.
CRASHED = 70
#: A machine that is busy with other things may keep a process from its work: a case is slow only as often as this.
_TRIES = 3
#: So deep that no path of a case, with its few "..", leads out of the stage.
_DEEP = "1/2/3/4/5/6"


class Stage:
    """Calls cases.

    Args:
        homes: that they are called in, which are copied for each.
        directory: of the stage's own.
    """

    def __init__(self, homes: Homes, directory: Path) -> None:
        self._homes = homes
        self._home = directory / _DEEP / "home"
        self._input, self._output, self._errors = (directory / each for each in ("in", "out", "err"))
        self._home.parent.mkdir(parents=True, exist_ok=True)

    def call(self, case: Case) -> Ending:
        """Call a case; one that is too slow again, since something else may have been the reason."""
        for _ in range(_TRIES):
            found = self._call(case)
            if found.code is not None:
                break
        return found

    def _call(self, case: Case) -> Ending:
        self._furnish(case)
        start = time.perf_counter()
        process = os.fork()
        if process == 0:
            self._perform(case)
        in_time = ended(process, PATIENCE if case.asks else SECONDS)
        interrupted = case.asks and not in_time
        if interrupted:
            os.kill(process, signal.SIGINT)
            in_time = ended(process, SECONDS)
        seconds = time.perf_counter() - start
        if not in_time:
            os.kill(process, signal.SIGABRT)  # which says on standard error where it is
        _, status, used = os.wait4(process, 0)
        with suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)  # what it has started
        code = os.waitstatus_to_exitcode(status) if in_time else None
        out, err = self._output.read_bytes(), self._errors.read_bytes()
        return Ending(code, out, err, seconds, used.ru_maxrss * 1024, interrupted)

    def _furnish(self, case: Case) -> None:
        shutil.rmtree(self._home, ignore_errors=True)
        shutil.copytree(self._homes.directory / case.home, self._home)
        for name, content in case.files.items():
            (self._home / name).parent.mkdir(parents=True, exist_ok=True)
            (self._home / name).write_bytes(content)
        self._input.write_bytes(case.stdin)

    def _perform(self, case: Case) -> NoReturn:
        """Become the program, call it, and end."""
        code = CRASHED
        try:
            os.setsid()
            self._redirect()
            faulthandler.enable(all_threads=False)
            sys.unraisablehook = tell_or_ask_again  # as the program's own process has it
            signal.signal(signal.SIGINT, signal.default_int_handler)  # who works in the background ignores it
            limit_memory(refuse=case.asks)
            os.chdir(self._home)
            os.environ["CHARRNN_CACHE"] = str(self._home / "cache")
            plugins.cache_clear()
            code = main(case.arguments)
            sys.stdout.flush()
        except SystemExit as asked:
            code = asked.code if isinstance(asked.code, int) else CRASHED
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _redirect(self) -> None:
        for number, (path, flags) in enumerate(
            [
                (self._input, os.O_RDONLY),
                (self._output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
                (self._errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND),
            ]
        ):
            handle = os.open(path, flags, 0o600)
            os.dup2(handle, number)
            os.close(handle)
        # As Python opens them where text is UTF-8.
        sys.stdin = os.fdopen(0, encoding="utf-8")
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
