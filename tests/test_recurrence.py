"""Any cell, over time: the engine gives what the step, called in a loop under torch's autograd, gives."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional
from torch.nn.utils import parametrizations
from torch.utils._python_dispatch import TorchDispatchMode

from charrnn import Cell
from charrnn.recurrence import explain, step_by_step, unroll

T, B, I, H = 6, 3, 4, 5  # noqa: E741 - as the contract calls them


class Zoo(Cell):
    """Cells of every habit; each has ``h`` and most have more."""

    def __init__(self) -> None:
        super().__init__(I, H)
        self.read = nn.Linear(I, H)
        self.mix = nn.Linear(H, H)


class Linear(Zoo):
    def project(self, inputs):
        return self.read(inputs)

    def step(self, projected, state):
        hidden = torch.tanh(projected + self.mix(state[0]))
        return hidden, (hidden,)


class Functional(Zoo):
    def step(self, projected, state):
        hidden = torch.tanh(self.read(projected) + functional.linear(state[0], self.mix.weight, self.mix.bias))
        return hidden, (hidden,)


class Matmul(Zoo):
    def step(self, projected, state):
        hidden = torch.tanh(self.read(projected) + state[0] @ self.mix.weight + state[0] @ self.mix.weight.T)
        return hidden, (hidden,)


class UsedTwice(Zoo):
    def step(self, projected, state):
        hidden = torch.sigmoid(self.mix(self.mix(state[0]).sin()) + self.read(projected))
        return hidden, (hidden,)


class WorkForTheLoopAndForOthers(Zoo):
    """Element-wise work that the state needs, and so do a product and the output."""

    def project(self, inputs):
        return self.read(inputs).repeat(1, 1, 3)

    def step(self, projected, state):
        forget, candidate, skip = projected.chunk(3, dim=-1)
        forget = forget.sigmoid()
        hidden = forget * state[0] + self.mix(forget.sin()) * candidate
        return hidden + forget.tanh() * skip, (hidden,)


class InBoth(Zoo):
    def project(self, inputs):
        return self.mix(self.read(inputs))

    def step(self, projected, state):
        hidden = torch.sigmoid(projected - self.mix(state[0]))
        return hidden, (hidden,)


class DerivedWeight(Zoo):
    def step(self, projected, state):
        weight = self.mix.weight / self.mix.weight.norm(dim=1, keepdim=True)
        hidden = torch.tanh(self.read(projected) + state[0] @ weight[:, :H].t())
        return hidden, (hidden,)


class Parametrized(Zoo):
    def __init__(self) -> None:
        super().__init__()
        parametrizations.weight_norm(self.mix)

    def step(self, projected, state):
        hidden = torch.tanh(self.read(projected) + self.mix(state[0]))
        return hidden, (hidden,)


class OutputLayer(Zoo):
    """What is given out is not the state, and is made of it."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(H, H)

    def step(self, projected, state):
        hidden = torch.tanh(self.read(projected) + self.mix(state[0]))
        return self.out(hidden * projected[:, :1]).relu(), (hidden,)


class OldState(Zoo):
    def step(self, projected, state):
        return state[0] * 2, (torch.tanh(self.read(projected) + self.mix(state[0])),)


class TwoLeaves(Zoo):
    def initial_state(self, batch_size):
        return self._zeros(batch_size), self._zeros(batch_size)


class Shift(TwoLeaves):
    """The second leaf is the first of the step before."""

    def step(self, projected, state):
        hidden = torch.tanh(self.read(projected) + self.mix(state[0]) * state[1])
        return state[1], (hidden, state[0])


class Twins(TwoLeaves):
    def step(self, projected, state):
        hidden = torch.tanh(self.read(projected) + self.mix(state[0] + state[1].cos()))
        return hidden, (hidden, hidden)


class Unchanged(TwoLeaves):
    def step(self, projected, state):
        hidden = torch.tanh(self.read(projected) + self.mix(state[0]) * state[1])
        return hidden, (hidden, state[1])


class Forgetful(TwoLeaves):
    """Neither leaf depends on what was carried."""

    def step(self, projected, state):
        read = self.read(projected)
        return read + state[0], (read, read.exp())


