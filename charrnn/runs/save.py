"""What a save holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from charrnn.runs.manifest import FileRecord


@dataclass(frozen=True)
class Save:
    """What a run needs to go on: tensors by name, and the rest as JSON.

    Attributes:
        weights: the model's, as they are.
        best: the best by validation.
        training: the optimizer's averages, the lanes' state, the random generators.
        state: the numbers.
        metrics: what ``metrics.jsonl`` was by then.
    """

    weights: dict[str, Tensor]
    best: dict[str, Tensor]
    training: dict[str, Tensor]
    state: dict[str, Any]
    metrics: FileRecord | None = None
