"""The running Python's standard library: real text that is always there, and freely licensed."""

from __future__ import annotations

import sys
import sysconfig
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from charrnn.corpora.base import Corpus, Shard, digest
from charrnn.corpora.pieces import joined
from charrnn.errors import CorpusError
from charrnn.settings import CorpusSettings

_LEFT_OUT = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__", "lib2to3"}


class StandardLibrary(Corpus):
    """The standard library's modules in the order of their paths, without its tests."""

    def __init__(self, name: str, settings: CorpusSettings) -> None:
        self.name = name
        self.separator = "\n" if settings.separator is None else settings.separator
        self._root = Path(sysconfig.get_path("stdlib"))
        self._files = sorted(
            path for path in self._root.rglob("*.py") if not _LEFT_OUT.intersection(path.relative_to(self._root).parts)
        )
        if not self._files:
            raise CorpusError(f"this Python keeps no sources in {self._root}; give a text file instead")

    def splits(self) -> tuple[str, ...]:
        """Return the only split."""
        return ("train",)

    def read(self, split: str) -> Iterator[str]:  # noqa: ARG002 - there is one
        """Yield module after module."""
        return joined(self._modules(), self.separator)

    def shards(self, split: str) -> list[Shard]:  # noqa: ARG002 - there is one
        """Return all modules, which may come in any order."""
        return [Shard(self._modules, documents=self.separator != "")]

    def provenance(self) -> dict[str, Any]:
        """Name the Python whose library it is, since the text differs from version to version, and hash its files.

        The hash is of their paths and sizes; that of the text itself is the token pack's.
        """
        python, implementation = ".".join(map(str, sys.version_info[:3])), sys.implementation.name
        files = [[path.relative_to(self._root).as_posix(), path.stat().st_size] for path in self._files]
        return {
            "source": "standard library",
            "python": python,
            "implementation": implementation,
            "files": len(files),
            "bytes": self.size(),
            "sha256": digest([python, implementation, files]),
            "separator": self.separator,
            "licence": "PSF-2.0",
        }

    def size(self) -> int:
        """Add up the files."""
        return sum(path.stat().st_size for path in self._files)

    def _modules(self) -> Iterator[str]:
        return map(self._module, self._files)

    @staticmethod
    def _module(path: Path) -> str:
        try:
            with tokenize.open(path) as module:  # a source may declare its encoding
                return module.read()
        except (OSError, SyntaxError, UnicodeDecodeError) as error:
            raise CorpusError(f"the standard library's {path} cannot be read: {error}") from error
