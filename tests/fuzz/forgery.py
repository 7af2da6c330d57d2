"""Seals and hashes that fit what was spoiled, as a stranger would make them, so that what comes after is tried too."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from charrnn.runs.layout import CONFIG, LATEST, MANIFEST, METRICS, PARTS, TOKENIZER
from charrnn.runs.seal import seal, unseal
from tests.fuzz.homes import RUN, Homes

_RUN = f"checkpoints/{RUN}"
_ZEROS = "0" * 64


def sealed(written: bytes) -> bytes:
    """Give an object that is written as JSON, sound or not, a seal as its last key."""
    before, brace, after = written.rpartition(b"}")
    blank = before + f', "seal": "{_ZEROS}"'.encode() + brace + after
    before, _, after = blank.rpartition(_ZEROS.encode())
    return before + hashlib.sha256(blank).hexdigest().encode() + after


def is_sealed(written: bytes) -> bool:
    """Tell whether this is JSON with a seal that fits it."""
    try:
        return bool(unseal(written)[1])
    except ValueError:
        return False


def forged(homes: Homes, home: str, files: dict[str, bytes]) -> dict[str, bytes]:
    """Return files of a run with all that has to fit them: the config's hashes, the manifest, what names the save."""
    found = dict(files)
    in_tokenizer = {path: content for path, content in files.items() if path.startswith(f"{_RUN}/{TOKENIZER}/")}
    if in_tokenizer:
        config, _ = unseal(homes.read(home, f"{_RUN}/{CONFIG}"))
        for path, content in in_tokenizer.items():
            config["tokenizer"]["files"][path.removeprefix(f"{_RUN}/{TOKENIZER}/")] = _record(content)
        found[f"{_RUN}/{CONFIG}"] = seal(config)
    manifest_path = homes.find(home, f"{_RUN}/saves/*/{MANIFEST}")
    save = manifest_path.removesuffix(f"/{MANIFEST}")
    if any(path.startswith(save) or path.endswith(METRICS) for path in files):
        if manifest_path not in files:
            manifest, _ = unseal(homes.read(home, manifest_path))
            manifest["files"] |= {part: _record(files[f"{save}/{part}"]) for part in PARTS if f"{save}/{part}" in files}
            if f"{_RUN}/{METRICS}" in files:
                manifest["metrics"] = _record(files[f"{_RUN}/{METRICS}"])
            found[manifest_path] = seal(manifest)
        found[f"{_RUN}/{LATEST}"] = f"{save.rpartition('/')[2]} {_seal_of(found[manifest_path])}\n".encode()
    return found


def _record(content: bytes) -> dict[str, Any]:
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _seal_of(manifest: bytes) -> str:
    _, _, after = manifest.rpartition(b'"seal": "')
    return after[:64].decode("ascii", "replace")


def unsealed(homes: Homes, home: str, path: str) -> dict[str, Any]:
    """Read an object of JSON without its seal."""
    content: dict[str, Any] = json.loads(homes.read(home, path))
    content.pop("seal", None)
    return content
