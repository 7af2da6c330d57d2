"""The cache directory: what can be made again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import filelock

from charrnn.atomic import write_directory

ENVIRONMENT = "CHARRNN_CACHE"


def cache_directory() -> Path:
    """Return ``CHARRNN_CACHE``, or the platform's place for caches."""
    if os.environ.get(ENVIRONMENT):
        return Path(os.environ[ENVIRONMENT])
    import platformdirs

    return platformdirs.user_cache_path("charrnn")


def cached(kind: str, key: str, build: Callable[[Path], None]) -> Path:
    """Return the directory ``key`` of a kind: built whole, by one process while others wait, or not at all."""
    directory = cache_directory() / kind / key
    if directory.is_dir():
        return directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(directory.with_suffix(".lock")):
        if directory.is_dir():
            return directory
        write_directory(directory, build)
    return directory
