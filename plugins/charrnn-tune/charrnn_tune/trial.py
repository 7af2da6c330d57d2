"""One trial: a model trained with some settings, and thrown away."""

from __future__ import annotations

import math
from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any

import optuna

import charrnn
from charrnn.errors import UsageError
from charrnn.runs.run import Run
from charrnn.training.events import Evaluated, Event, Started

_PACK = "pack"


def run_trial(
    study: optuna.Study, trial: optuna.Trial, corpus: str, settings: dict[str, Any], hear: Callable[[Event], None]
) -> float:
    """Train, and return the lowest validation loss, in bits per character.

    Args:
        study: what is pruned by, and remembers the corpus.
        trial: reports the loss at each evaluation.
        corpus: as ``charrnn train`` takes it.
        settings: with the trial's budget.
        hear: is given every event of the training, and may end it.

    Raises:
        TrialPruned: it is worse than the median of the others at as many evaluations.
        CharrnnError: what ``charrnn.train`` and ``hear`` raise.
    """
    losses: list[float] = []

    def listen(event: Event) -> None:
        hear(event)
        if isinstance(event, Started):
            _check_corpus(study, Run(event.path), corpus)
        elif isinstance(event, Evaluated):
            losses.append(event.bits_per_char)
            trial.report(event.bits_per_char, step=len(losses))
            if trial.should_prune():
                raise optuna.TrialPruned

    with TemporaryDirectory(prefix="charrnn-tune-") as directory:
        charrnn.train(corpus, name="trial", checkpoints=directory, listen=listen, **settings)
    return min(losses, default=math.inf)


def _check_corpus(study: optuna.Study, run: Run, corpus: str) -> None:
    """Hold that all trials of a study read the same tokens: a loss on others would not compare."""
    pack = run.config.corpus.pack
    if study.user_attrs.get(_PACK, pack) != pack:
        raise UsageError(f"the text of '{corpus}' is another than when the study began; give another file by --study")
    study.set_user_attr(_PACK, pack)
