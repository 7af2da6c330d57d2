"""Which of the article's two versions of a cell is meant."""

from __future__ import annotations

from typing import Literal

#: ``equations``: as its formulas are; ``pseudocode``: as its listing is, which is another network.
Form = Literal["equations", "pseudocode"]
