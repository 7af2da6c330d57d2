"""The program: ``charrnn``, and ``python -m charrnn``."""

import gc
import os
import sys

# Python puts the working directory first where modules are looked for; nothing is to be run because it lies there.
if not sys.flags.safe_path and sys.path[0] == os.getcwd():  # noqa: PTH109 - pathlib is not needed for the help
    del sys.path[0]

from charrnn.cli import main

#: New objects before Python looks for garbage. Importing torch makes a million that stay: looking through them at the
#: usual 700 takes a sixth of its time.
_THRESHOLD = 50_000


def run() -> int:
    """Run the program as a process of its own; returns the exit code."""
    gc.set_threshold(_THRESHOLD, *gc.get_threshold()[1:])
    code = main()
    gc.freeze()  # the process ends: what it holds need not be looked through once more, which takes as long again
    return code


if __name__ == "__main__":
    sys.exit(run())
