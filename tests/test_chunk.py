"""The loss of a chunk, all kept or recomputed by segments."""

from __future__ import annotations

import math

import pytest
import torch

from charrnn.model import LanguageModel
from charrnn.settings import ModelSettings
from charrnn.training.chunk import chunk_loss
from tests.allocations import Allocations

LANES = 3


def make_model(cell, dropout=0.0, hidden=6):
    torch.manual_seed(0)
    settings = ModelSettings(cell=cell, layers=2, hidden=hidden, embed=4, dropout=dropout)
    return LanguageModel(settings, vocab_size=7).double()


def run(model, ids, every):
    model.zero_grad()
    torch.manual_seed(1)
    loss, state = chunk_loss(model, ids[:-1], ids[1:], model.initial_state(ids.shape[1]), every)
    loss.backward()
    return [loss.detach(), *(leaf.detach() for layer in state for leaf in layer)], [
        parameter.grad.clone() for parameter in model.parameters()
    ]


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("every", [1, 4, 5, 11, 99])
def test_recomputation_changes_nothing(cell, every):
    ids = torch.randint(7, (12, LANES), generator=torch.Generator().manual_seed(2))
    # A model that was never run before: planning its cells must go unseen by the recomputation.
    found, gradients = run(make_model(cell), ids, every)
    expected, expected_gradients = run(make_model(cell), ids, None)
    for one, other in zip(found + gradients, expected + expected_gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=0)


def test_each_segment_draws_the_random_numbers_that_it_drew_before():
    """The loss is a function of the weights once the draws are fixed, so that differences show its gradient."""
    model = make_model("gru", dropout=0.5)
    ids = torch.randint(7, (9, LANES), generator=torch.Generator().manual_seed(2))
    _, gradients = run(model, ids, 3)
    weight, gradient = model.cells[0].kernel.weight_hh_l0, gradients[1 + 1]
    assert gradient.shape == weight.shape
    for place in [(0, 0), (7, 3), (17, 5)]:
        losses = []
        for change in (1e-6, -2e-6):
            with torch.no_grad():
                weight[place] += change
            losses.append(run(model, ids, 3)[0][0])
        with torch.no_grad():
            weight[place] += 1e-6
        assert float((losses[0] - losses[1]) / 2e-6) == pytest.approx(float(gradient[place]), abs=1e-6)


def peak(model, steps, every):
    ids = torch.zeros(steps + 1, LANES, dtype=torch.int64)
    with Allocations() as counted:
        run(model, ids, every)
    return counted.peak


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_memory_grows_by_the_square_root_of_the_steps(cell):
    model = make_model(cell, hidden=16)
    run(model, torch.zeros(9, LANES, dtype=torch.int64), 4)
    short, long = 100, 2500
    kept = peak(model, long, None) / peak(model, short, None)
    recomputed = peak(model, long, math.isqrt(long)) / peak(model, short, math.isqrt(short))
    assert kept > 0.6 * long / short
    assert recomputed < 1.6 * math.sqrt(long / short)
