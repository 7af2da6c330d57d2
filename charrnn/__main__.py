"""The program: ``charrnn``, and ``python -m charrnn``."""

import contextlib
import gc
import os
import sys

# Python puts the working directory first where modules are looked for; nothing is to be run because it lies there.
with contextlib.suppress(FileNotFoundError):  # the directory may be gone
    if not sys.flags.safe_path and sys.path[0] == os.getcwd():  # noqa: PTH109 - pathlib is not needed for the help
        del sys.path[0]

#: New objects before Python looks for garbage. Importing torch makes a million that stay: looking through them at the
#: usual 700 takes a sixth of its time.
_THRESHOLD = 50_000
#: As in charrnn.errors, which is not imported yet when this is needed.
_INTERRUPTED = 130
#: What every process of a launch would answer at once, so that only one does.
_ANSWERED = {"--help", "-h", "--version"}


def run() -> int:
    """Run the program as a process of its own; returns the exit code."""
    gc.set_threshold(_THRESHOLD, *gc.get_threshold()[1:])
    # Whoever starts us may have closed them.
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: PTH123, SIM115 - open as long as the process lives
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
    try:
        from charrnn.cli import main
        from charrnn.cli.unraisable import tell_or_ask_again
        from charrnn.controls import print_traceback
        from charrnn.launch import leads

        sys.excepthook, sys.unraisablehook = print_traceback, tell_or_ask_again
    except KeyboardInterrupt:
        return _INTERRUPTED
    if not leads() and _ANSWERED.intersection(sys.argv[1:]):
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
    code = main()
    gc.freeze()  # the process ends: what it holds need not be looked through once more, which takes as long again
    return code


if __name__ == "__main__":
    sys.exit(run())
