"""Warpers that speak of text, whatever its tokens are: they follow its bytes."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import UsageError, shown_characters
from charrnn.generation.network import Logits
from charrnn.generation.warpers.base import Warper
from charrnn.tokenizers.base import Ids, Tokenizer

_LONGEST_CHARACTER = 4


class TextWarper(Warper):
    """Forbids tokens by what the text ends with; what is forbidden after each such end is worked out once."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__(tokenizer)
        self._forbidden: dict[bytes, NDArray[np.bool_]] = {}

    @cached_property
    def pieces(self) -> list[bytes]:
        """The bytes of every token."""
        return self.tokenizer.pieces()

    def warp(self, logits: Logits, history: Ids) -> Logits:
        """Forbid, lane by lane."""
        warped = logits.copy()
        for lane, ids in enumerate(history):
            warped[lane, self.forbidden_after(self.ending(ids))] = -np.inf
        return warped

    def forbidden_after(self, ending: bytes) -> NDArray[np.bool_]:
        """Tell for every token, ``[V]``, whether it must not follow."""
        if ending not in self._forbidden:
            self._forbidden[ending] = np.array([self.forbids(ending, piece) for piece in self.pieces])
        return self._forbidden[ending]

    def tail(self, ids: Ids, size: int) -> bytes:
        """Return the last ``size`` bytes of a text."""
        found = b""
        for token in ids[::-1]:
            if len(found) >= size:
                break
            found = self.pieces[token] + found
        return found[len(found) - size :] if len(found) > size else found

    @abstractmethod
    def ending(self, ids: Ids) -> bytes:
        """Return what matters of a text's end."""

    @abstractmethod
    def forbids(self, ending: bytes, piece: bytes) -> bool:
        """Tell whether a token must not follow such an end."""


class Ban(TextWarper):
    """Never lets a text come about, wherever its tokens part it."""

    def __init__(self, tokenizer: Tokenizer, text: str = "") -> None:
        super().__init__(tokenizer)
        self._banned = text.encode("utf-8", "surrogatepass")

    def ending(self, ids: Ids) -> bytes:
        """Return the longest beginning of the banned text that the text ends with."""
        tail = self.tail(ids, len(self._banned) - 1) if self._banned else b""
        return next((tail[at:] for at in range(len(tail)) if self._banned.startswith(tail[at:])), b"")

    def forbids(self, ending: bytes, piece: bytes) -> bool:
        """Tell whether the banned text would be complete."""
        return bool(self._banned) and self._banned in ending + piece


class Allow(TextWarper):
    """Lets nothing come but some characters; by default all."""

    def __init__(self, tokenizer: Tokenizer, characters: str = "") -> None:
        super().__init__(tokenizer)
        self._whole = {each.encode("utf-8", "surrogatepass") for each in characters}
        self._begun = {each[:size] for each in self._whole for size in range(len(each))} | {b""}
        if characters and self.forbidden_after(b"").all():
            never = shown_characters(dict.fromkeys(characters, 1))
            raise UsageError(f"--allow: the model knows none of {never}; give characters of its alphabet")

    def ending(self, ids: Ids) -> bytes:
        """Return the bytes of a character that is not whole yet."""
        tail = self.tail(ids, _LONGEST_CHARACTER - 1)
        return next((tail[at:] for at in range(len(tail)) if tail[at:] in self._begun), b"")

    def forbids(self, ending: bytes, piece: bytes) -> bool:
        """Tell whether something else than these characters, or the beginning of one, would come about."""
        if not self._whole:
            return False
        rest = ending + piece
        while rest not in self._begun:
            size = next((size for size in range(1, _LONGEST_CHARACTER + 1) if rest[:size] in self._whole), 0)
            if not size:
                return True
            rest = rest[size:]
        return not piece
