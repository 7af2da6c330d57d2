"""Where a stream is."""

from __future__ import annotations

from dataclasses import astuple, dataclass


@dataclass(frozen=True, order=True)
class Position:
    """The place of a token in a stream.

    Attributes:
        epoch: passes over the corpus before it.
        shard: shards of the epoch before it, in the order that they are shuffled to, whoever reads them.
        part: parts of the shard before it; a part is what is encoded at once.
        token: tokens of the part before it.
    """

    epoch: int = 0
    shard: int = 0
    part: int = 0
    token: int = 0

    def anew(self) -> Position:
        """Return where its shard begins."""
        return Position(self.epoch, self.shard)

    def to_json(self) -> list[int]:
        """Return it as JSON."""
        return list(astuple(self))
