"""Tells those who observe a run what happens in it, through their hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from charrnn.model import LanguageModel
from charrnn.plugins import plugins
from charrnn.plugins.hooks import Implementation
from charrnn.runs.run import Run
from charrnn.training.events import Evaluated, Event, Finished, Logged, Sampled, Started

_OF_EVENTS: dict[type[Event], str] = {
    Started: "run_started",
    Logged: "logged",
    Evaluated: "evaluated",
    Sampled: "sampled",
    Finished: "run_finished",
}
_HOOKS = ("phase_started", "step_finished", *_OF_EVENTS.values())


class Observers:
    """The plugins that observe a run, and what was given to it. One that raises is told of, and hears no more of it.

    Args:
        run: what is observed.
        model: as it is trained; an observer reads it and leaves it as it is.
        given: the methods of each object that observes this run only, by their hooks.
        told: whether they hear of anything.
    """

    def __init__(
        self, run: Run, model: LanguageModel, given: Sequence[Mapping[str, Implementation]] = (), *, told: bool = True
    ) -> None:
        self._run = run
        self._model = model
        self._hooks = {
            hook: [*plugins().implementations(hook), *(each[hook] for each in given if hook in each)] if told else []
            for hook in _HOOKS
        }
        self._running = False  # as far as they were told

    @property
    def want_samples(self) -> bool:
        """Whether anyone asks for samples: they are drawn for nobody else."""
        return bool(self._hooks["sampled"])

    def hear(self, event: Event) -> None:
        """Pass an event on to the hook that is made for it, if there is one."""
        hook = _OF_EVENTS.get(type(event))
        if hook is not None:
            self._running = hook != "run_finished"
            self._call(hook, event=event)

    def phase_started(self, phase: str) -> None:
        """Tell which part of the work begins."""
        self._call("phase_started", phase=phase)

    def step_finished(self, step: int, loss: Tensor) -> None:
        """Tell of an optimizer step."""
        self._call("step_finished", step=step, loss=loss)

    def close(self) -> None:
        """Tell of an end before the end, if a start was told of and no end."""
        if self._running:
            self._running = False
            self._call("run_finished", event=None)

    def _call(self, hook: str, **what: object) -> None:
        for observer in self._hooks[hook]:
            heard = False
            with plugins().isolated(observer.owner, f"failed in {hook}, and observes this run no more"):
                observer(run=self._run, model=self._model, **what)
                heard = True
            if not heard:
                self._drop(observer)

    def _drop(self, observer: Implementation) -> None:
        for hook, observers in self._hooks.items():
            self._hooks[hook] = [each for each in observers if each.owner is not observer.owner]
