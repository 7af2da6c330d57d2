"""What ``torchrun`` starts in tests: a list of trainings, one after the other, and how each ended on this rank.

Starting processes takes longer than training models of this size, so that one launch serves many tests.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import charrnn
from charrnn.corpora.streaming.feed import Feed
from charrnn.corpora.streaming.tokens import Window
from charrnn.errors import CharrnnError, CorpusError
from charrnn.training import stream_batches
from tests.runs.test_same_bits import Stop


def break_at_the_third(answered: Callable[[Feed], Window]) -> Callable[[Feed], Window]:
    """Let a stream fail at its third window."""
    calls = count()

    def broken(feed: Feed) -> Window:
        if next(calls) == 2:
            raise CorpusError("the hub cannot be reached")
        return answered(feed)

    return broken


def main() -> None:
    rank = os.environ["RANK"]
    stream_batches.WINDOW_TOKENS = 1  # sixteen chunks a window
    charrnn.add_plugin("cell.py")
    ends: dict[str, Any] = {}
    for training in json.loads(Path(sys.argv[1]).read_text()):
        called = training.pop("called", training.get("name"))
        told = {key: each[int(rank)] for key, each in training.pop("of_rank", {}).items()}
        observers = [Stop(training.pop("stop"))] if "stop" in training else []
        breaks = rank == "1" and training.pop("breaks", False)
        training.pop("breaks", None)
        try:
            with pytest.MonkeyPatch.context() as patch:
                if breaks:
                    patch.setattr(Feed, "next", break_at_the_third(Feed.next))
                charrnn.train(**training, **told, observers=observers)
            ends[called] = None
        except CharrnnError as error:
            ends[called] = [type(error).__name__, str(error)]
    Path(f"ends-{rank}.json").write_text(json.dumps(ends))


main()
