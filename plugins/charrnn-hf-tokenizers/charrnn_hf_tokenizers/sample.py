"""What a tokenizer learns from."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from charrnn.tokenizers.segments import aligned
from charrnn_hf_tokenizers.segments import segments, segments_end

#: Stands for a character that a tokenizer does not know.
REPLACEMENT = "\ufffd"
#: Halves of UTF-16 pairs: characters to Python, but not to UTF-8, nor to the library.
SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Sample:
    """Lines of a corpus, and the characters of all of it.

    Attributes:
        lines: segments, drawn evenly.
        alphabet: in code-point order; :data:`REPLACEMENT` is always among them, and surrogates never are.
    """

    lines: list[str]
    alphabet: list[str]

    @classmethod
    def read(cls, texts: Iterable[str], size: int) -> Self:
        """Draw ``size`` segments from texts of any length, read once (Vitter 1985, algorithm R).

        The library reads a stream too, but keeps each different word of it: its memory grows with the corpus.
        """
        alphabet = {REPLACEMENT}

        def cleaned() -> Iterator[str]:
            for text in texts:
                clean = SURROGATES.sub(REPLACEMENT, text)
                alphabet.update(clean)
                yield clean

        chance = random.Random(0)  # noqa: S311 - the same corpus gives the same tokens
        lines: list[str] = []
        for number, line in enumerate(line for part in aligned(cleaned(), segments_end) for line in segments(part)):
            if number < size:
                lines.append(line)
            elif (place := chance.randrange(number + 1)) < size:
                lines[place] = line
        return cls(lines, sorted(alphabet))
