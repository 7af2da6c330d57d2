"""The cache directory: what can be made again."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

import filelock

from charrnn.atomic import NO_ROOM, write_directory
from charrnn.corpora.base import Progress, digest
from charrnn.errors import CorpusError

ENVIRONMENT = "CHARRNN_CACHE"
_ELSEWHERE = f"make room, or set {ENVIRONMENT} to another folder"


def cache_directory() -> Path:
    """Return ``CHARRNN_CACHE``, or the platform's place for caches."""
    if os.environ.get(ENVIRONMENT):
        return Path(os.environ[ENVIRONMENT])
    import platformdirs

    return platformdirs.user_cache_path("charrnn")


def cache_key(corpus: str, made_of: object) -> str:
    """Name what is made of a corpus, so that a person sees of which, by all that it depends on, as JSON."""
    name = re.sub(r"[^\w-]", "-", corpus)[:100]
    return f"{name}-{digest(made_of)[:32]}"


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
    lock = filelock.FileLock(directory.with_name(f"{key}.lock"))
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        held = lock.acquire(blocking=False)
    except filelock.Timeout:
        if progress:
            progress("waiting for another process that reads it", 0, None)
        held = lock.acquire()
    except OSError as error:
        told = f"the cache, '{cache_directory()}', cannot be written: {error.strerror}; {_ELSEWHERE}"
        raise CorpusError(told) from error
    with held:
        if not directory.is_dir():
            try:
                write_directory(directory, build, resumable=resumable)
            except OSError as error:
                if error.errno not in (*NO_ROOM, errno.EROFS):
                    raise
                raise CorpusError(f"{error.strerror} in the cache, '{cache_directory()}'; {_ELSEWHERE}") from error
    return directory