class SlicedState(TwoLeaves):
    """Both leaves are views of one tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.both = nn.Linear(2 * H, 2 * H)

    def step(self, projected, state):
        both = self.both(torch.cat(state, dim=1)) + self.read(projected).repeat(1, 2)
        first, second = both.tanh().chunk(2, dim=1)
        return first, (first, second)


class Peephole(TwoLeaves):
    def __init__(self) -> None:
        super().__init__()
        self.peep = nn.Parameter(torch.randn(H))
        self.register_buffer("mask", torch.tensor([1.0, 0, 1, 1, 0]))

    def step(self, projected, state):
        gate = torch.sigmoid(self.mix(state[0]) + self.peep * state[1])
        memory = gate * state[1] + (1 - gate) * self.read(projected) * self.mask
        hidden = functional.gelu(memory) * torch.tensor(0.5)
        return hidden, (hidden, memory)


class Normalized(Zoo):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(H)

    def step(self, projected, state):
        hidden = functional.silu(self.norm(self.mix(state[0])) + self.read(projected))
        return functional.softmax(hidden, dim=-1), (hidden,)


class Heads(Zoo):
    """A matrix a head."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.Parameter(torch.randn(5, 1, 1))

    def step(self, projected, state):
        heads = state[0].reshape(-1, 5, 1)
        mixed = torch.einsum("bni,nij->bnj", heads, self.heads).reshape(-1, H)
        hidden = torch.tanh(mixed + self.read(projected))
        return hidden, (hidden,)


class InPlace(Zoo):
    def step(self, projected, state):
        gates = self.mix(state[0]).clone()
        gates[:, :2].add_(projected[:, :2])
        gates += self.read(projected)
        gates.mul_(0.5)
        return gates, (gates,)


class MatrixState(Zoo):
    """A leaf of three dimensions, as fast weights have it."""

    def initial_state(self, batch_size):
        return (torch.zeros(batch_size, H, H, dtype=self.mix.weight.dtype),)

    def step(self, projected, state):
        key = self.read(projected)
        memory = 0.9 * state[0] + key.unsqueeze(2) * self.mix(key).unsqueeze(1)
        return torch.bmm(memory, key.unsqueeze(2)).squeeze(2), (memory,)


class Shared(Zoo):
    def __init__(self) -> None:
        super().__init__()
        self.again = self.mix

    def step(self, projected, state):
        hidden = torch.tanh(self.read(projected) + self.mix(state[0]) * self.again(state[0]))
        return hidden, (hidden,)


class Branch(Zoo):
    traced = False

    def step(self, projected, state):
        hidden = torch.tanh(self.read(projected) + self.mix(state[0]))
        return (hidden if hidden.sum() > 0 else -hidden), (hidden,)


class Growing(Zoo):
    """A state that keeps all that was read."""

    traced = False

    def step(self, projected, state):
        seen = torch.cat([state[0], self.read(projected)], dim=1)
        return seen[:, -H:] + seen[:, :H], (seen,)


class Random(Zoo):
    traced = False

    def step(self, projected, state):
        hidden = torch.tanh(self.read(projected) + functional.dropout(self.mix(state[0]), 0.5, self.training))
        return hidden, (hidden,)


class BooleanBuffer(Zoo):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("open", torch.tensor([True, False, True, True, False]))

    def step(self, projected, state):
        hidden = torch.where(self.open, torch.tanh(self.read(projected) + self.mix(state[0])), state[0])
        return hidden, (hidden,)


class WritesToItself(Zoo):
    """Against the contract: it has to be seen, and to do what it says."""

    traced = False

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(()))

    def step(self, projected, state):
        self.count += 1
        hidden = torch.tanh(self.read(projected) + self.mix(state[0]))
        return hidden, (hidden,)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value):
        return value.sign()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2


class OwnDerivative(Zoo):
    """As spiking networks have it: a step function with a slope that it does not have."""

    traced = False

    def step(self, projected, state):
        hidden = torch.tanh(self.read(projected) + self.mix(state[0]))
        return Doubled.apply(hidden), (hidden,)


class StopsGradients(Zoo):
    traced = False

    def step(self, projected, state):
        with torch.no_grad():
            scale = state[0].abs().amax(dim=1, keepdim=True) + 1
        hidden = torch.tanh(self.read(projected) + self.mix(state[0]) / scale)
        return hidden, (hidden,)


