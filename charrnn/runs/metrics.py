"""``metrics.jsonl``: what was logged, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from charrnn.errors import RunError


class Metrics:
    """Appends to a run's metrics; opened at the length that the save recorded, so that nothing stands twice."""

    def __init__(self, path: Path, length: int = 0) -> None:
        self._path = path
        try:
            self._file = path.open("ab")
            self._file.truncate(length)
        except OSError as error:
            raise RunError(f"{path} cannot be written: {error.strerror}") from error

    def append(self, record: Mapping[str, Any]) -> None:
        """Write one line."""
        self._file.write(json.dumps(record).encode() + b"\n")

    def flush(self) -> int:
        """Hand everything to the operating system, and return the file's length."""
        self._file.flush()
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
