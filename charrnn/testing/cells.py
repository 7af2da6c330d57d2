"""The promises of a cell."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from charrnn.testing.cell_cases import SIZES, Case, CellSubject, farthest, flat
from charrnn.testing.checks import Checks, require

CHECKS = Checks(CellSubject)

#: Two ways to compute one thing in float64 may differ by the order of sums.
_EQUAL = 1e-9
_LARGE = SIZES[-2]


@CHECKS.promise("shapes and types are the contract's")
def shapes_and_dtypes(subject: CellSubject) -> None:
    """Outputs are ``[T, B, H]``, state leaves ``[B, ...]`` and stay what they were, in the parameters' type."""
    for case in subject.cases():
        cell, (time, lanes, _) = case.cell, case.inputs.shape
        start = cell.initial_state(lanes)
        require(isinstance(start, tuple), f"initial_state should return a tuple, not {type(start).__name__}", case)
        for leaf in start:
            require(leaf.shape[:1] == (lanes,), f"a state leaf has shape {list(leaf.shape)}, not [B, ...]", case)
            require(leaf.dtype == case.inputs.dtype, f"a state leaf is {leaf.dtype}, not the parameters' type", case)
        projected = cell.project(case.inputs)
        require(
            projected.shape[:2] == (time, lanes), f"project returns {list(projected.shape)}, not [T, B, features]", case
        )
        output, state = cell.step(projected[0], start)
        require(
            output.shape == (lanes, cell.hidden_size), f"step returns an output {list(output.shape)}, not [B, H]", case
        )
        outputs, last = case.run()
        require(
            outputs.shape == (time, lanes, cell.hidden_size),
            f"forward returns {list(outputs.shape)}, not [T, B, H]",
            case,
        )
        require(outputs.dtype == output.dtype == case.inputs.dtype, f"an output is {outputs.dtype}", case)
        for name, after in (("step", state), ("forward", last)):
            require(
                [(each.shape, each.dtype) for each in after] == [(each.shape, each.dtype) for each in start],
                f"the state that {name} returns has other shapes or types than initial_state's",
                case,
            )


@CHECKS.promise("forward equals repeated step, and so do its gradients")
def forward_equals_steps(subject: CellSubject) -> None:
    """What runs over time means what ``step`` says."""
    for case in subject.cases():
        apart = farthest(flat(case.run()), flat(case.steps()))
        require(apart < _EQUAL, f"forward and repeated step differ by {apart:.2g}", case)
        apart = farthest(_gradients(case, case.run), _gradients(case, case.steps))
        require(apart < 1e-8, f"the gradients of forward and repeated step differ by {apart:.2g}", case)


@CHECKS.promise("chunks with carried state equal the whole")
def chunks_equal_the_whole(subject: CellSubject) -> None:
    """Truncated training and generation read a text in pieces."""
    for case in subject.cases():
        whole = flat(case.run())
        for cut in range(1, len(case.inputs)):
            first, state = case.cell(case.inputs[:cut], case.state)
            second, last = case.cell(case.inputs[cut:], state)
            apart = farthest([torch.cat([first, second]), *last], whole)
            require(apart < _EQUAL, f"cut after {cut} steps, the result differs by {apart:.2g}", case)


@CHECKS.promise("no step sees the future")
def causal(subject: CellSubject) -> None:
    """An output depends on the inputs up to it."""
    for case in subject.cases():
        before, _ = case.run()
        for changed in range(1, len(case.inputs)):
            inputs = case.inputs.clone()
            inputs[changed:] += 1.0
            after, _ = case.cell(inputs, case.state)
            apart = farthest([after[:changed]], [before[:changed]])
            require(apart < _EQUAL, f"input {changed} changes an output before it by {apart:.2g}", case)


@CHECKS.promise("a lane depends only on itself")
def lanes_are_independent(subject: CellSubject) -> None:
    """Texts side by side do not mix."""
    for case in subject.cases():
        before = flat(case.run())
        lanes = case.inputs.shape[1]
        for changed in range(lanes if lanes > 1 else 0):
            inputs = case.inputs.clone()
            inputs[:, changed] += 1.0
            state = tuple(leaf.clone() for leaf in case.state)
            for leaf in state:
                leaf[changed] += 1.0
            after = flat(case.cell(inputs, state))
            others = [lane for lane in range(lanes) if lane != changed]
            apart = max(
                farthest([after[0][:, others]], [before[0][:, others]]),
                farthest([each[others] for each in after[1:]], [each[others] for each in before[1:]]),
            )
            require(apart < _EQUAL, f"lane {changed} changes another lane by {apart:.2g}", case)


