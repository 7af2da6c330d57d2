"""Whether a dataset's text is still what it was when it was packed before."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from charrnn.corpora.packs.manifest import MANIFEST, PackManifest, read_manifest
from charrnn.errors import CorpusError, CorpusWarning

#: Where a branch of the hub led to: what is asked for stays the same when it moves.
_MOVES = ("resolved_revision", "licence")


def tell_of_changes(directory: Path, packs: Path) -> None:
    """Warn where another pack of the same dataset was of another text.

    Args:
        directory: of a pack that is new.
        packs: where the others are.
    """
    new = read_manifest(directory)
    asked = _source(new.provenance)
    old = next((each for each in _others(packs, directory) if _source(each.provenance) == asked), None)
    if asked is None or old is None:
        return
    for split in sorted(new.splits.keys() & old.splits.keys()):
        before, now = (each.splits[split].sha256 for each in (old, new))
        if before != now:
            warnings.warn(
                f"the text of '{new.corpus}' is not what it was when it was packed before: the SHA-256 of '{split}' "
                f"was {before[:12]} (commit {_commit(old)}), and is {now[:12]} (commit {_commit(new)})",
                CorpusWarning,
                stacklevel=2,
            )
            return


def _others(packs: Path, directory: Path) -> Iterator[PackManifest]:
    """Yield the manifests of whole packs, the newest first."""
    found = []
    for path in packs.glob(f"*/{MANIFEST}"):
        if path.parent == directory or path.parent.name.startswith("."):
            continue
        try:
            found.append((path.stat().st_mtime_ns, read_manifest(path.parent)))
        except (OSError, CorpusError):
            continue  # unfinished, damaged, or being removed: whoever opens it will be told
    for _, manifest in sorted(found, key=lambda each: -each[0]):
        yield manifest


def _source(provenance: dict[str, Any]) -> dict[str, Any] | None:
    """Return what was asked for; None where that does not come from the hub, as files are there to be changed."""
    if isinstance(provenance.get("corpus"), dict):  # a part of one that is streamed
        whole = _source(provenance["corpus"])
        return None if whole is None else {**provenance, "corpus": whole}
    if provenance.get("source") != "hub":
        return None
    return {key: value for key, value in provenance.items() if key not in _MOVES}


def _commit(manifest: PackManifest) -> str:
    return str(manifest.provenance.get("corpus", manifest.provenance).get("resolved_revision"))
