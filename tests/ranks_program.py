"""What ``torchrun`` starts in tests: a list of trainings, one after the other, and how each ended on this rank.

Starting processes takes longer than training models of this size, so that one launch serves many tests.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import charrnn
from charrnn.errors import CharrnnError
from charrnn.training import stream_batches
from tests.test_same_bits import Stop


def main() -> None:
    rank = os.environ["RANK"]
    stream_batches.WINDOW_TOKENS = 1  # sixteen chunks a window
    charrnn.add_plugin("cell.py")
    ends: dict[str, Any] = {}
    for training in json.loads(Path(sys.argv[1]).read_text()):
        told = {key: each[int(rank)] for key, each in training.pop("of_rank", {}).items()}
        observers = [Stop(training.pop("stop"))] if "stop" in training else []
        try:
            charrnn.train(**training, **told, observers=observers)
            ends[training["name"]] = None
        except CharrnnError as error:
            ends[training["name"]] = [type(error).__name__, str(error)]
    Path(f"ends-{rank}.json").write_text(json.dumps(ends))


main()