@CHECKS.promise("a state reorders by its leaves' first axis")
def state_reorders(subject: CellSubject) -> None:
    """Beam search takes lanes in another order, and repeats some."""
    for case in subject.cases():
        lanes = case.inputs.shape[1]
        order = torch.tensor([*range(lanes - 1, 0, -1), lanes - 1])
        wanted = [each.index_select(1 if number == 0 else 0, order) for number, each in enumerate(flat(case.run()))]
        state = tuple(leaf.index_select(0, order) for leaf in case.state)
        apart = farthest(flat(case.cell(case.inputs[:, order], state)), wanted)
        require(apart < _EQUAL, f"with lanes in the order {order.tolist()} the result differs by {apart:.2g}", case)


@CHECKS.promise("step is pure")
def step_is_pure(subject: CellSubject) -> None:
    """A step changes neither its arguments nor the cell, and gives the same again."""
    for case in subject.cases():
        projected = case.cell.project(case.inputs)[0].detach()
        kept = [each.clone() for each in (projected, *case.state, *case.cell.state_dict().values())]
        first = [each.clone() for each in flat(case.cell.step(projected, case.state))]
        now = [projected, *case.state, *case.cell.state_dict().values()]
        require(farthest(now, kept) == 0, "a step changes its arguments or the cell in place", case)
        second = flat(case.cell.step(projected, case.state))
        require(farthest(second, first) == 0, "the same step gives another result the second time", case)


@CHECKS.promise("gradients are right, against finite differences in float64")
def gradients(subject: CellSubject) -> None:
    """For inputs, each state leaf and each parameter, along three random directions each."""
    step = 1e-6
    for case in subject.cases():
        parts = _parts(case)
        generator = torch.Generator().manual_seed(5)
        found = _gradients(case, case.run)
        for (name, part), gradient in zip(parts.items(), found, strict=True):
            for _ in range(3):
                direction = torch.randn(part.shape, generator=generator, dtype=part.dtype)
                slopes = []
                with torch.no_grad():
                    for sign in (1, -2):
                        part += sign * step * direction
                        slopes.append(float(_loss(case.run())))
                    part += step * direction
                wanted = (slopes[0] - slopes[1]) / (2 * step)
                got = float((gradient * direction).sum())
                right = abs(got - wanted) <= 1e-6 + 1e-5 * max(abs(got), abs(wanted))
                require(
                    right, f"the gradient of {name} is {got:.6g} along a direction, and should be {wanted:.6g}", case
                )


@CHECKS.promise("all parameters receive gradient")
def parameters_receive_gradient(subject: CellSubject) -> None:
    """A parameter that no output depends on is never trained."""
    case = subject.case(_LARGE)
    idle = set(dict(case.cell.named_parameters()))
    for seed in range(3):
        case = subject.case(_LARGE, seed=seed)
        outputs, _ = case.run()
        names, parameters = zip(*case.cell.named_parameters(), strict=True)
        weighed = (outputs * torch.randn_like(outputs)).sum()
        found = torch.autograd.grad(weighed, parameters, allow_unused=True, materialize_grads=True)
        idle -= {name for name, each in zip(names, found, strict=True) if each.any()}
    require(not idle, f"{', '.join(sorted(idle))} receive no gradient", case)


@CHECKS.promise("it runs in float64, float32 and bfloat16")
def dtypes(subject: CellSubject) -> None:
    """Forward and backward, with finite numbers of that type, in float32 near to those of float64."""
    exact = {str(case).rsplit(" ", 1)[0]: flat(case.run()) for case in subject.cases()}
    for dtype in (torch.float32, torch.bfloat16):
        for case in subject.cases(dtype):
            found = flat(case.run())
            require(all(each.dtype == dtype for each in found), f"an output or state is not {dtype}", case)
            require(all(bool(each.isfinite().all()) for each in found), "an output or state is not finite", case)
            slopes = _gradients(case, case.run)
            require(all(bool(each.isfinite().all()) for each in slopes), "a gradient is not finite", case)
            apart = farthest(found, exact[str(case).rsplit(" ", 1)[0]])
            require(dtype != torch.float32 or apart < 1e-3, f"float32 differs from float64 by {apart:.2g}", case)


