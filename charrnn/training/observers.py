"""Tells plugins of a run what happens in it, through their hooks."""

from __future__ import annotations

from torch import Tensor

from charrnn.model import LanguageModel
from charrnn.plugins import plugins
from charrnn.plugins.manager import Implementation
from charrnn.runs.run import Run
from charrnn.training.events import Evaluated, Event, Finished, Started

_HOOKS = ("run_started", "step_finished", "evaluated", "run_finished")


class Observers:
    """The plugins that observe a run. One that raises is told of, and hears no more of this run.

    Args:
        run: what is observed.
        model: as it is trained; an observer reads it and leaves it as it is.
    """

    def __init__(self, run: Run, model: LanguageModel) -> None:
        self._run = run
        self._model = model
        self._hooks = {hook: list(plugins().implementations(hook)) for hook in _HOOKS}
        self._over = False

    @property
    def watch_steps(self) -> bool:
        """Whether anyone asks for single steps: who does not is spared the calls."""
        return bool(self._hooks["step_finished"])

    def hear(self, event: Event) -> None:
        """Pass an event on to the hook that is made for it, if there is one."""
        if isinstance(event, Started):
            self._call("run_started", event=event)
        elif isinstance(event, Evaluated):
            self._call("evaluated", event=event)
        elif isinstance(event, Finished):
            self._finish(event)

    def step_finished(self, step: int, loss: Tensor) -> None:
        """Tell of an optimizer step."""
        self._call("step_finished", step=step, loss=loss)

    def close(self) -> None:
        """Tell of an end before the end, if none was told of."""
        if not self._over:
            self._finish(None)

    def _finish(self, event: Finished | None) -> None:
        self._over = True
        self._call("run_finished", event=event)

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
            self._hooks[hook] = [each for each in observers if each.owner != observer.owner]
