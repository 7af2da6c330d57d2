"""What the functions of this package have in common that have a derivative of their own."""

from __future__ import annotations

import torch


def refuse_second() -> None:
    """Raise where a derivative is about to be differentiated: what is computed by hand has no graph."""
    if torch.is_grad_enabled():
        raise RuntimeError(
            "charrnn's recurrences have no second derivative (create_graph=True): "
            "for one, call the cell's step in a loop of your own"
        )