@CHECKS.promise("what is saved and loaded goes on bit by bit")
def saves_and_loads(subject: CellSubject) -> None:
    """A resumed run has the cell's ``state_dict`` and its state, and nothing else."""
    from safetensors.torch import load, save

    for case in subject.cases(torch.float32):
        kept = {f"state.{number}": leaf.clone().contiguous() for number, leaf in enumerate(case.state)}
        kept |= {f"cell.{name}": each.clone().contiguous() for name, each in case.cell.state_dict().items()}
        read = load(save(kept))
        other = subject.make(case.inputs.shape[2], case.cell.hidden_size, torch.float32, seed=99)
        other.load_state_dict({name[5:]: each for name, each in read.items() if name.startswith("cell.")})
        state = tuple(read[f"state.{number}"] for number in range(len(case.state)))
        apart = farthest(flat(other(case.inputs, state)), flat(case.run()))
        require(apart == 0, f"after save and load it differs by {apart:.2g}: what it needs is not all saved", case)


@CHECKS.promise("a deep copy is equal, and apart")
def copies(subject: CellSubject) -> None:
    """The best weights are kept beside those in training."""
    for case in subject.cases():
        before = [each.detach().clone() for each in flat(case.run())]
        twin = copy.deepcopy(case.cell)
        require(farthest(flat(twin(case.inputs, case.state)), before) == 0, "a deep copy gives another result", case)
        with torch.no_grad():
            for parameter in twin.parameters():
                parameter.add_(1.0)
        require(farthest(flat(case.run()), before) == 0, "changing a deep copy changes the original", case)


@CHECKS.promise("it is deterministic under a seed")
def deterministic(subject: CellSubject) -> None:
    """Built twice under one seed it has the same weights, and run twice under one seed it gives the same."""
    for case in subject.cases():
        new = [subject.make(case.inputs.shape[2], case.cell.hidden_size) for _ in range(2)]
        same = farthest(*(list(each.state_dict().values()) for each in new)) == 0
        require(same, "built twice under one seed, its weights differ", case)
        runs = []
        for _ in range(2):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(7)
                runs.append(flat(case.run()))
        require(farthest(*runs) == 0, "run twice under one seed, its results differ", case)


@CHECKS.promise("its step compiles")
def compiles(subject: CellSubject) -> None:
    """``torch.compile`` takes the step as one graph, and the result is the same."""
    case = subject.case(_LARGE)
    projected = case.cell.project(case.inputs)[0].detach()
    compiled: Any = torch.compile(case.cell.step, backend="aot_eager", fullgraph=True)
    try:
        with torch._dynamo.config.patch(allow_rnn=True):  # a cell may keep its parameters in one of torch's
            found = flat(compiled(projected, case.state))
    except Exception as error:
        require(False, f"torch.compile fails: {str(error).strip().splitlines()[0]}", case)
    finally:
        torch.compiler.reset()
    apart = farthest(found, flat(case.cell.step(projected, case.state)))
    require(apart < _EQUAL, f"compiled, the step differs by {apart:.2g}", case)


@CHECKS.promise("recurrent_weights names matrices of the cell")
def recurrent_weights_exist(subject: CellSubject) -> None:
    """Orthogonal initialisation and weight drop look them up by these names."""
    case = subject.case(_LARGE)
    parameters = dict(case.cell.named_parameters())
    for name in case.cell.recurrent_weights:
        require(name in parameters, f"'{name}' in recurrent_weights is no parameter: {', '.join(parameters)}", case)
        require(parameters[name].dim() == 2, f"'{name}' in recurrent_weights is no matrix", case)


def _parts(case: Case) -> dict[str, Tensor]:
    """Name all that a result can be differentiated by."""
    leaves = {f"state leaf {number}": leaf for number, leaf in enumerate(case.state)}
    return {"the inputs": case.inputs, **leaves, **dict(case.cell.named_parameters())}


def _loss(result: tuple[Tensor, Any]) -> Tensor:
    """Weigh every number of a result, each by another weight."""
    total = result[0].new_zeros(())
    for each in flat(result):
        weights = torch.linspace(0.5, 1.5, each.numel(), dtype=each.dtype)
        total = total + (each.flatten() * weights).sum()
    return total


def _gradients(case: Case, run: Any) -> list[Tensor]:
    parts = list(_parts(case).values())
    for part in parts:
        part.requires_grad_()
    try:
        found = torch.autograd.grad(_loss(run()), parts, allow_unused=True, materialize_grads=True)
    finally:
        for part in (case.inputs, *case.state):
            part.requires_grad_(False)
    return list(found)
