"""Whether a dataset's text is still what it was when it was packed before."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from charrnn.corpora.packs.packing import MANIFEST
from charrnn.errors import CorpusWarning

#: Where a branch of the hub led to: what is asked for stays the same when it moves.
_MOVES = ("resolved_revision", "licence")


def tell_of_changes(directory: Path, packs: Path) -> None:
    """Warn where another pack of the same dataset was of another text.

    Args:
        directory: of a pack that is new.
        packs: where the others are.
    """
    new = json.loads((directory / MANIFEST).read_text())
    asked = _source(new)
    for old in _others(packs):
        if asked is None or _source(old) != asked:
            continue
        for split in sorted(new["splits"].keys() & old["splits"].keys()):
            before, now = (each["splits"][split]["sha256"] for each in (old, new))
            if before != now:
                was, is_now = (each["provenance"].get("resolved_revision") for each in (old, new))
                warnings.warn(
                    f"the text of '{new['corpus']}' is not what it was when it was packed before: the SHA-256 of "
                    f"'{split}' was {before[:12]} (commit {was}), and is {now[:12]} (commit {is_now})",
                    CorpusWarning,
                    stacklevel=2,
                )
                return


def _others(packs: Path) -> Iterator[dict[str, Any]]:
    """Yield the manifests of whole packs, the newest first."""
    paths = [path for path in packs.glob(f"*/{MANIFEST}") if not path.parent.name.startswith(".")]
    for path in sorted(paths, key=lambda each: -each.stat().st_mtime):
        try:
            manifest = json.loads(path.read_text())
        except (OSError, ValueError):
            continue  # damaged, or being removed: whoever opens it will be told
        if {"provenance", "splits"} <= manifest.keys():
            yield manifest


def _source(manifest: dict[str, Any]) -> dict[str, Any] | None:
    """Return what was asked for; None where that does not come from the hub, as files are there to be changed."""
    provenance: dict[str, Any] = manifest["provenance"]
    if provenance.get("source") != "hub":
        return None
    return {key: value for key, value in provenance.items() if key not in _MOVES}
