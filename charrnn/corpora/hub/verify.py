"""Fetching data files, each compared with the checksum that the hub lists: the client looks at their size only."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from charrnn.corpora.base import Progress
from charrnn.corpora.hub.address import Address
from charrnn.corpora.hub.client import retried
from charrnn.corpora.hub.errors import may_pass, told
from charrnn.corpora.hub.watch import Watch
from charrnn.errors import CorpusError

_CHUNK = 1 << 20
#: So many files are fetched at a time, and so many are asked about.
_AT_A_TIME = 4
_LISTED = 500


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


def fetch_files(address: Address, commit: str, builder: Any, progress: Progress) -> None:
    """Fetch what a builder will read into the client's cache, and tell of each file that is there.

    Raises:
        CorpusError: a file cannot be fetched, or arrives damaged twice.
    """
    paths = data_files(builder, commit)
    doing = f"fetching {address.dataset}"
    with told(address) as watch:
        listed = list_files(address, commit, paths, watch)
        total, fetched = sum(listed[path].size for path in paths if path in listed), 0
        progress(doing, 0, total)
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            done = [pool.submit(_fetch, address, commit, path, listed[path], watch) for path in paths if path in listed]
            try:
                for each in done:
                    fetched += each.result()
                    progress(doing, fetched, total)
            finally:
                # What is still being fetched, after Ctrl-C or a failure, is nobody's wish any more.
                watch.cancelled = True
                pool.shutdown(cancel_futures=True)
                watch.cancelled = False


def data_files(builder: Any, commit: str) -> list[str]:
    """Return the paths in the repository of what a builder reads; files elsewhere are the client's to fetch."""
    start = f"hf://datasets/{builder.repo_id}@{commit}/"
    files = (file for files in (builder.config.data_files or {}).values() for file in files)
    return sorted({file.removeprefix(start) for file in files if file.startswith(start)})


def list_files(address: Address, commit: str, paths: list[str], watch: Watch) -> dict[str, Any]:
    """Return what the hub lists of files, by path: their sizes and checksums."""
    from huggingface_hub import HfApi

    listed: dict[str, Any] = {}
    for start in range(0, len(paths), _LISTED):
        some = paths[start : start + _LISTED]
        ask = partial(HfApi().get_paths_info, address.dataset, some, repo_type="dataset", revision=commit)
        listed |= {info.path: info for info in retried(ask, watch, may_pass)}
    return listed


def _fetch(address: Address, commit: str, path: str, listed: Any, watch: Watch) -> int:
    """Fetch a file, and return its size."""
    from huggingface_hub import hf_hub_download

    def download() -> Path:
        return Path(hf_hub_download(address.dataset, path, repo_type="dataset", revision=commit))

    for _ in range(2):
        file = retried(download, watch, may_pass)
        if _checksum(file, listed) == _expected(listed):
            return int(listed.size)
        # The client keeps the content elsewhere, and has a link to it here.
        file.resolve().unlink()
        file.unlink(missing_ok=True)
    raise CorpusError(
        f"'{path}' of '{address.dataset}' arrived damaged twice: its checksum is not the one that the hub lists; "
        "something on the way changes it: try another network, or set HF_ENDPOINT to another mirror"
    )


def _expected(listed: Any) -> str:
    return str(listed.lfs.sha256 if listed.lfs else listed.blob_id)


def _checksum(path: Path, listed: Any) -> str:
    """Hash a file as the hub does: a large one by SHA-256, any other as a blob of git."""
    made: _Hash = hashlib.sha256()
    if not listed.lfs:
        made = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            made.update(chunk)
    return made.hexdigest()
