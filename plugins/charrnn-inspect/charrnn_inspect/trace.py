"""The numbers of each step of a cell, in the order of its formulas.

Vectors are ``[H]`` of hidden features, inputs ``[I]``; matrices stand on the left, ``W_xh`` is ``[H, I]`` and ``W_hh``
is ``[H, H]``. The formulas are those of charrnn's built-in cells, in double precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import UsageError

Array = NDArray[np.float64]
Weights = Mapping[str, Array]

#: The gates and candidates of each cell, each with weights of its own.
PARTS = {"rnn": "h", "gru": "rzn", "lstm": "ifgo"}


def logistic(a: Array) -> Array:
    """``σ(a)``, for large ``a`` of either sign."""
    return np.exp(-np.logaddexp(0.0, -a))


#: How each activation of the plain network is written, and what it does.
ACTIVATIONS: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "sigmoid": ("σ", logistic),
    "tanh": ("tanh", np.tanh),
    "relu": ("relu", lambda a: np.maximum(a, 0.0)),
}


@dataclass(frozen=True)
class Line:
    """One line of a calculation.

    Attributes:
        sign: what stands before it: ``+`` for what is added, ``=`` for the sum of the lines above, or nothing.
        name: what it is, such as ``W_xh x_1`` or ``h_1``.
        formula: what a value is made of, where that is not the lines above, such as ``σ(a_1)``.
        values: ``[H]``.
    """

    sign: str
    name: str
    formula: str
    values: list[float]


@dataclass
class Work:
    """The calculation of one step, written down as it is done."""

    lines: list[Line] = field(default_factory=list)

    def add_up(self, name: str, terms: Mapping[str, Array]) -> Array:
        """Write terms below each other, and their sum."""
        for number, (term, values) in enumerate(terms.items()):
            self._write("+" if number else "", term, "", values)
        return self._write("=", name, "", sum(terms.values(), np.zeros(1)))

    def let(self, name: str, formula: str, values: Array) -> Array:
        """Write a value and what it is made of."""
        return self._write("", name, formula, values)

    def _write(self, sign: str, name: str, formula: str, values: Array) -> Array:
        self.lines.append(Line(sign, name, formula, values.tolist()))
        return values


def trace(
    cell: str, weights: Weights, inputs: Array, start: tuple[Array, ...], activation: str = "tanh"
) -> list[list[Line]]:
    """Calculate a cell's steps.

    Args:
        cell: one of :data:`PARTS`.
        weights: for each part ``p`` of it ``W_xp``, ``W_hp`` and ``b_p``; of a GRU ``d_n`` too, which is inside the
            reset gate.
        inputs: ``[T, I]``.
        start: ``h_0``; of an LSTM ``c_0`` too.
        activation: of the plain network, one of :data:`ACTIVATIONS`.

    Raises:
        UsageError: a number grows beyond all that are.
    """
    state, found = start, []
    for time, x in enumerate(inputs, 1):
        work = Work()
        with np.errstate(over="ignore", invalid="ignore"):  # told below
            if cell == "rnn":
                state = _rnn(work, weights, time, x, state, activation)
            else:
                state = {"gru": _gru, "lstm": _lstm}[cell](work, weights, time, x, state)
        found.append(work.lines)
        for line in work.lines:
            if not np.isfinite(line.values).all():
                raise UsageError(f"{line.name} grows beyond double precision; give smaller weights or inputs")
    return found


def _rnn(work: Work, w: Weights, t: int, x: Array, state: tuple[Array, ...], activation: str) -> tuple[Array, ...]:
    sign, function = ACTIVATIONS[activation]
    a = _affine(work, w, "h", f"a_{t}", t, x, state[0])
    return (work.let(f"h_{t}", f"{sign}(a_{t})", function(a)),)


def _gru(work: Work, w: Weights, t: int, x: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    (h,) = state
    r, z = (_gate(work, w, part, t, x, h) for part in "rz")
    u = work.add_up(f"u_{t}", {f"W_hn h_{t - 1}": w["W_hn"] @ h, "d_n": w["d_n"]})
    a = work.add_up(f"a_n,{t}", {f"W_xn x_{t}": w["W_xn"] @ x, "b_n": w["b_n"], f"r_{t} * u_{t}": r * u})
    n = work.let(f"n_{t}", f"tanh(a_n,{t})", np.tanh(a))
    h = work.add_up(f"h_{t}", {f"(1 - z_{t}) * n_{t}": (1 - z) * n, f"z_{t} * h_{t - 1}": z * h})
    return (h,)


def _lstm(work: Work, w: Weights, t: int, x: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    h, c = state
    i, f = (_gate(work, w, part, t, x, h) for part in "if")
    g = work.let(f"g_{t}", f"tanh(a_g,{t})", np.tanh(_affine(work, w, "g", f"a_g,{t}", t, x, h)))
    o = _gate(work, w, "o", t, x, h)
    c = work.add_up(f"c_{t}", {f"f_{t} * c_{t - 1}": f * c, f"i_{t} * g_{t}": i * g})
    return work.let(f"h_{t}", f"o_{t} * tanh(c_{t})", o * np.tanh(c)), c


def _gate(work: Work, w: Weights, part: str, t: int, x: Array, h: Array) -> Array:
    return work.let(f"{part}_{t}", f"σ(a_{part},{t})", logistic(_affine(work, w, part, f"a_{part},{t}", t, x, h)))


def _affine(work: Work, w: Weights, part: str, name: str, t: int, x: Array, h: Array) -> Array:
    return work.add_up(
        name,
        {
            f"W_x{part} x_{t}": w[f"W_x{part}"] @ x,
            f"W_h{part} h_{t - 1}": w[f"W_h{part}"] @ h,
            f"b_{part}": w[f"b_{part}"],
        },
    )
