"""The last tokens of texts that are being made side by side."""

from __future__ import annotations

import numpy as np

from charrnn.tokenizers.base import Ids

#: As many tokens as warpers look back on: an endless text must not fill the memory.
LOOK_BACK = 4096


class History:
    """Ids ``[B, N]`` that grow by one a lane, up to :data:`LOOK_BACK` of them.

    Args:
        ids: ``[B, N]`` to begin with.
    """

    def __init__(self, ids: Ids) -> None:
        kept = ids[:, -LOOK_BACK:]
        self._ids = np.zeros((len(ids), 2 * LOOK_BACK), dtype=np.int64)
        self._size = kept.shape[1]
        self._ids[:, : self._size] = kept

    @property
    def ids(self) -> Ids:
        """What there is now."""
        return self._ids[:, max(0, self._size - LOOK_BACK) : self._size]

    def append(self, ids: Ids) -> None:
        """Add one id a lane, ``[B]``."""
        if self._size == self._ids.shape[1]:
            self._ids[:, :LOOK_BACK] = self._ids[:, -LOOK_BACK:]
            self._size = LOOK_BACK
        self._ids[:, self._size] = ids
        self._size += 1

    def take(self, lanes: Ids) -> None:
        """Go on with these lanes, in this order."""
        self._ids = self._ids[lanes]
