"""A trained model as generation sees it: ids in, logits out, the state in the caller's hands.

Shapes: ``T`` time steps, ``B`` batch lanes, ``V`` vocabulary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.tokenizers.base import Ids

Logits = NDArray[np.floating[Any]]
#: One tuple of leaves a layer, each leaf ``[B, ...]``.
NetworkState = tuple[tuple[Any, ...], ...]

#: Tokens of all lanes together in one pass: bounds memory, and is enough to keep the processor busy.
CHUNK_TOKENS = 4096
#: A table of the first layer's projection of every token is made where it has at most so many numbers.
TABLE_SIZE = 1 << 22


class Network(ABC):
    """A model with its weights in place, in one of the libraries that can run it.

    A state that is handed in is used up, and may be written into: :meth:`copy` keeps one. Logits that are returned
    hold until the next call.
    """

    vocab_size: int
    #: Whether what it reads changes its weights, until :meth:`initial_state` begins another text.
    learns = False

    @abstractmethod
    def initial_state(self, lanes: int) -> NetworkState:
        """Return the state before the first token."""

    @abstractmethod
    def step(self, ids: Ids, state: NetworkState) -> tuple[Logits, NetworkState]:
        """Read one id a lane, ``[B]``; returns the logits ``[B, V]`` of what comes next."""

    @abstractmethod
    def read(self, ids: Ids, state: NetworkState) -> tuple[Logits, NetworkState]:
        """Read ids ``[T, B]``, at least one a lane, in one pass; returns the logits ``[B, V]`` of what comes next."""

    @abstractmethod
    def losses(self, ids: Ids, targets: Ids, state: NetworkState) -> tuple[NDArray[np.float64], NetworkState]:
        """Read ids ``[T, B]`` in one pass; returns the negative log-probabilities of the targets after each, in nats.

        A target below 0 is none: its loss is 0.
        """

    @abstractmethod
    def take(self, state: NetworkState, lanes: Ids) -> NetworkState:
        """Return a new state whose lanes are those named, in that order; one may be named more than once."""

    @abstractmethod
    def join(self, states: list[NetworkState]) -> NetworkState:
        """Return a new state with the lanes of all of these, one after the other."""

    def copy(self, state: NetworkState) -> NetworkState:
        """Return the same state apart."""
        return map_leaves(lambda leaf: leaf.copy() if isinstance(leaf, np.ndarray) else leaf.clone(), state)


def map_leaves(function: Callable[..., Any], *states: NetworkState) -> NetworkState:
    """Apply ``function`` to every leaf, or to the leaves of several states that belong together."""
    return tuple(
        tuple(function(*leaves) for leaves in zip(*layers, strict=True)) for layers in zip(*states, strict=True)
    )
