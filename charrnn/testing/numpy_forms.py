"""The promises of a cell's NumPy form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from charrnn.cells.numpy_forms.base import Array, NumpyCell, NumpyState
from charrnn.testing.cell_cases import Case, CellSubject
from charrnn.testing.checks import Checks, require


class NumpySubject:
    """A cell's class with its NumPy form's, and their options."""

    def __init__(self, pair: tuple[Any, Any], options: Mapping[str, Any]) -> None:
        cell, self._form = pair
        is_form = isinstance(self._form, type) and issubclass(self._form, NumpyCell)
        require(is_form, f"{self._form!r} is no subclass of charrnn.NumpyCell")
        self._cells = CellSubject(cell, options)
        self._options = dict(options)

    def cases(self, dtype: torch.dtype = torch.float64) -> Iterator[tuple[Case, NumpyCell]]:
        """Yield a case of the cell in each size, the smallest first, and the form with the same weights."""
        for case in self._cells.cases(dtype):
            weights = {name: each.detach().numpy().copy() for name, each in case.cell.state_dict().items()}
            yield case, self._form(weights, case.inputs.shape[2], case.cell.hidden_size, **self._options)


CHECKS = Checks(NumpySubject)


@CHECKS.promise("its NumPy form begins where the cell begins")
def begins_alike(subject: NumpySubject) -> None:
    """The same leaves, of the same shapes and types."""
    for case, form in subject.cases():
        lanes = case.inputs.shape[1]
        found, wanted = form.initial_state(lanes), case.cell.initial_state(lanes)
        require(isinstance(found, tuple), f"initial_state should return a tuple, not {type(found).__name__}", case)
        shapes = [list(leaf.shape) for leaf in found], [list(leaf.shape) for leaf in wanted]
        require(shapes[0] == shapes[1], f"its initial state has leaves {shapes[0]}, the cell's {shapes[1]}", case)
        apart = _farthest(found, [leaf.detach().numpy() for leaf in wanted])
        require(apart < 1e-12, f"its initial state differs from the cell's by {apart:.2g}", case)


@CHECKS.promise("its NumPy form steps as the cell does")
def steps_alike(subject: NumpySubject) -> None:
    """Outputs and states, in float64 and float32."""
    for dtype, least in ((torch.float64, 1e-9), (torch.float32, 1e-4)):
        for case, form in subject.cases(dtype):
            with torch.no_grad():
                outputs, last = case.steps()
            found, state = _run(form, case.inputs.numpy(), _arrays(case.state))
            require(found.shape == outputs.shape, f"its outputs are {list(found.shape[1:])}, not [B, H]", case)
            wanted = [outputs.numpy(), *_arrays(last)]
            for each in (found, *state):
                require(each.dtype == wanted[0].dtype, f"an output or state is {each.dtype}", case)
            apart = _farthest([found, *state], wanted)
            require(apart < least, f"after {len(found)} steps it differs from the cell by {apart:.2g}", case)


@CHECKS.promise("its NumPy form's lanes can be reordered")
def lanes_reorder(subject: NumpySubject) -> None:
    """Beams take lanes in another order, and repeat some."""
    for case, form in subject.cases():
        lanes = case.inputs.shape[1]
        order = np.array([*range(lanes - 1, 0, -1), lanes - 1])
        outputs, state = _run(form, case.inputs.numpy(), _arrays(case.state))
        again, after = _run(form, case.inputs.numpy()[:, order], tuple(leaf[order] for leaf in _arrays(case.state)))
        apart = _farthest([again, *after], [outputs[:, order], *(leaf[order] for leaf in state)])
        require(apart < 1e-9, f"with lanes in the order {order.tolist()} the result differs by {apart:.2g}", case)


@CHECKS.promise("its NumPy form carries nothing but the state that it returns")
def carries_nothing(subject: NumpySubject) -> None:
    """Texts take turns, in batches of several sizes; only the state may be written into."""
    for case, form in subject.cases():
        inputs = case.inputs.numpy()
        outputs, _ = _run(form, inputs, _arrays(case.state))
        alone = [form.initial_state(1), form.initial_state(1)]
        kept = {name: each.copy() for name, each in form.weights.items()}
        state = _arrays(case.state)
        for time, row in enumerate(inputs):
            projected = form.project(row).copy()
            before = projected.copy()
            output, state = form.step(projected, state)
            require(np.array_equal(projected, before), "step writes into projected", case)
            apart = _farthest([output], [outputs[time]])
            require(apart < 1e-9, f"with another text between, an output differs by {apart:.2g}", case)
            both = [form.step(form.project(row[:1]).copy(), each) for each in alone]
            alone = [after for _, after in both]
        apart = _farthest(alone[0], alone[1])
        require(apart == 0, f"two texts that read the same come to states that differ by {apart:.2g}", case)
        for name, each in form.weights.items():
            require(np.array_equal(each, kept[name]), f"it writes into the weight {name}", case)


def _run(form: NumpyCell, inputs: Array, state: NumpyState) -> tuple[Array, NumpyState]:
    time, lanes, features = inputs.shape
    projected = form.project(inputs.reshape(-1, features)).reshape(time, lanes, -1).copy()
    outputs = []
    for row in projected:
        output, state = form.step(row, state)
        outputs.append(output.copy())
    return np.stack(outputs), state


def _arrays(state: Any) -> NumpyState:
    return tuple(leaf.detach().numpy().copy() for leaf in state)


def _farthest(found: Any, wanted: Any) -> float:
    """Return the largest difference; infinite where shapes differ or one is no number."""
    if [each.shape for each in found] != [each.shape for each in wanted]:
        return float("inf")
    apart = [np.abs(one.astype(float) - other.astype(float)) for one, other in zip(found, wanted, strict=True)]
    largest = max((float(each.max()) for each in apart if each.size), default=0.0)
    return largest if largest == largest else float("inf")
