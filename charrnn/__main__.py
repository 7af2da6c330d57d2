"""``python -m charrnn``."""

import os
import sys

# Python puts the working directory first where modules are looked for; nothing is to be run because it lies there.
if not sys.flags.safe_path and sys.path[0] == os.getcwd():  # noqa: PTH109 - pathlib is not needed for the help
    del sys.path[0]

from charrnn.cli import main

sys.exit(main())
