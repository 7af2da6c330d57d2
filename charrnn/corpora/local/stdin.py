"""Text from standard input, spooled to the cache since a tokenizer may have to read it twice."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from charrnn.corpora.cache import cache_directory
from charrnn.corpora.local.files import Files
from charrnn.errors import CorpusError
from charrnn.settings import CorpusSettings

#: How standard input is written as a corpus.
ADDRESS = "-"
_CHUNK = 1 << 20


class StandardInput(Files):
    """What was piped in, known by its content."""

    def __init__(self, settings: CorpusSettings) -> None:
        if sys.stdin is None:
            raise CorpusError(f"'{ADDRESS}' reads standard input, which is closed; pipe a text in")
        if sys.stdin.isatty():
            raise CorpusError(f"'{ADDRESS}' reads standard input, which is this terminal; pipe a text in")
        directory = cache_directory() / "spool"
        directory.mkdir(parents=True, exist_ok=True)
        hashed = hashlib.sha256()
        with NamedTemporaryFile(dir=directory, suffix=".txt", delete=False) as spool:
            self._spool = Path(spool.name)
            try:
                while chunk := sys.stdin.buffer.read(_CHUNK):
                    hashed.update(chunk)
                    spool.write(chunk)
            except BaseException:
                self.close()
                raise
        self._sha256 = hashed.hexdigest()
        if not self._spool.stat().st_size:
            self.close()
            raise CorpusError("standard input is empty; pipe a text in")
        super().__init__("stdin", [self._spool], settings)

    def provenance(self) -> dict[str, Any]:
        """Name the content's hash: there is nowhere to read it again."""
        read = self._settings
        return {
            "source": "standard input",
            "sha256": self._sha256,
            "reading": [read.encoding, read.errors],
        }

    def close(self) -> None:
        """Remove the spool."""
        self._spool.unlink(missing_ok=True)
