"""What is done once, before the clock of a run starts."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager

import torch

from charrnn.model import LanguageModel
from charrnn.recurrence import STEPS_COMPILED, Compiler, compiling
from charrnn.settings import TrainSettings
from charrnn.training.chunk import chunk_loss
from charrnn.training.events import Notice


def warm_up(
    model: LanguageModel,
    settings: TrainSettings,
    lanes: int,
    compiler: Compiler | None,
    autocast: Callable[[], AbstractContextManager[object]],
) -> Generator[Notice, None, bool]:
    """Plan how the cells run, and compile them where that is asked for, by a step that changes nothing.

    Args:
        model: of the run.
        settings: of the run, complete.
        lanes: of a step.
        compiler: what to compile with, if anything.
        autocast: the context that training steps are in.

    Returns:
        Whether every parameter got a gradient.
    """
    if compiler is not None:
        yield Notice("compiling the cell's steps; a later run finds them in torch's cache")
    device = next(model.parameters()).device
    ids = torch.zeros(min(settings.seq_len or 1, 2 * STEPS_COMPILED), lanes, dtype=torch.int64, device=device)
    with torch.random.fork_rng([device] if device.type == "cuda" else []), compiling(compiler), autocast():
        loss, _ = chunk_loss(model, ids, ids, model.initial_state(lanes), settings.recompute_every)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
    complete = all(each.grad is not None for each in model.parameters())
    model.zero_grad(set_to_none=True)
    if compiler is None:
        return complete
    if compiler.failure is not None:
        yield Notice(f"--compile: {compiler.failure}; training goes on without it")
    elif not compiler.count:
        yield Notice(f"--compile: there is nothing to compile in cell '{settings.cell}'; training goes on without it")
    return complete
