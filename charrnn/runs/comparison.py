"""Runs side by side: what came of each, and in which settings they differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import harmonic_mean
from typing import Any

from charrnn.runs.config import CorpusRecord
from charrnn.runs.layout import METRICS
from charrnn.runs.metrics import Logged, has_numbers
from charrnn.runs.run import Run

#: Settings that a summary tells by other names.
_TOLD = {"cell", "layers", "hidden"}


@dataclass(frozen=True)
class ValidatedText:
    """The text that a run's best evaluation scored.

    Attributes:
        sha256: of the whole split's text.
        split: its name.
        start: the first token that was scored.
        scored: how many were.
        total: how many tokens the split has, which tells how the text was cut into them.
    """

    sha256: str
    split: str
    start: int
    scored: int
    total: int

    def is_same(self, other: ValidatedText) -> bool:
        """Tell whether losses a character compare: on the same text, all of it or the same tokens."""
        if self.sha256 != other.sha256:
            return False
        mine, theirs = ((each.start, each.scored, each.total) for each in (self, other))
        return mine == theirs or (self._whole and other._whole)

    @property
    def _whole(self) -> bool:
        return (self.start, self.scored) == (0, self.total)


@dataclass(frozen=True)
class Summary:
    """What came of a run; None where that is not known yet.

    Attributes:
        name: of the run.
        corpus: its name.
        cell: the cell's name.
        layers: of cells.
        hidden: features of a layer.
        parameters: numbers in the weights.
        steps: optimizer steps done.
        seconds: they took, with evaluations and saves.
        bits_per_char: of the best evaluation.
        nats_per_token: of the same.
        chars_per_second: learned from, over all logged lines, without evaluations and saves.
        validated_on: what the best evaluation scored.
        settings: all of them, and what the weights started from.
    """

    name: str
    corpus: str
    cell: str | None
    layers: int | None
    hidden: int | None
    parameters: int | None
    steps: int
    seconds: float | None
    bits_per_char: float | None
    nats_per_token: float | None
    chars_per_second: float | None
    validated_on: ValidatedText | None
    settings: dict[str, Any]


def summarize(run: Run) -> Summary:
    """Sum a run up.

    Raises:
        RunError: it is damaged.
    """
    config, state = run.config, run.state() or {}
    settings, best = config.settings, state.get("best", {})
    if not has_numbers(best, "bits_per_char", "nats_per_token", "tokens"):
        best = {}
    return Summary(
        name=run.name,
        corpus=config.corpus.name,
        cell=settings.cell,
        layers=settings.layers,
        hidden=settings.hidden,
        parameters=run.parameters() if state else None,
        steps=state.get("step", 0),
        seconds=state["seconds"] if has_numbers(state, "seconds") else None,
        bits_per_char=best.get("bits_per_char"),
        nats_per_token=best.get("nats_per_token"),
        chars_per_second=_rate(run),
        validated_on=_validated_on(config.corpus, best["tokens"]) if best else None,
        settings={
            **settings.model_dump(mode="json"),
            "init_from": config.origin.run and f"{config.origin.run} at step {config.origin.step}",
            "embeddings": config.origin.embeddings and f"{config.origin.embeddings} {config.origin.sha256[:8]}",
        },
    )


def best_first(runs: Sequence[Summary]) -> list[Summary]:
    """Sort runs by their best validation, those without one last."""
    return sorted(runs, key=lambda each: math.inf if each.bits_per_char is None else each.bits_per_char)


def differing(runs: Sequence[Summary]) -> list[str]:
    """Name the settings in which runs differ, but for what a summary has of its own."""
    if not runs:
        return []
    first = runs[0].settings
    return [name for name in first if name not in _TOLD and any(each.settings[name] != first[name] for each in runs)]


def by_text(runs: Sequence[Summary]) -> list[list[Summary]]:
    """Part runs into those whose losses compare; one that was not evaluated is in none."""
    groups: list[list[Summary]] = []
    for each in runs:
        text = each.validated_on
        if text is None:
            continue
        for group in groups:
            if group[0].validated_on is not None and text.is_same(group[0].validated_on):
                group.append(each)
                break
        else:
            groups.append([each])
    return groups


def _validated_on(corpus: CorpusRecord, scored: int) -> ValidatedText:
    part = corpus.validation
    split = corpus.splits[part.split]
    return ValidatedText(str(split.get("sha256")), part.split, part.start, scored, split["tokens"])


def _rate(run: Run) -> float | None:
    """Return characters a second over all logged lines, each of which stands for about as many characters."""
    rates = [
        each["chars_per_second"]
        for each in Logged(run.path / METRICS)
        if each.get("kind") == "train" and has_numbers(each, "chars_per_second") and each["chars_per_second"] > 0
    ]
    return harmonic_mean(rates) if rates else None
