"""What a plugin may implement. The built-in cells, tokenizers and corpora come through these hooks too.

A target is an object or, better, a string ``"package.module:Name"`` that is imported on first use.
"""

from __future__ import annotations

from typing import Any, Protocol

import pluggy

#: The pluggy project, and the entry-point group that an installed plugin names itself in.
PROJECT = "charrnn"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Register(Protocol):
    """What a hook calls, once for each thing that it offers."""

    def __call__(self, name: str, target: Any, *, summary: str = "") -> None:
        """Offer ``target`` as ``name``; ``summary`` is one line for lists."""


@hookspec
def register_cells(register: Register) -> None:
    """Offer recurrent cells: targets are subclasses of :class:`charrnn.Cell`."""


@hookspec
def register_tokenizers(register: Register) -> None:
    """Offer tokenizers: targets are subclasses of :class:`charrnn.Tokenizer`."""


@hookspec
def register_corpora(register: Register) -> None:
    """Offer corpora: targets are called with the corpus settings and return a :class:`charrnn.Corpus`."""
