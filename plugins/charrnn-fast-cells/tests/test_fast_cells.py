"""The scan, the step, and an independent float64 loop over the equations all say the same."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal, localcontext

import numpy as np
import pytest
import torch
from charrnn_fast_cells.mingru import MinGRU
from charrnn_fast_cells.minlstm import MinLSTM
from charrnn_fast_cells.rglru import RGLRU
from charrnn_fast_cells.sru import SRU
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.options import check_options
from charrnn.plugins import plugins
from charrnn.recurrence import step_by_step


def logistic(x):
    return 1 / (1 + np.exp(-x))


def g(x):
    return np.where(x >= 0, x + 0.5, logistic(x))


def mingru(cell, p, x, h):
    z, n = np.split(p["read.weight"] @ x + p["read.bias"], 2)
    n = g(n) if cell.candidate == "positive" else n
    h = (1 - logistic(z)) * h + logistic(z) * n
    return h, h


def minlstm(cell, p, x, h):
    f, i, n = np.split(p["read.weight"] @ x + p["read.bias"], 3)
    f, i = logistic(f), logistic(i)
    n = g(n) if cell.candidate == "positive" else n
    h = f / (f + i) * h + i / (f + i) * n
    return h, h


def sru(cell, p, x, c):
    n, f, r, *skip = np.split(p["weight"] @ x, len(p["weight"]) // len(c))
    v_f, v_r = p.get("peephole", np.zeros((2, len(c))))
    f, r = logistic(f + v_f * c + p["bias"][0]), logistic(r + v_r * c + p["bias"][1])
    c = f * c + (1 - f) * n
    return r * c + (1 - r) * cell.scale * (skip[0] if skip else x), c


def rglru(cell, p, x, h):
    u = p["read.weight"] @ x + p["read.bias"]
    blocks, size, _ = p["gates"].shape
    w_a, w_x = np.zeros((2, len(h), len(h)))
    for k in range(blocks):
        at = slice(k * size, (k + 1) * size)
        w_a[at, at], w_x[at, at] = p["gates"][k, :, :size].T, p["gates"][k, :, size:].T
    r, i = logistic(w_a @ u + p["bias"][0]), logistic(w_x @ u + p["bias"][1])
    a, root = np.vectorize(decay_and_root)(r, p["decay"])
    h = a * h + root * i * u
    return h, h


def decay_and_root(r, decay):
    """In 50 digits: where ``a`` is close to 1, float64 has lost half of its own by ``1 - a**2``."""
    with localcontext(prec=50):
        a = (1 / (1 + (-Decimal(float(decay))).exp())) ** (8 * Decimal(float(r)))
        return float(a), float((1 - a**2).sqrt())


CELLS = {
    "mingru": (MinGRU, {}, mingru),
    "mingru positive": (MinGRU, {"candidate": "positive"}, mingru),
    "minlstm": (MinLSTM, {}, minlstm),
    "minlstm positive": (MinLSTM, {"candidate": "positive"}, minlstm),
    "sru": (SRU, {"highway_bias": -1.0}, sru),
    "sru peephole": (SRU, {"peephole": True}, sru),
    "rglru": (RGLRU, {}, rglru),
    "rglru blocks": (RGLRU, {"blocks": 2}, rglru),
}

every_cell = pytest.mark.parametrize("name", CELLS)
sizes = given(
    steps=st.integers(1, 9), lanes=st.integers(1, 3), features=st.integers(1, 5), half=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
few = settings(deadline=None, max_examples=25)


def case(name, steps, lanes, features, half, seed):
    """A cell of which no parameter is 0, inputs and a state, all float64; the hidden size is even."""
    kind, options, _ = CELLS[name]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        cell = kind(features, 2 * half, **options).double()
        with torch.no_grad():
            for parameter in cell.parameters():
                parameter += torch.randn_like(parameter)
        inputs = torch.randn(steps, lanes, features, dtype=torch.float64)
        state = tuple(torch.randn_like(leaf) for leaf in cell.initial_state(lanes))
    return cell, inputs, state


@every_cell
@few
@sizes
def test_the_whole_sequence_equals_the_equations(name, steps, lanes, features, half, seed):
    cell, inputs, state = case(name, steps, lanes, features, half, seed)
    with torch.no_grad():
        outputs, (last,) = cell(inputs, state)
    parameters = {key: value.detach().numpy() for key, value in cell.named_parameters()}
    for lane in range(lanes):
        carried = state[0][lane].numpy()
        for step in range(steps):
            output, carried = CELLS[name][2](cell, parameters, inputs[step, lane].numpy(), carried)
            np.testing.assert_allclose(outputs[step, lane].numpy(), output, rtol=0, atol=1e-10)
        np.testing.assert_allclose(last[lane].numpy(), carried, rtol=0, atol=1e-10)


@every_cell
@few
@sizes
def test_steps_equal_the_whole_sequence_with_gradients(name, steps, lanes, features, half, seed):
    cell, inputs, state = case(name, steps, lanes, features, half, seed)
    results = []
    for run in (cell, lambda inputs, state: step_by_step(cell, cell.project(inputs), state)):
        leaves = [inputs.clone().requires_grad_(), *(leaf.clone().requires_grad_() for leaf in state)]
        outputs, last = run(leaves[0], tuple(leaves[1:]))
        loss = outputs.sin().sum() + sum(leaf.cos().sum() for leaf in last)
        results.append(((outputs, *last), torch.autograd.grad(loss, [*leaves, *cell.parameters()])))
    (values, gradients), (values_of_steps, gradients_of_steps) = results
    torch.testing.assert_close(values, values_of_steps, atol=1e-10, rtol=0)
    torch.testing.assert_close(gradients, gradients_of_steps, atol=1e-9, rtol=0)


@every_cell
@few
@sizes
def test_chunks_with_carried_state_equal_the_whole(name, steps, lanes, features, half, seed):
    cell, inputs, state = case(name, steps + 1, lanes, features, half, seed)
    with torch.no_grad():
        whole, last = cell(inputs, state)
        first, carried = cell(inputs[:steps], state)
        second, end = cell(inputs[steps:], carried)
    torch.testing.assert_close(torch.cat([first, second]), whole, atol=1e-12, rtol=0)
    torch.testing.assert_close(end, last, atol=1e-12, rtol=0)


@every_cell
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_outputs_and_state_keep_the_parameters_dtype(name, dtype):
    kind, options, _ = CELLS[name]
    cell = kind(3, 4, **options).to(dtype)
    outputs, last = cell(torch.randn(6, 2, 3, dtype=dtype), cell.initial_state(2))
    assert [outputs.dtype, *(leaf.dtype for leaf in last)] == [dtype] * (1 + len(last))
    assert outputs.isfinite().all()


@every_cell
def test_keeps_the_contract(name, cell_check):
    kind, options, _ = CELLS[name]
    cell_check(kind, **options)


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("mingru", MinGRU, {"candidate": "positive"}),
        ("minlstm", MinLSTM, {"candidate": "linear"}),
        ("sru", SRU, {"peephole": "true", "highway_bias": "-2"}),
        ("rglru", RGLRU, {"blocks": "2"}),
    ],
)
def test_each_is_a_name_whose_options_the_command_line_can_give(name, kind, options):
    entry = plugins().cells[name]
    assert entry.load() is kind
    cell = kind(3, 4, **check_options(entry, kind.__init__, options))
    assert cell.recurrent_weights == ()


def test_registering_imports_no_torch():
    program = (
        "import sys, charrnn_fast_cells\n"
        "names = []\n"
        "charrnn_fast_cells.register_cells(lambda name, target, summary: names.append(name))\n"
        "print(*names, 'torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["mingru", "minlstm", "sru", "rglru", "False"]
