"""What lies in the cache, and the clearing of it."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

import filelock

from charrnn.corpora.cache import cache_directory
from charrnn.corpora.packs.manifest import MANIFEST
from charrnn.strict_json import read_json

#: Folders of the cache, and what one thing in each is called.
KINDS = {"packs": "tokens", "tokenizers": "tokenizer", "indexes": "index", "spool": "standard input"}
_UNFINISHED = re.compile(r"\.(?P<name>.+)\.unfinished")
_NAMED = re.compile(r"(?P<corpus>.+)-[0-9a-f]{32}")
#: Standard input that was spooled this long ago, in seconds, is left from a process that was killed.
_STALE = 24 * 3600.0


@dataclass(frozen=True)
class Cached:
    """One thing in the cache.

    Attributes:
        kind: what it is.
        corpus: that it was made of; empty where that is not known.
        path: of its folder or file.
        size: in bytes.
        made: when it was changed last, in seconds since 1970.
        finished: whether it is whole; if not, it goes on when it is asked for again.
    """

    kind: str
    corpus: str
    path: Path
    size: int
    made: float
    finished: bool


def cache_contents() -> list[Cached]:
    """Return what lies in the cache, the largest first."""
    found = [each for kind in KINDS for each in _contents(cache_directory() / kind, KINDS[kind])]
    return sorted(found, key=lambda each: -each.size)


def clear_cache(corpus: str | None = None) -> tuple[list[Cached], list[Cached]]:
    """Remove what was made of a corpus, or everything.

    Args:
        corpus: its name.

    Returns:
        What was removed, and what was left since another process is making it.
    """
    removed, left = [], []
    for each in cache_contents():
        if corpus is not None and each.corpus != corpus:
            continue
        if each.path.is_file():
            each.path.unlink(missing_ok=True)
            removed.append(each)
            continue
        unfinished = _UNFINISHED.fullmatch(each.path.name)
        name = unfinished["name"] if unfinished else each.path.name
        lock = each.path.with_name(f"{name}.lock")
        try:
            with filelock.FileLock(lock, blocking=False):
                if not each.path.exists():
                    continue  # it was finished, or removed, meanwhile
                shutil.rmtree(each.path)
        except filelock.Timeout:
            left.append(each)
            continue
        lock.unlink(missing_ok=True)
        removed.append(each)
    return removed, left


def _contents(folder: Path, kind: str) -> Iterator[Cached]:
    for path in sorted(folder.glob("*")) if folder.is_dir() else []:
        if path.suffix == ".lock":
            continue
        statuses = [status for each in (path, *path.rglob("*")) if (status := _status(each))]
        if not statuses:
            continue
        made = max(status.st_mtime for status in statuses)
        size = sum(status.st_size for status in statuses if S_ISREG(status.st_mode))
        if path.is_file() and time.time() - made < _STALE:
            continue  # a process may be reading it
        unfinished = _UNFINISHED.fullmatch(path.name)
        corpus = _corpus(path, unfinished["name"] if unfinished else path.name)
        yield Cached(kind, corpus, path, size, made, not unfinished)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None  # another process has finished or removed it


def _corpus(path: Path, name: str) -> str:
    named = _NAMED.fullmatch(name)
    if named:
        return named["corpus"]
    try:
        return str(read_json(path / MANIFEST)["corpus"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # it is unfinished, or damaged: its folder is all that is known of it
