"""A process that works for this one: it is asked, and answers, over a pair of pipes.

It is started as a program of its own, since what ``multiprocessing`` starts imports the caller's script again and asks
a guard of it, and what is forked inherits the threads of torch. Nothing is unpickled: a frame is a JSON object and
bytes.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Self

from charrnn import errors
from charrnn.controls import print_traceback
from charrnn.errors import CharrnnError, CorpusError
from charrnn.plugins import plugins

#: What is asked or answered: a JSON object, and bytes.
Frame = tuple[dict[str, Any], bytes]
#: What a worker does: given its orders and what it is asked, it yields an answer to each.
Work = Callable[[dict[str, Any], Iterator[Frame]], Iterator[Frame]]

_LENGTHS = struct.Struct("<QQ")


class Worker:
    """A process that does one kind of work.

    Args:
        work: the function that does it, as ``"package.module:name"``; see :data:`Work`.
        orders: what it needs to know, as JSON.
    """

    def __init__(self, work: str, orders: dict[str, Any]) -> None:
        path = os.pathsep.join(each or str(Path.cwd()) for each in sys.path)
        self._process = subprocess.Popen(  # noqa: S603 - this very Python, with our own module
            [sys.executable, "-P", "-m", __name__],  # -P: nothing is imported because it lies in this folder
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What it imports is what is imported here, and two of them should not fight over the processor.
            process_group=0,  # Ctrl-C is this process's to handle; the other ends when its pipe does
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self.ask({"work": work, "orders": orders, "plugins": plugins().added})

    def ask(self, question: dict[str, Any], body: bytes = b"") -> None:
        """Send a question; waits until the worker reads it. If it has ended, :meth:`answer` says why."""
        with suppress(BrokenPipeError):
            _send(self._requests, question, body)

    def answer(self) -> Frame:
        """Wait for the next answer.

        Raises:
            CharrnnError: what the worker raised.
            CorpusError: the process has ended.
        """
        frame = _receive(self._answers)
        if frame is None:
            raise self._gone()
        if "error" in frame[0]:
            kind = getattr(errors, frame[0]["error"])
            raise kind(frame[0]["told"])
        return frame

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._answers.close()
        with suppress(BrokenPipeError):  # what it was still to be asked does not matter any more
            self._requests.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _gone(self) -> CorpusError:
        code = self._process.wait()
        how = f"by signal {-code}; is there enough memory?" if code < 0 else f"with code {code}"
        return CorpusError(f"a process that was at work on the corpus has ended {how}")


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Do the work that the first frame orders, until there is nothing more to read."""
    first = _receive(requests)
    if first is None:
        return
    told, _ = first
    try:
        for plugin in told["plugins"]:
            plugins().add(plugin)
        module, _, name = told["work"].partition(":")
        work: Work = getattr(import_module(module), name)
        for question, body in work(told["orders"], iter(lambda: _receive(requests), None)):
            _send(answers, question, body)
    except CharrnnError as error:
        _send(answers, {"error": _kind(error), "told": str(error)}, b"")


def _kind(error: CharrnnError) -> str:
    """Name the class of an error; of one that was derived elsewhere, what it was derived from."""
    return next(each.__name__ for each in type(error).__mro__ if each.__module__ == errors.__name__)


def _send(pipe: IO[bytes], told: dict[str, Any], body: bytes) -> None:
    header = json.dumps(told).encode()
    pipe.write(_LENGTHS.pack(len(header), len(body)) + header)
    pipe.write(body)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Frame | None:
    lengths = pipe.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    header, body = _LENGTHS.unpack(lengths)
    told, content = pipe.read(header), pipe.read(body)
    return (json.loads(told), content) if len(told) == header and len(content) == body else None


if __name__ == "__main__":
    sys.excepthook = print_traceback
    warnings.simplefilter("ignore")  # whoever asked has been told already
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    try:
        serve(sys.stdin.buffer, answers)
    except BrokenPipeError:
        os._exit(0)  # nobody is left to answer