class Hooked(Zoo):
    traced = False

    def __init__(self) -> None:
        super().__init__()
        self.mix.register_forward_hook(lambda module, given, result: result * 2)

    def step(self, projected, state):
        hidden = torch.tanh(self.read(projected) + self.mix(state[0]))
        return hidden, (hidden,)


class TiedParameter(Zoo):
    """Two modules, one parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.again = nn.Linear(H, H)
        self.again.weight = self.mix.weight

    def step(self, projected, state):
        hidden = torch.tanh(self.read(projected) + self.mix(state[0]) * self.again(state[0]))
        return hidden, (hidden,)


CELLS = [each for base in (Zoo, TwoLeaves) for each in base.__subclasses__() if each is not TwoLeaves]


def results(run, cell, inputs, state):
    """Return outputs, last state, and all gradients of something that depends on each."""
    torch.manual_seed(3)
    outputs, last = run(cell, inputs, state)
    loss = outputs.sin().sum() + sum((leaf * (1 + index)).cos().sum() for index, leaf in enumerate(last))
    wanted = [each for each in (inputs, *state, *cell.parameters()) if each.requires_grad]
    gradients = torch.autograd.grad(loss, wanted, allow_unused=True)
    return [outputs, *last], gradients


def plainly(cell, inputs, state):
    return step_by_step(cell, cell.project(inputs), state)


def assert_equal(cell, steps=T, lanes=B):
    inputs = torch.randn(steps, lanes, I, dtype=torch.float64, requires_grad=True)
    state = tuple(torch.randn_like(leaf).requires_grad_() for leaf in cell.initial_state(lanes))
    expected, expected_gradients = results(plainly, cell, inputs, state)
    for _ in range(2):  # planned, then planned already
        found, gradients = results(unroll, cell, inputs, state)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, atol=1e-10, rtol=0)
        for one, other in zip(gradients, expected_gradients, strict=True):
            if one is None or other is None:
                assert one is None or not one.any(), "a gradient where there is none"
                assert other is None or not other.any(), "a gradient is missing"
            else:
                torch.testing.assert_close(one, other, atol=1e-10, rtol=0)


@pytest.mark.parametrize("kind", CELLS, ids=lambda kind: kind.__name__)
def test_any_cell_equals_its_step_called_in_a_loop(kind):
    torch.manual_seed(0)
    cell = kind().double()
    assert_equal(cell)
    assert_equal(cell, steps=2, lanes=1)
    reason = explain(cell, torch.zeros(T, B, I, dtype=torch.float64), cell.initial_state(B))
    assert (reason is None) == getattr(kind, "traced", True), reason


@pytest.mark.parametrize("kind", CELLS, ids=lambda kind: kind.__name__)
def test_without_gradients_too(kind):
    cell = kind().double()
    inputs = torch.randn(600, B, I, dtype=torch.float64)
    with torch.no_grad():
        torch.manual_seed(0)
        expected, last = plainly(cell, inputs, cell.initial_state(B))
        torch.manual_seed(0)
        found, found_last = unroll(cell, inputs, cell.initial_state(B))
    torch.testing.assert_close(found, expected)
    for one, other in zip(found_last, last, strict=True):
        torch.testing.assert_close(one, other)


UNARY = ["tanh", "sigmoid", "sin", "exp", "neg", "relu", "softplus", "slice", "roll", "norm", "mix", "read", "drop"]
BINARY = ["add", "sub", "mul", "div", "cat", "where"]


class Drawn(TwoLeaves):
    """A step drawn at random: a list of operators, each on values before it."""

    def __init__(self, program, ends) -> None:
        super().__init__()
        self.program, self.ends = program, ends
        self.other = nn.Linear(2 * H, H)

    def step(self, projected, state):
        raw = torch.cat([projected, projected[:, : H - I]], dim=1)
        values = [*state, self.read(projected), raw, self.mix.bias.expand(len(projected), H)]
        for name, first, second in self.program:
            a, b = values[first % len(values)], values[second % len(values)]
            match name:
                case "slice":
                    value = functional.pad(a[:, 1:3], (1, H - 3))
                case "roll":
                    value = torch.cat([a[:, 2:], a[:, :2]], dim=1)
                case "norm":
                    value = functional.layer_norm(a, (H,))
                case "mix":
                    value = self.mix(a)
                case "read":
                    value = a @ self.mix.weight
                case "drop":
                    value = a.detach() * b
                case "softplus":
                    value = functional.softplus(a)
                case "div":
                    value = a / (2 + b.cos())
                case "exp":
                    value = a.sin().exp()
                case "cat":
                    value = self.other(torch.cat([a, b], dim=1))
                case "where":
                    value = torch.where(a > b, a, b.cos())
                case "add" | "sub" | "mul":
                    value = getattr(torch, name)(a, b)
                case _:
                    value = getattr(torch, name)(a)
            values.append(value.sin() if name in ("mul", "mix", "read", "cat") else value)
        output, first, second = (values[end % len(values)] for end in self.ends)
        return output, (first, second)


numbers = st.integers(0, 30)


@given(
    st.lists(st.tuples(st.sampled_from(UNARY + BINARY), numbers, numbers), min_size=1, max_size=10),
    st.tuples(numbers, numbers, numbers),
)
@settings(max_examples=80)
def test_any_step_that_can_be_drawn(program, ends):
    torch.manual_seed(0)
    assert_equal(Drawn(program, ends).double(), steps=4, lanes=2)


class Calls(TorchDispatchMode):
    """Lists the operators that were called, with the shapes of what they returned."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        if function in (torch.ops.aten.mm.default, torch.ops.aten.bmm.default, torch.ops.aten.mm.out):
            self.shapes.append(tuple(made.shape))
        return made


