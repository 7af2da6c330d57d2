"""What ``torchrun`` starts in tests: a list of trainings, one after the other, and how each ended on this rank.

Starting processes takes longer than training models of this size, so that one launch serves many tests.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import charrnn
from charrnn.corpora.streaming.feed import Feed
from charrnn.errors import CharrnnError, CorpusError, PluginError
from charrnn.training import learner, stream_batches
from charrnn.training.joining import joined
from tests.runs.test_same_bits import Stop

#: What the second rank fails at, when it does so for the third time: what all find out, or it alone.
BREAKS: dict[str, tuple[object, str, CharrnnError]] = {
    "stream": (Feed, "next", CorpusError("the hub cannot be reached")),
    "step": (learner, "clip_gradient", PluginError("the cell is broken")),
}


def break_at_the_third(function: Callable[..., Any], error: CharrnnError) -> Callable[..., Any]:
    """Let a function fail at its third call."""
    calls = count()

    def broken(*arguments: Any) -> Any:
        if next(calls) == 2:
            raise error
        return function(*arguments)

    return broken


def come_late(late: float) -> None:
    """Let the first rank take so many seconds for what others may have to wait for."""
    with joined() as ranks, ranks.together(patient=True):
        if ranks.first:
            time.sleep(late)


def gloo_threads() -> list[str]:
    """Name the threads of connections that this process still has."""
    names = [each.read_text().strip() for each in Path("/proc/self/task").glob("*/comm")]
    return [each for each in names if "gloo" in each]


def main() -> None:
    rank = os.environ["RANK"]
    stream_batches.WINDOW_TOKENS = 1  # sixteen chunks a window
    charrnn.add_plugin("cell.py")
    ends: dict[str, Any] = {"threads left": {}}
    for training in json.loads(Path(sys.argv[1]).read_text()):
        called = training.pop("called", training.get("name"))
        told = {key: each[int(rank)] for key, each in training.pop("of_rank", {}).items()}
        observers = [Stop(training.pop("stop"))] if "stop" in training else []
        breaks = training.pop("breaks", None)
        try:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in training.pop("env", {}).items():
                    patch.setenv(name, value)
                if breaks and rank == "1":
                    where, name, error = BREAKS[breaks]
                    patch.setattr(where, name, break_at_the_third(getattr(where, name), error))
                if "late" in training:
                    come_late(**training)
                else:
                    charrnn.train(**training, **told, observers=observers)
            ends[called] = None
        except CharrnnError as error:
            ends[called] = [type(error).__name__, str(error)]
            if left := gloo_threads():
                ends["threads left"][called] = left
    Path(f"ends-{rank}.json").write_text(json.dumps(ends))


main()
