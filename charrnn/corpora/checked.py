"""A plugin's corpus, as its contract has it: what is otherwise is told as the plugin's fault."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from charrnn.corpora.base import Corpus, Progress, Shard
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
            _require(isinstance(corpus, Corpus), "it should be a charrnn.Corpus", corpus)
            name, separator = corpus.name, corpus.separator
            _require(isinstance(name, str) and bool(NAME.fullmatch(name)), "its name should be fit for a file", name)
            _require(isinstance(separator, str), "its separator should be text", separator)
            super().__init__(corpus)
        self._entry = self.entry = entry
        self.options = options

    def splits(self) -> tuple[str, ...]:
        """Return the corpus's own."""
        with self._entry.blamed():
            found = self._corpus.splits()
            fits = isinstance(found, tuple | list) and all(isinstance(each, str) for each in found) and "train" in found
            _require(fits, "splits() should return names, 'train' among them", found)
            return tuple(found)

    def read(self, split: str) -> Iterator[str]:
        """Yield the corpus's own text."""
        return self._texts(lambda: self._corpus.read(split), "read()")

    def shards(self, split: str) -> list[Shard]:
        """Return the corpus's own."""
        with self._entry.blamed():
            found = self._corpus.shards(split)
            fits = isinstance(found, tuple | list) and all(isinstance(each, Shard) for each in found)
            _require(fits, "shards() should return a list of charrnn.Shard", found)
            return [replace(each, read=partial(self._texts, each.read, "a shard's read()")) for each in found]

    def provenance(self) -> dict[str, Any]:
        """Return the corpus's own."""
        with self._entry.blamed():
            found = self._corpus.provenance()
            _require(isinstance(found, dict), "provenance() should return a dictionary", found)
            return dict(json.loads(json.dumps(found)))

    def fingerprint(self) -> str:
        """Return the corpus's own."""
        with self._entry.blamed():
            found = self._corpus.fingerprint()
            _require(isinstance(found, str), "fingerprint() should return text", found)
            return found

    def size(self) -> int | None:
        """Return the corpus's own."""
        with self._entry.blamed():
            found = self._corpus.size()
            _require(found is None or isinstance(found, int), "size() should return bytes or None", found)
            return found

    def go_back(self, provenance: Mapping[str, Any]) -> None:
        """Have the corpus go back."""
        with self._entry.blamed():
            super().go_back(provenance)

    def follow(self, progress: Progress) -> None:
        """Have the corpus tell of what it does."""
        with self._entry.blamed():
            super().follow(progress)

    def close(self) -> None:
        """Close the corpus."""
        with self._entry.blamed():
            super().close()

    def _texts(self, read: Callable[[], Iterator[str]], called: str) -> Iterator[str]:
        should = f"{called} should yield text"
        with self._entry.blamed():
            for text in read():
                _require(isinstance(text, str), should, text)
                yield text


def _require(kept: bool, should: str, found: object) -> None:
    if not kept:
        raise TypeError(f"{should}, not {found!r:.100}")
