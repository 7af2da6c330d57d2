"""Trains by the program itself, and scores what is held back: all of it, and each half."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import charrnn
from benchmarks.results.experiments import Experiment
from benchmarks.speed.machine import describe
from charrnn.evaluation import score_tokens
from charrnn.runs.corpus import text_to_score
from charrnn.runs.layout import METRICS
from charrnn.runs.metrics import Logged
from charrnn.runs.run import Run
from charrnn.settings import CorpusSettings

#: Parts of the held-back text, as shares of it.
_WHOLE, _FIRST, _SECOND = (0, 1), (0, 0.5), (0.5, 1)


@dataclass(frozen=True)
class Row:
    """What came of an experiment; losses are nats a token, each text from a zero state.

    Attributes:
        key: of the experiment.
        command: that trained it.
        seed: of the run.
        machine: processor, threads, torch.
        date: when it was done.
        parameters: of the model.
        steps: of the optimizer.
        epochs: passes over the training text.
        seconds: of training, validation and saves included.
        whole: loss on the validation split.
        first: on its first half, by which things were chosen.
        second: on its second half, by which nothing was.
        dynamic: on the whole under dynamic evaluation.
        dynamic_second: on the second half.
    """

    key: str
    command: str
    seed: int
    machine: str
    date: str
    parameters: int
    steps: int
    epochs: float
    seconds: float
    whole: float
    first: float
    second: float
    dynamic: float | None = None
    dynamic_second: float | None = None


def measure(experiment: Experiment, corpus: Path, runs: Path, seed: int) -> Row:
    """Train and score; a run that was broken off goes on."""
    name = f"{experiment.key}-{seed}".replace("/", "-").replace(" ", "-")
    arguments = ["--resume"] if (runs / name).exists() else [str(corpus), *experiment.asked(seed)]
    elsewhere = ["--name", name, "--checkpoints", str(runs)]
    subprocess.run([sys.executable, "-m", "charrnn", "train", *arguments, *elsewhere], check=True)
    run = Run(runs / name)
    state = run.state()
    assert state is not None
    trained = [record for record in Logged(run.path / METRICS) if record["kind"] == "train"]
    whole, first, second = _losses(run, _WHOLE, _FIRST, _SECOND)
    adapted = _losses(run, _WHOLE, _SECOND, dynamic=True) if experiment.table == "presets" else (None, None)
    return Row(
        key=experiment.key,
        command=experiment.command(corpus, seed),
        seed=seed,
        machine=describe(),
        date=datetime.now(UTC).date().isoformat(),
        parameters=run.parameters(),
        steps=state["step"],
        epochs=trained[-1]["epoch"],
        seconds=state["seconds"],
        whole=whole,
        first=first,
        second=second,
        dynamic=adapted[0],
        dynamic_second=adapted[1],
    )


def _losses(run: Run, *parts: tuple[float, float], dynamic: bool = False) -> tuple[float, ...]:
    """Return the loss on parts of the held-back text, each by a model that was opened anew."""
    tokens = text_to_score(run, None, None, CorpusSettings(), lambda *_: None).tokens
    found = []
    for start, end in parts:
        session = charrnn.load(run, dynamic=dynamic)
        part = tokens[int(start * len(tokens)) : int(end * len(tokens))]
        found.append(score_tokens(session.network, part, session.context) / len(part))
    return tuple(found)
