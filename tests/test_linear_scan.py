"""``charrnn.linear_scan``: a linear recurrence, its gradients, in any type and either way to compute it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charrnn import linear_scan
from charrnn.recurrence import scan

#: Both are tested here, whichever the device would take.
WAYS = {"one by one": scan._one_by_one, "all at once": scan._all_at_once}


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    run = WAYS[request.param]
    monkeypatch.setattr(scan, "_scan", lambda a, b, h, *, reverse=False: run(a, b, h, reverse=reverse))


def drawn(dtype, steps, *shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*size, dtype=dtype, generator=generator) for size in ((steps, *shape), (steps, *shape), shape)]


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("steps", [1, 2, 7, 64])
def test_equals_the_recurrence(dtype, steps, way):
    decay, inputs, initial = drawn(dtype, steps, 2, 3)
    decay[:: max(1, steps // 3)] = 0
    wide = torch.complex128 if dtype.is_complex else torch.float64
    a, b, hidden = (each.to(wide).numpy() for each in (decay, inputs, initial))
    expected = []
    for step in range(steps):
        hidden = a[step] * hidden + b[step]
        expected.append(hidden)
    found = linear_scan(decay, inputs, initial)
    assert found.dtype == dtype
    tolerance = {torch.float32: 1e-4, torch.bfloat16: 0.1}.get(dtype, 1e-12)
    np.testing.assert_allclose(found.to(wide).numpy(), np.stack(expected), atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_gradients_are_exact(dtype, steps, way):
    given = [each.requires_grad_() for each in drawn(dtype, steps, 2, 3)]
    assert torch.autograd.gradcheck(linear_scan, given)


def test_a_decay_that_is_the_same_for_all_steps_broadcasts(way):
    _, inputs, initial = drawn(torch.float64, 4, 2, 3)
    decay = torch.rand(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(linear_scan, (decay, inputs.requires_grad_(), initial.requires_grad_()))


@given(st.integers(1, 40), st.integers(0, 2**31))
def test_both_ways_agree(steps, seed):
    decay, inputs, initial = drawn(torch.float64, steps, 3, seed=seed)
    for reverse in (False, True):
        one, other = (run(decay, inputs, initial, reverse=reverse) for run in WAYS.values())
        torch.testing.assert_close(one, other)


def test_a_second_derivative_is_refused():
    given = [each.requires_grad_() for each in drawn(torch.float64, 3, 2)]
    with pytest.raises(RuntimeError, match="no second derivative"):
        torch.autograd.grad(linear_scan(*given).sum(), given, create_graph=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_on_a_gpu_all_steps_are_taken_at_once():
    given = drawn(torch.float64, 33, 2, 3)
    there = linear_scan(*(each.cuda() for each in given))
    torch.testing.assert_close(there.cpu(), linear_scan(*given))
