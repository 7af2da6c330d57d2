"""Commands that are refused what anybody would be refused, for root too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

#: What root calls a command by.
_GIVING_UP = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
needs_to_be_refused = pytest.mark.skipif(
    os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may do anything, and setpriv is not here"
)


def unprivileged(*arguments):
    """Call the program, which is refused something; returns the last line that it says."""
    command = [*(_GIVING_UP if os.geteuid() == 0 else []), sys.executable, "-m", "charrnn", *map(str, arguments)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 1, finished.stderr
    return finished.stderr.splitlines()[-1]
