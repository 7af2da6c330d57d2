"""All of training that changes, as tensors and JSON: what a save holds and a resume puts back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from charrnn.errors import RunError
from charrnn.model import ModelState
from charrnn.training.optimizer import AVERAGES, STEP
from charrnn.training.ranks import Ranks

_LOSSES = "ranks.loss"


@dataclass
class Window:
    """Sums over the steps since the last logged line; while training, all but the count are kept on the device."""

    loss: Tensor | float = 0.0
    norm: Tensor | float = 0.0
    clipped: Tensor | float = 0.0
    steps: int = 0

    def add(self, loss: Tensor, norm: Tensor, cut: Tensor) -> None:
        """Count one step, with its gradient's norm and whether that was cut down."""
        self.loss = self.loss + loss
        self.norm = self.norm + norm
        self.clipped = self.clipped + cut.float()
        self.steps += 1

    def means(self) -> tuple[float, float]:
        """Return loss and gradient norm a step; waits for the device."""
        return float(self.loss) / self.steps, float(self.norm) / self.steps

    def clipped_share(self) -> float:
        """Return the share of steps whose gradient was cut down; waits for the device."""
        return float(self.clipped) / self.steps


@dataclass
class Counters:
    """The numbers of a run so far.

    Attributes:
        step: optimizer steps done.
        position: where the next chunk is, as its :class:`~charrnn.training.batches.Batches` say it.
        seconds: since the first step.
        evaluations: done so far; the default interval counts on from it.
        finished: whether the budget was spent.
        evaluated: step of the last evaluation.
        stale: evaluations since the best.
        best: of the best evaluation: ``step``, ``nats_per_token``, ``bits_per_char``, and the ``tokens`` scored.
        start_loss: of the first step, which a diverging run is measured by.
        evaluation_seconds: the longest that an evaluation took; a budget of time leaves as long for the last one.
        window: what the next logged line has to sum up so far.
        metrics_bytes: length of ``metrics.jsonl`` at the save; what comes after was not saved.
        rollbacks: how often it went back to a save because it diverged.
    """

    step: int = 0
    position: Any = 0
    seconds: float = 0.0
    evaluations: int = 0
    finished: bool = False
    evaluated: int = -1
    stale: int = 0
    best: dict[str, Any] = field(default_factory=dict)
    start_loss: float | None = None
    evaluation_seconds: float = 0.0
    window: Window = field(default_factory=Window)
    metrics_bytes: int = 0
    rollbacks: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the counters as JSON."""
        window = {
            "loss": float(self.window.loss),
            "norm": float(self.window.norm),
            "clipped": float(self.window.clipped),
            "steps": self.window.steps,
        }
        return {**{item.name: getattr(self, item.name) for item in fields(self)}, "window": window}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Counters:
        """Read what :meth:`to_dict` returned.

        Raises:
            RunError: it is something else.
        """
        try:
            return cls(**{**saved, "window": Window(**saved["window"])})
        except (TypeError, KeyError) as error:
            raise RunError(f"the save's state is damaged: {error}") from None


def capture_losses(window: Window, ranks: Ranks) -> dict[str, Tensor]:
    """Gather the loss of each rank's own lanes, where there are several ranks."""
    losses = ranks.each(float(window.loss))
    return {_LOSSES: torch.tensor(losses, dtype=torch.float64)} if ranks.size > 1 else {}


def restore_losses(window: Window, tensors: Mapping[str, Tensor], ranks: Ranks) -> None:
    """Put back what :func:`capture_losses` gathered: other ranks than those have the mean each."""
    if _LOSSES in tensors and tensors[_LOSSES].numel():
        losses = tensors[_LOSSES].double().flatten()
        window.loss = float(losses[ranks.place.rank] if len(losses) == ranks.size else losses.mean())


def capture(optimizer: Optimizer, state: ModelState, device: torch.device) -> dict[str, Tensor]:
    """Gather the optimizer's averages, the lanes' hidden state, and the random generators."""
    tensors = {
        f"optimizer.{index}.{name}": value
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
        if isinstance(value, Tensor)
    }
    for layer, leaves in enumerate(state):
        for leaf, value in enumerate(leaves):
            tensors[f"state.{layer}.{leaf}"] = value.detach().clone()
    tensors["random.cpu"] = torch.get_rng_state()
    if device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(device)
    return tensors


def restore(
    tensors: Mapping[str, Tensor], optimizer: Optimizer, empty: ModelState, device: torch.device, *, mixed: bool
) -> ModelState:
    """Put back what :func:`capture` gathered.

    Args:
        tensors: from a save.
        optimizer: new, of the same model.
        empty: a state of the right shapes and type.
        device: where training goes on.
        mixed: whether precision is, which may have made the state narrower.

    Returns:
        The lanes' hidden state.

    Raises:
        RunError: the tensors are not of this model.
    """
    averages: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "optimizer":
            index, _, key = rest.partition(".")
            averages.setdefault(int(index) if index.isdecimal() else -1, {})[key] = value
    _check_averages(averages, optimizer)
    optimizer.load_state_dict({**optimizer.state_dict(), "state": averages})
    state = []
    narrower = {torch.bfloat16} if mixed else set()
    for layer, leaves in enumerate(empty):
        saved = []
        for leaf, like in enumerate(leaves):
            held = tensors.get(f"state.{layer}.{leaf}")
            if held is None or held.shape != like.shape or held.dtype not in {like.dtype, *narrower}:
                wrong = f"state {layer}.{leaf} is missing, or of another shape or type"
                raise RunError(f"the save does not fit this model: {wrong}")
            saved.append(held.to(device))
        state.append(tuple(saved))
    try:
        torch.set_rng_state(tensors["random.cpu"])
        if device.type == "cuda" and "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"], device)
    except (KeyError, RuntimeError, TypeError) as error:
        raise RunError(f"the save's random generator is damaged: {error}") from None
    return tuple(state)


def _check_averages(averages: Mapping[int, Mapping[str, Tensor]], optimizer: Optimizer) -> None:
    """Make sure that each is what is kept of its parameter: kernels look at no shape but the parameter's."""
    parameters = dict(enumerate(each for group in optimizer.param_groups for each in group["params"]))
    for index, held in averages.items():
        if index not in parameters or held.keys() != AVERAGES[type(optimizer)]:
            raise RunError("the save does not fit this model: it has other averages than the optimizer keeps")
        for name, value in held.items():
            if value.shape != (() if name == STEP else parameters[index].shape) or not value.is_floating_point():
                raise RunError(f"the save does not fit this model: optimizer {index}.{name} is of another shape")
