"""From the formats of earlier versions to this one's, a step at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

#: What this charrnn writes. A new one gets a function below and a golden run in tests/golden.
FORMAT_VERSION: Literal[2] = 2


def migrate(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a ``config.json`` as this version writes it; what is missing or wrong stays so."""
    while (version := content["format_version"]) < FORMAT_VERSION:
        content = {**_STEPS[version](content), "format_version": version + 1}
    return content


def _hashes_of_files(content: dict[str, Any]) -> dict[str, Any]:
    """From 1 to 2: nothing is known of files' hashes, which were not written down."""
    tokenizer = content.get("tokenizer")
    if not isinstance(tokenizer, dict):
        return content
    return {**content, "tokenizer": {**tokenizer, "files": {}}}


#: By the version that each starts from.
_STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _hashes_of_files}
