"""The manifest of a token pack: what its splits hold, and where their text came from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from charrnn.declaration import Settings
from charrnn.errors import CorpusError, UsageError
from charrnn.options import check
from charrnn.strict_json import read_json

MANIFEST = "manifest.json"

_Counter = Annotated[int, Field(ge=0, le=10**15)]


def _check_characters(counts: dict[str, int]) -> dict[str, int]:
    # By a pattern or a length in the declaration, a lone surrogate would be refused.
    if any(len(each) != 1 for each in counts):
        raise ValueError("should count characters")
    return counts


class SplitRecord(Settings):
    """What a split of a corpus was when it was packed."""

    tokens: _Counter
    chars: _Counter
    bytes: _Counter
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    unseen: Annotated[dict[str, _Counter], AfterValidator(_check_characters)]


class PackManifest(Settings):
    """What a pack is; ``dtype`` is that of the ids on disk, the smallest that holds the vocabulary."""

    corpus: str
    dtype: Literal["uint8", "uint16", "uint32"]
    splits: dict[Annotated[str, Field(pattern=r"^\w+(\.\w+)*$", max_length=100)], SplitRecord]
    provenance: dict[str, Any]


def read_manifest(pack: Path) -> PackManifest:
    """Read and check the manifest of a whole pack.

    Raises:
        CorpusError: it is missing or damaged.
    """
    try:
        content = read_json(pack / MANIFEST)
        if not isinstance(content, dict):
            raise UsageError("its manifest should hold an object")
        return check(PackManifest, content)
    except OSError as error:
        raise CorpusError(f"the token pack {pack} is damaged ({error.strerror}); remove that folder") from None
    except (ValueError, UsageError) as error:
        raise CorpusError(f"the token pack {pack} is damaged ({error}); remove that folder") from None
