"""The cache directory: what can be made again."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import filelock

from charrnn.atomic import write_directory
from charrnn.corpora.base import Progress, digest

ENVIRONMENT = "CHARRNN_CACHE"


def cache_directory() -> Path:
    """Return ``CHARRNN_CACHE``, or the platform's place for caches."""
    if os.environ.get(ENVIRONMENT):
        return Path(os.environ[ENVIRONMENT])
    import platformdirs

    return platformdirs.user_cache_path("charrnn")


def cache_key(corpus: str, made_of: object) -> str:
    """Name what is made of a corpus, so that a person sees of which, by all that it depends on, as JSON."""
    return f"{re.sub(r'[^A-Za-z0-9_-]', '-', corpus)[:100]}-{digest(made_of)[:32]}"


def cached(
    kind: str,
    key: str,
    build: Callable[[Path], None],
    progress: Progress | None = None,
    *,
    resumable: bool = False,
) -> Path:
    """Return the directory ``key`` of a kind: built whole, by one process while others wait, or not at all.

    Args:
        kind: the folder of the cache.
        key: the directory's name.
        build: writes into the directory.
        progress: told of waiting for another process.
        resumable: whether what a killed ``build`` has left is there for the next one.
    """
    directory = cache_directory() / kind / key
    if directory.is_dir():
        return directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(directory.with_suffix(".lock"))
    try:
        held = lock.acquire(blocking=False)
    except filelock.Timeout:
        if progress:
            progress("waiting for another process that reads it", 0, None)
        held = lock.acquire()
    with held:
        if not directory.is_dir():
            write_directory(directory, build, resumable=resumable)
    return directory