class Mixing(Cell):
    """``mix`` says how the author writes the product; no other has 7 rows and 7 columns."""

    def __init__(self, mix) -> None:
        super().__init__(7, 7)
        self.mix = mix
        self.linear = nn.Linear(7, 7)
        self.square = nn.Parameter(torch.randn(7, 7))

    def step(self, projected, state):
        hidden = torch.tanh(projected + self.mix(self, state[0]))
        return hidden, (hidden,)


@pytest.mark.parametrize(
    "mix",
    [
        lambda cell, hidden: cell.linear(hidden),
        lambda cell, hidden: functional.linear(hidden, cell.square),
        lambda cell, hidden: hidden @ cell.square,
        lambda cell, hidden: hidden @ (cell.square / cell.square.norm()),
    ],
    ids=["nn.Linear", "F.linear", "@", "@ of what is derived from it"],
)
def test_the_gradient_of_a_weight_is_one_product_however_long_the_sequence(mix):
    cell = Mixing(mix)
    counts = []
    for steps in (4, 40):
        inputs = torch.randn(steps, 3, 7)
        loss = unroll(cell, inputs, cell.initial_state(3))[0].sum()
        with Calls() as calls:
            loss.backward()
        counts.append(calls.shapes.count((7, 7)))
    assert counts[0] == counts[1] <= 2


def test_nothing_is_kept_that_the_derivative_does_not_need():
    """An LSTM needs four gates, two states and the squashed memory: 7 numbers a feature; autograd keeps no fewer."""

    class PlainLSTM(TwoLeaves):
        def __init__(self) -> None:
            super().__init__()
            self.wide = nn.Linear(H, 4 * H)

        def project(self, inputs):
            return functional.pad(inputs, (0, 4 * H - I))

        def step(self, projected, state):
            hidden, memory = state
            into, forget, candidate, out = (projected + self.wide(hidden)).chunk(4, dim=-1)
            memory = forget.sigmoid() * memory + into.sigmoid() * candidate.tanh()
            hidden = out.sigmoid() * memory.tanh()
            return hidden, (hidden, memory)

    cell = PlainLSTM()
    steps = 200
    inputs = torch.randn(steps, B, I)
    kept = {}
    for run in (unroll, plainly):
        storages = {}

        def count(tensor, storages=storages):
            storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with saved_tensors_hooks(count, lambda tensor: tensor):
            outputs, _ = run(cell, inputs, cell.initial_state(B))
        kept[run] = sum(storages.values()) / (steps * B * H * 4)
        del outputs
    assert kept[unroll] < 7.2
    assert kept[unroll] < 1.02 * kept[plainly]


def test_the_last_state_does_not_hold_on_to_the_sequence():
    cell = Linear()
    _, (last,) = unroll(cell, torch.randn(50, B, I), cell.initial_state(B))
    assert last.untyped_storage().nbytes() == B * H * 4


