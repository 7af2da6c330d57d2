"""Draws the README's picture of the live view, from a real run: ``make picture``."""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path

import charrnn
from charrnn.reporting.console import SafeConsole
from charrnn.reporting.live import LiveReporter
from charrnn.training.events import Event, Logged, Sampled

BUDGET = "2m"
# Far enough for curve and sample to show something.
MOMENT = 0.7


def main(path: str) -> None:
    """Train on the standard library's source, and draw the view as it is some way into the run."""
    reporter = LiveReporter(SafeConsole(file=io.StringIO()))
    picture = SafeConsole(record=True, width=104, file=io.StringIO(), force_terminal=True)
    progress, drawn = 0.0, False

    def listen(event: Event) -> None:
        nonlocal progress, drawn
        reporter.listen(event)
        if isinstance(event, Logged):
            progress = event.progress
        if isinstance(event, Sampled) and progress >= MOMENT and not drawn:
            picture.print(reporter.view())
            drawn = True

    with tempfile.TemporaryDirectory() as runs:
        charrnn.train("pystdlib", time=BUDGET, preset="quick", checkpoints=runs, samples=True, listen=listen)
    if not drawn:
        sys.exit(f"no sample came after {MOMENT:.0%} of {BUDGET}; give it the machine for itself")
    svg = picture.export_svg(title=f"charrnn train pystdlib --time {BUDGET}")
    # rich would have the reader's browser fetch a font; any monospaced one will do.
    Path(path).write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))


if __name__ == "__main__":
    main(sys.argv[1])
