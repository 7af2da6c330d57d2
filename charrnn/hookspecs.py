"""What a plugin may implement. The built-in cells, tokenizers and corpora come through these hooks too.

A plugin is a module with functions marked ``@charrnn.hookimpl``, each taking as many of its hook's arguments as it
needs. A target is an object or, better, a string ``"package.module:Name"`` that is imported on first use: with strings
a plugin costs ``charrnn --help`` next to nothing. docs/plugins/ has a page for each hook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pluggy

if TYPE_CHECKING:
    import typer
    from torch import Tensor

    from charrnn.model import LanguageModel
    from charrnn.runs.run import Run
    from charrnn.training.events import Evaluated, Finished, Logged, Sampled, Started

#: The pluggy project, and the entry-point group that an installed plugin names itself in.
PROJECT = "charrnn"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Register(Protocol):
    """What a hook calls, once for each thing that it offers."""

    def __call__(self, name: str, target: Any, *, summary: str = "") -> None:
        """Offer ``target`` as ``name``; ``summary`` is one line for lists."""


class RegisterCell(Protocol):
    """The same for cells."""

    def __call__(self, name: str, target: Any, *, summary: str = "", numpy: Any = None) -> None:
        """Offer a cell, and its NumPy form where it has one, a subclass of :class:`charrnn.NumpyCell`."""


@hookspec
def register_cells(register: RegisterCell) -> None:
    """Offer recurrent cells: targets are subclasses of :class:`charrnn.Cell`."""


@hookspec
def register_tokenizers(register: Register) -> None:
    """Offer tokenizers: targets are subclasses of :class:`charrnn.Tokenizer`."""


@hookspec
def register_corpora(register: Register) -> None:
    """Offer corpora: targets are called with the corpus settings and return a :class:`charrnn.Corpus`."""


@hookspec
def register_warpers(register: Register) -> None:
    """Offer what reshapes the next token's distribution: targets are subclasses of :class:`charrnn.Warper`."""


@hookspec
def register_commands(app: typer.Typer) -> None:
    """Add commands to the program: ``@app.command()``, or ``app.add_typer(...)`` for a group of them."""


@hookspec
def run_started(run: Run, model: LanguageModel, event: Started) -> None:
    """Observe that a run begins, or goes on at ``event.step``."""


@hookspec
def phase_started(run: Run, model: LanguageModel, phase: str) -> None:
    """Observe that a part of the work begins, and with it the one before ends; see the page for their names."""


@hookspec
def step_finished(run: Run, model: LanguageModel, step: int, loss: Tensor) -> None:
    """Observe an optimizer step: ``loss`` is a scalar in nats a token; reading it waits for the model's device."""


@hookspec
def logged(run: Run, model: LanguageModel, event: Logged) -> None:
    """Observe the means over some steps: loss, gradient norm, learning rate, speed."""


@hookspec
def evaluated(run: Run, model: LanguageModel, event: Evaluated) -> None:
    """Observe an evaluation on the validation text."""


@hookspec
def sampled(run: Run, model: LanguageModel, event: Sampled) -> None:
    """Observe a fresh sample of the model, one an evaluation; they are drawn where anyone observes them."""


@hookspec
def run_finished(run: Run, model: LanguageModel, event: Finished | None) -> None:
    """Observe the end of training; ``event`` is None where it was interrupted or failed."""
