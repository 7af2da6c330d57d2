"""What is done once, before the clock of a run starts."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from charrnn.recurrence import STEPS_COMPILED
from charrnn.settings import TrainSettings
from charrnn.training.events import Notice
from charrnn.training.gradient import Gradient
from charrnn.training.recorded import can_be_recorded


def warm_up(gradient: Gradient, settings: TrainSettings) -> Iterator[Notice]:
    """Plan how the cells run, and compile them where that is asked for, by a step that changes nothing.

    Args:
        gradient: of the run.
        settings: of the run, complete.
    """
    model, compiler = gradient.model, gradient.compiler
    if compiler is not None:
        yield Notice("compiling the cell's steps; a later run finds them in torch's cache")
    device = next(model.parameters()).device
    lanes = settings.batch_size or 1
    ids = torch.zeros(min(settings.seq_len or 1, 2 * STEPS_COMPILED), lanes, dtype=torch.int64, device=device)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        gradient(ids, ids, model.initial_state(lanes))
    model.zero_grad(set_to_none=True)
    if compiler is None:
        return
    if compiler.failure is not None:
        yield Notice(f"--compile: {compiler.failure}; training goes on without it")
    elif not compiler.count and not can_be_recorded(settings, device):
        yield Notice(f"--compile: there is nothing to compile in cell '{settings.cell}'; training goes on without it")
