"""What a second process brings on this machine: writes a table into docs/scaling.md (``make bench-ranks``).

The same step of the same model: by one process of one thread; by two of one thread each, which share twice the lanes;
by one process of two threads, with all of these lanes. Takes two minutes; nothing else should run meanwhile.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook

from benchmarks.scaling_model import PAGE
from benchmarks.speed.machine import describe
from charrnn.device import keep_freed_memory
from charrnn.launch import read_place
from charrnn.model import LanguageModel
from charrnn.settings import TrainSettings
from charrnn.training.batches import Chunk
from charrnn.training.joined_ranks import JoinedRanks
from charrnn.training.learner import Learner
from charrnn.training.meeting import Meeting
from charrnn.training.ranks import Ranks

SIZES, STEPS, LANES, VOCABULARY = (128, 256, 512), 128, 16, 65
#: Seconds that each case is measured for, after a few steps.
_SECONDS, _BEFORE = 6.0, 3
_TORCHRUN = ["-m", "torch.distributed.run", "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0"]


class TimedRanks(JoinedRanks):
    """Ranks that know how long their all-reduces took."""

    def __init__(self, *what: Any) -> None:
        super().__init__(*what)
        self.waited = 0.0

    def sharing(self, module: nn.Module, *, unused: bool) -> nn.Module:
        """Share the gradients, and time it."""
        shared: Any = super().sharing(module, unused=unused)

        def timed(_, bucket):  # without types: torch compares them
            began = time.perf_counter()

            def done(future: Any) -> Any:
                self.waited += time.perf_counter() - began
                return future.value()

            return allreduce_hook(None, bucket).then(done)

        shared.register_comm_hook(None, timed)
        return shared


def measure(hidden: int, lanes: int, ranks: Ranks) -> dict[str, float]:
    """Return seconds a step, those of all-reduce in it, and those of the exchange after it."""
    settings = TrainSettings(
        cell="lstm", layers=2, hidden=hidden, embed=64, layer_norm=True, dropout=0.0, seq_len=STEPS, batch_size=lanes,
        lr=1e-3, ema=0.0,
    )  # fmt: skip
    torch.manual_seed(0)
    observers: Any = SimpleNamespace(phase_started=lambda _: None)
    learner = Learner(LanguageModel(settings, VOCABULARY), settings, observers, ranks)
    list(learner.warm_up())
    ids = torch.randint(VOCABULARY, (STEPS + 1, lanes // ranks.size))
    chunk = Chunk(ids[:-1], ids[1:], at_start=False)
    times, exchanges, waited, number, now = [], [], [], 0, 0.0
    start = time.perf_counter()
    while now < _SECONDS or number < 3 * _BEFORE:
        number += 1
        before, began = getattr(ranks, "waited", 0.0), time.perf_counter()
        learner.step([chunk], 1e-3, number=number)
        stepped = time.perf_counter()
        now, _ = ranks.moment(stepped - start, None)
        exchanges.append(time.perf_counter() - stepped)
        times.append(time.perf_counter() - began)
        waited.append(getattr(ranks, "waited", 0.0) - before)
    middle = (statistics.median(each[_BEFORE:]) for each in (times, waited, exchanges))
    return dict(zip(("step", "all-reduce", "exchange"), middle, strict=True))


@contextmanager
def _met() -> Any:
    place = read_place()
    if not place.launched:
        yield Ranks()
        return
    meeting = Meeting(place)
    yield TimedRanks(place, meeting)
    meeting.wait()
    meeting.close()
    os._exit(0)  # threads of torch's that carried the timed all-reduces would abort an orderly end


def work(threads: int, lanes: int, found: Path) -> None:
    """Measure all sizes in this process, or in each of several."""
    keep_freed_memory()
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    with _met() as ranks:
        measured = [measure(hidden, lanes, ranks) for hidden in SIZES]
        if ranks.first:
            found.write_text(json.dumps(measured))


def _measured(launcher: list[str], threads: int, lanes: int) -> list[dict[str, float]]:
    with TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        command = [sys.executable, *launcher, "-m", "benchmarks.ranks", str(threads), str(lanes), str(found)]
        subprocess.run(command, check=True)
        read: list[dict[str, float]] = json.loads(found.read_text())
        return read


def main() -> None:
    """Measure, print, and write the page."""
    alone = _measured([], 1, LANES)
    two = _measured([*_TORCHRUN, "--nproc-per-node", "2"], 1, 2 * LANES)
    threads = _measured([], 2, 2 * LANES)
    rows = [
        "",
        *describe(),
        "",
        "| LSTM | one process, one thread, chars/s | two such processes | times | all-reduce | exchange | "
        "one process of two threads | times |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for hidden, one, both, other in zip(SIZES, alone, two, threads, strict=True):
        single = STEPS * LANES / one["step"]
        pair, wide = (2 * STEPS * LANES / each["step"] for each in (both, other))
        shares = " | ".join(f"{both[each] / both['step']:.1%}" for each in ("all-reduce", "exchange"))
        rows.append(
            f"| 2x{hidden} | {single:,.0f} | {pair:,.0f} | {pair / single:.2f} | {shares} | {wide:,.0f} | "
            f"{wide / single:.2f} |"
        )
    text = "\n".join(rows)
    print(text)
    page = PAGE.read_text(encoding="utf-8")
    found = re.sub(
        r"<!-- ranks -->.*?<!-- / -->", lambda _: f"<!-- ranks -->\n{text}\n<!-- / -->", page, flags=re.DOTALL
    )
    PAGE.write_text(found, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        work(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
