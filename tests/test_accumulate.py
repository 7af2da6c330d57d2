"""--accumulate N: the mean gradient of N chunks that follow on each other, for one optimizer step."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from charrnn.model import LanguageModel, detach
from charrnn.settings import TrainSettings
from charrnn.training.batches import Chunk
from charrnn.training.budget import Budget
from charrnn.training.learner import Learner
from charrnn.training.observers import Observers
from charrnn.training.ranks import Ranks
from tests.conftest import TINY


def test_a_step_is_that_of_the_mean_gradient_and_the_state_is_carried(text_file):
    """Compared with torch's own optimizer, on the mean of the chunks' losses."""
    settings = TrainSettings(
        cell="gru", layers=2, hidden=8, embed=4, dropout=0.0, batch_size=3, seq_len=5, accumulate=4, lr=0.1,
        optimizer="sgd", clip=0.0, weight_decay=0.0, precision="float64",
    )  # fmt: skip
    torch.manual_seed(0)
    model, other = (LanguageModel(settings, 11).double() for _ in range(2))
    other.load_state_dict(model.state_dict())
    ids = torch.from_numpy(np.random.default_rng(0).integers(0, 11, (21, 3)))
    chunks = [Chunk(ids[at : at + 5], ids[at + 1 : at + 6], at_start=at == 0) for at in range(0, 20, 5)]
    learner = Learner(model, settings, Observers(None, model, told=False), Ranks())
    list(learner.warm_up())
    taken = learner.step(chunks, 0.1, number=1)

    state, losses = other.initial_state(3), []
    for inputs, targets, _ in chunks:
        logits, state = other(inputs, detach(state))
        losses.append(functional.cross_entropy(logits.flatten(0, 1), targets.flatten()))
    mean = torch.stack(losses).mean()
    mean.backward()
    torch.optim.SGD(other.parameters(), lr=0.1, momentum=0.9, nesterov=True).step()
    torch.testing.assert_close(taken.loss, mean.detach(), rtol=1e-12, atol=0)
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


def test_an_epoch_has_fewer_steps(text_file, cli):
    assert Budget.of(TrainSettings(epochs=1.5, accumulate=4), 7).steps == 3
    assert cli("train", text_file, *TINY, "--epochs", 1, "--name", "one").code == 0
    assert cli("train", text_file, *TINY, "--epochs", 1, "--accumulate", 5, "--name", "five").code == 0
    states = [cli("runs", "show", name, "--json").json()["state"] for name in ("one", "five")]
    assert states[1]["step"] == -(-states[0]["step"] // 5)
    assert states[1]["position"] == states[1]["step"] * 5
    lines = map(json.loads, Path("checkpoints/five/metrics.jsonl").read_text().splitlines())
    assert 0.95 < max(each.get("epoch", 0) for each in lines) <= 1.1