def test_a_second_derivative_is_refused():
    cell = Linear()
    outputs, _ = unroll(cell, torch.randn(T, B, I), cell.initial_state(B))
    with pytest.raises(RuntimeError, match="no second derivative"):
        torch.autograd.grad(outputs.sum(), list(cell.parameters()), create_graph=True)


def test_planning_leaves_no_trace():
    cell = Normalized()
    before = {name: value.clone() for name, value in cell.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    unroll(cell, torch.randn(T, B, I, generator=torch.Generator().manual_seed(0)), cell.initial_state(B))
    assert torch.equal(torch.rand(3), expected)
    assert all(isinstance(each, nn.Parameter) and each.grad is None for each in cell.parameters())
    assert all(torch.equal(value, before[name]) for name, value in cell.state_dict().items())
    copied = copy.deepcopy(cell).double()
    assert_equal(copied)


class Scaled(Zoo):
    rate = 0.5

    def __init__(self) -> None:
        super().__init__()
        self.scale = 1.0

    def step(self, projected, state):
        hidden = torch.tanh(self.read(projected) + self.scale * self.mix(state[0]))
        return (hidden if self.training else hidden * 2), (hidden,)


def test_a_plan_is_made_anew_when_an_attribute_changes():
    cell = Scaled().double()
    for scale, training in ((1.0, True), (2.0, True), (2.0, False)):
        cell.scale = scale
        cell.train(training)
        assert_equal(cell)


def test_weights_that_are_changed_or_replaced_are_seen():
    cell = Linear().double()
    assert_equal(cell)
    with torch.no_grad():
        cell.mix.weight.mul_(2)
    assert_equal(cell)
    cell.mix.weight = nn.Parameter(torch.randn(H, H, dtype=torch.float64))
    assert_equal(cell)
    cell.mix.weight.requires_grad_(False)
    assert_equal(cell)


def test_mixed_precision_is_what_it_is_step_by_step():
    cell = Linear()
    inputs = torch.randn(T, B, I)
    results = []
    for run in (unroll, plainly):
        with torch.autocast("cpu", torch.bfloat16):
            outputs, (last,) = run(cell, inputs, cell.initial_state(B))
        gradient = torch.autograd.grad(outputs.float().sum(), cell.mix.weight)[0]
        results.append((outputs.float(), last.float(), gradient))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, atol=0.05, rtol=0.05)


def test_large_weights_are_packed_and_give_the_same():
    class Large(Cell):
        def __init__(self) -> None:
            super().__init__(8, 384)
            self.read, self.mix = nn.Linear(8, 384), nn.Linear(384, 384)

        def step(self, projected, state):
            hidden = torch.tanh(self.read(projected) + self.mix(state[0]))
            return hidden, (hidden,)

    cell = Large()
    inputs = torch.randn(5, 4, 8)
    expected, gradients = results(plainly, cell, inputs, cell.initial_state(4))
    found, ours = results(unroll, cell, inputs, cell.initial_state(4))
    for one, other in zip([*found, *ours], [*expected, *gradients], strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("kind", CELLS, ids=lambda kind: kind.__name__)
def test_on_a_gpu(kind):
    cell = kind().double().cuda()
    inputs = torch.randn(T, B, I, dtype=torch.float64, device="cuda")
    state = tuple(leaf.cuda() for leaf in cell.initial_state(B))
    expected, gradients = results(plainly, cell, inputs, state)
    found, ours = results(unroll, cell, inputs, state)
    for one, other in zip([*found, *ours], [*expected, *gradients], strict=True):
        torch.testing.assert_close(one, other)


def test_scoring_in_inference_mode_is_planned_too():
    cell = Normalized().double()
    inputs = torch.randn(600, 1, I, dtype=torch.float64)
    with torch.no_grad():
        expected, _ = plainly(cell, inputs, cell.initial_state(1))
    with torch.inference_mode():
        found, _ = unroll(cell, inputs.clone(), cell.initial_state(1))
        assert explain(cell, inputs.clone(), cell.initial_state(1)) is None
    torch.testing.assert_close(found, expected)
    assert_equal(cell)


def test_a_hook_that_is_added_later_is_called():
    cell = Linear()
    inputs = torch.randn(T, B, I)
    unroll(cell, inputs, cell.initial_state(B))
    called = []
    cell.mix.register_forward_hook(lambda *given: called.append(1))
    unroll(cell, inputs, cell.initial_state(B))
    assert len(called) == T
