"""A plugin's corpus, as its contract has it: what is otherwise is told as the plugin's fault."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from charrnn.corpora.base import Corpus, Shard
from charrnn.corpora.view import View
from charrnn.registry import Entry

#: What can be part of a file's name.
NAME = re.compile(r"[\w.-]+")


class Checked(View):
    """Passes all on, and looks at it.

    Args:
        opens: returns the corpus.
        entry: the name that it is registered by.
        options: that it is opened with.

    Raises:
        PluginError: it fails, or does not keep the contract; so do all methods.
    """

    def __init__(self, opens: Callable[[], Any], entry: Entry, options: Mapping[str, Any]) -> None:
        with entry.blamed():
            corpus = opens()
            _require(isinstance(corpus, Corpus), f"it should be a charrnn.Corpus, not {corpus!r}")
            name, separator = corpus.name, corpus.separator
            _require(isinstance(name, str) and bool(NAME.fullmatch(name)), f"its name {name!r} is none for a file")
            _require(isinstance(separator, str), f"its separator should be text, not {separator!r}")
            super().__init__(corpus)
        self._entry = self.entry = entry
        self.options = options

    def splits(self) -> tuple[str, ...]:
        """Return the corpus's own."""
        with self._entry.blamed():
            found = self._corpus.splits()
            fits = isinstance(found, tuple | list) and all(isinstance(each, str) for each in found) and "train" in found
            _require(fits, f"splits() should return names, 'train' among them, not {found!r}")
            return tuple(found)

    def read(self, split: str) -> Iterator[str]:
        """Yield the corpus's own text."""
        return self._texts(lambda: self._corpus.read(split), "read()")

    def shards(self, split: str) -> list[Shard]:
        """Return the corpus's own."""
        with self._entry.blamed():
            found = self._corpus.shards(split)
            fits = isinstance(found, tuple | list) and all(isinstance(each, Shard) for each in found)
            _require(fits, f"shards() should return a list of charrnn.Shard, not {found!r}")
            return [replace(each, read=partial(self._texts, each.read, "a shard's read()")) for each in found]

    def provenance(self) -> dict[str, Any]:
        """Return the corpus's own."""
        with self._entry.blamed():
            found = self._corpus.provenance()
            _require(isinstance(found, dict), f"provenance() should return a dictionary, not {found!r}")
            return dict(json.loads(json.dumps(found)))

    def fingerprint(self) -> str:
        """Return the corpus's own."""
        with self._entry.blamed():
            found = self._corpus.fingerprint()
            _require(isinstance(found, str), f"fingerprint() should return text, not {found!r}")
            return found

    def size(self) -> int | None:
        """Return the corpus's own."""
        with self._entry.blamed():
            found = self._corpus.size()
            _require(found is None or isinstance(found, int), f"size() should return bytes or None, not {found!r}")
            return found

    def _texts(self, read: Callable[[], Iterator[str]], called: str) -> Iterator[str]:
        with self._entry.blamed():
            for text in read():
                _require(isinstance(text, str), f"{called} should yield text, not {text!r:.60}")
                yield text


def _require(kept: bool, otherwise: str) -> None:
    if not kept:
        raise TypeError(otherwise)
