"""Gates that are shut, states that last, and how a new cell starts."""

from __future__ import annotations

import math

import pytest
import torch
from charrnn_fast_cells.mingru import MinGRU
from charrnn_fast_cells.minlstm import MinLSTM
from charrnn_fast_cells.rglru import RGLRU
from charrnn_fast_cells.sru import SRU

from charrnn.errors import UsageError

dtypes = pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)


@dtypes
@pytest.mark.parametrize("logits", [(-1e4, -1e4), (1e4, 1e4), (-1e4, 1e4), (1e4, -1e4)])
def test_the_gates_of_minlstm_sum_to_1_however_shut_they_are(logits, dtype):
    cell = MinLSTM(1, 1).to(dtype)
    with torch.no_grad():
        cell.read.weight.zero_()
        cell.read.bias.copy_(torch.tensor([*logits, 1.0]))
    forget, into = cell.terms(torch.zeros(1, 1, 1, dtype=dtype))
    expected = {0.0: 0.5, 2e4: 0.0, -2e4: 1.0}[logits[0] - logits[1]]
    assert into.item() == expected
    assert forget.item() == 1 - expected
    (gradient,) = torch.autograd.grad(forget.sum() + into.sum(), cell.read.bias)
    assert gradient.isfinite().all()


@dtypes
@pytest.mark.parametrize("logit", [-1e4, -100.0, -80.0, 0.0, 1e4])
@pytest.mark.parametrize("decay", [-1e4, 0.0, 80.0, 1e4])
def test_rglru_has_finite_values_and_gradients_at_all_its_limits(logit, decay, dtype):
    cell = RGLRU(1, 1).to(dtype)
    with torch.no_grad():
        cell.bias[0] = logit
        cell.decay.fill_(decay)
    inputs = torch.ones(4, 1, 1, dtype=dtype, requires_grad=True)
    outputs, _ = cell(inputs, (torch.ones(1, 1, dtype=dtype),))
    gradients = torch.autograd.grad(outputs.sum(), [inputs, *cell.parameters()])
    assert all(each.isfinite().all() for each in (outputs, *gradients))


def test_a_shut_rglru_keeps_its_state_and_reads_nothing():
    cell = RGLRU(2, 3).double()
    with torch.no_grad():
        cell.bias[0] = -1e4
    state = (torch.randn(1, 3, dtype=torch.float64),)
    with torch.no_grad():
        outputs, _ = cell(torch.randn(50, 1, 2, dtype=torch.float64), state)
    torch.testing.assert_close(outputs[-1], state[0], atol=1e-14, rtol=0)


def test_rglru_loses_no_digits_where_it_hardly_decays():
    cell = RGLRU(1, 1)
    with torch.no_grad():
        cell.bias[0] = -20.0
        cell.gates.zero_()
    decay, term = cell.terms(torch.ones(1, 1, 1))
    log_decay = 8 / (1 + math.exp(20.0)) * -math.log1p(math.exp(-cell.decay.item()))
    exact = math.sqrt(-math.expm1(2 * log_decay)) * 0.5 * cell.read(torch.ones(1)).item()
    assert term.item() == pytest.approx(exact, rel=1e-5)
    assert decay.item() == pytest.approx(1.0)


def test_a_new_rglru_decays_between_a_tenth_and_a_thousandth_a_step():
    powers = RGLRU(1, 10_000).decay.double().sigmoid() ** 8
    assert powers.min().item() == pytest.approx(0.9, abs=1e-3)
    assert powers.max().item() == pytest.approx(0.999, abs=1e-3)
    assert powers.mean().item() == pytest.approx((0.9 + 0.999) / 2, abs=2e-3)


@pytest.mark.parametrize("blocks", [-1, 0, 3, 5])
def test_blocks_that_do_not_divide_are_told(blocks):
    with pytest.raises(UsageError, match=f"blocks={blocks} of rglru: choose a divisor of the 4 hidden features"):
        RGLRU(2, 4, blocks=blocks)


@pytest.mark.parametrize("features", [64, 32])
@pytest.mark.parametrize("peephole", [False, True])
def test_a_new_sru_passes_variance_on(features, peephole):
    torch.manual_seed(0)
    cell = SRU(features, 64, peephole=peephole, highway_bias=-2.0)
    assert cell.scale == pytest.approx(math.sqrt(1 + 2 * math.exp(-2.0)))
    assert (cell.bias[0] == 0).all()
    assert (cell.bias[1] == -2).all()
    with torch.no_grad():
        outputs, _ = cell(torch.randn(200, 50, features), cell.initial_state(50))
    assert 0.8 < outputs.var().item() < 1.3


def test_an_sru_that_only_passes_on_returns_its_scaled_input():
    cell = SRU(4, 4).double()
    with torch.no_grad():
        cell.bias[1] = -1e4
    inputs = torch.randn(5, 2, 4, dtype=torch.float64)
    outputs, _ = cell(inputs, cell.initial_state(2))
    torch.testing.assert_close(outputs, math.sqrt(3) * inputs)


def test_the_positive_candidate_is_positive_and_continuous():
    cell = MinGRU(1, 1, candidate="positive").double()
    with torch.no_grad():
        cell.read.weight.copy_(torch.tensor([[0.0], [1.0]]))
        cell.read.bias.copy_(torch.tensor([1e4, 0.0]))  # an open gate lets the candidate through
    inputs = torch.linspace(-5, 5, 1001, dtype=torch.float64).reshape(-1, 1, 1)
    candidates = cell.terms(inputs)[1]
    assert (candidates > 0).all()
    assert (candidates.diff(dim=0) > 0).all()
    assert candidates.diff(dim=0).max().item() < 0.011
