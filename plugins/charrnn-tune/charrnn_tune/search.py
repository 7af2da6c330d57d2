"""Trial after trial, until the budget is spent."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from charrnn.errors import DivergedError, ExitCode, InterruptedRunError
from charrnn.isolation import is_out_of_memory
from charrnn.training.events import Event, Notice
from charrnn.training.interrupt import StopRequest
from charrnn_tune.plan import Plan
from charrnn_tune.ranges import suggest
from charrnn_tune.settings import SearchSettings
from charrnn_tune.study import best_trial, finished_trials
from charrnn_tune.trial import run_trial

#: What a trial remembers beside its values.
FOUND, SECONDS, _FAILED = "found", "seconds", "failed"


class TimeSpentError(InterruptedRunError):
    """The time of a search is spent while a trial goes on."""


class Search:
    """Searches, and says what it does.

    Args:
        plan: what is searched.
        study: where trials are kept; those in it count.
        budget: of the whole.
        base: settings of every trial.
        tell: is given one line at a time.
    """

    def __init__(
        self,
        plan: Plan,
        study: optuna.Study,
        budget: SearchSettings,
        base: dict[str, Any],
        tell: Callable[[str], None],
    ) -> None:
        self._plan, self._study, self._budget, self._base, self._tell = plan, study, budget, base, tell
        self._noticed: set[str] = set()

    def run(self) -> None:
        """Run trials until the budget is spent.

        Raises:
            InterruptedRunError: Ctrl-C or SIGTERM; the study has all trials but the one that was broken off.
            CharrnnError: settings that cannot be trained with, or a corpus that cannot be read.
        """
        try:
            with StopRequest():  # between two trials; each has its own
                while self._goes_on():
                    self._run_one()
        except TimeSpentError as spent:
            self._tell(str(spent))

    def _goes_on(self) -> bool:
        done = finished_trials(self._study)
        if self._budget.trials is not None:
            return len(done) < self._budget.trials
        seconds = _seconds(done)
        # A trial that is cut short would not compare, so that none begins for which there is no time.
        needed = self._plan.budget.get("time") or max(seconds, default=0.0)
        return not done or sum(seconds) + needed <= (self._budget.time or 0.0)

    def _run_one(self) -> None:
        begun = monotonic()
        trial = self._study.ask()
        found = suggest(trial, self._plan.ranges)
        trial.set_user_attr(FOUND, found)
        number = len(finished_trials(self._study)) + 1
        self._tell(f"trial {number}: {shown(found)}")
        try:
            loss, state = self._outcome(trial, found, self._deadline(begun))
        except BaseException:
            self._study.tell(trial, state=TrialState.FAIL)
            raise
        trial.set_user_attr(SECONDS, monotonic() - begun)
        before = best_trial(self._study)
        told = self._study.tell(trial, loss, state=state)
        self._tell(f"trial {number}: {_verdict(told, before)}")

    def _deadline(self, begun: float) -> float:
        """Return when a trial has to end that knows no time of its own."""
        if self._budget.time is None or "time" in self._plan.budget:
            return math.inf
        return begun + self._budget.time - sum(_seconds(finished_trials(self._study)))

    def _outcome(self, trial: optuna.Trial, found: dict[str, Any], deadline: float) -> tuple[float | None, TrialState]:
        settings, hear = self._plan.trial(self._base, found), partial(self._hear, deadline)
        try:
            return run_trial(self._study, trial, self._plan.corpus, settings, hear), TrialState.COMPLETE
        except optuna.TrialPruned:
            return None, TrialState.PRUNED
        except Exception as error:
            failed = _failure(error)
            if failed is None:
                raise
            # To the sampler it is worse than what was trained to its end; a trial that failed would be none at all.
            trial.set_user_attr(_FAILED, failed)
            return None, TrialState.PRUNED

    def _hear(self, deadline: float, event: Event) -> None:
        """Tell what training notices, but not again at each trial.

        Raises:
            TimeSpentError: it is past the deadline.
        """
        if isinstance(event, Notice) and event.text not in self._noticed:
            self._noticed.add(event.text)
            self._tell(event.text)
        if monotonic() > deadline:
            raise TimeSpentError("the time is spent; the trial that was going on is not counted", ExitCode.DONE)


def shown(found: dict[str, Any]) -> str:
    """Write settings in one line."""
    return ", ".join(f"{name.replace('_', ' ')} {each}" for name, each in found.items())


def outcome(trial: FrozenTrial) -> str:
    """Return how a trial ended: ``trained``, ``pruned``, ``diverged`` or ``out of memory``."""
    if trial.state is TrialState.COMPLETE:
        return "trained"
    return str(trial.user_attrs.get(_FAILED, "pruned"))


def _seconds(trials: list[FrozenTrial]) -> list[float]:
    return [each.user_attrs.get(SECONDS, 0.0) for each in trials]


def _failure(error: Exception) -> str | None:
    """Name what other settings may mend."""
    if isinstance(error, DivergedError):
        return "diverged"
    return "out of memory" if is_out_of_memory(error) else None


def _verdict(trial: FrozenTrial, before: FrozenTrial | None) -> str:
    if trial.state is TrialState.COMPLETE:
        best = before is None or (trial.value or 0.0) < (before.value or 0.0)
        return f"{trial.value:.4f} bits per character" + (", the best yet" if best else "")
    if _FAILED in trial.user_attrs:
        return outcome(trial)
    evaluations = len(trial.intermediate_values)
    return f"pruned at evaluation {evaluations}, with {trial.intermediate_values[evaluations]:.4f} bits per character"
