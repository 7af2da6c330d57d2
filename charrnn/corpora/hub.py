"""Datasets from the Hugging Face hub, loaded by ``datasets``."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from charrnn.corpora.base import Corpus
from charrnn.corpora.pieces import joined
from charrnn.corpora.quiet import import_datasets
from charrnn.corpora.rows import texts
from charrnn.errors import CharrnnError, CorpusError
from charrnn.settings import CorpusSettings

#: How long the hub may take to accept a connection, in seconds.
CONNECT_SECONDS = 5.0
_ADDRESS = re.compile(r"hf:(?P<id>[\w.-]+/[\w.-]+)(:(?P<config>[^@]+))?(@(?P<revision>.+))?")
_LOCAL = "corpora that need no network: 'pystdlib', or a text file"
_OFFLINE = "HF_HUB_OFFLINE"
#: The branch on which the hub itself keeps every dataset as parquet, also one that would need a script.
_CONVERTED = "refs/convert/parquet"
#: What the client takes for yes.
_TRUE = ("1", "ON", "YES", "TRUE")


class Hub(Corpus):
    """A dataset of the hub.

    Args:
        name: the corpus's name.
        dataset: ``OWNER/NAME``.
        config: the dataset's configuration, where it has several.
        revision: a branch, tag or commit.
        settings: how its rows are read.

    Raises:
        CorpusError: it cannot be reached, or is not there.
    """

    def __init__(
        self,
        name: str,
        dataset: str,
        config: str | None,
        revision: str | None,
        settings: CorpusSettings,
        *,
        streamed: bool = False,
        recipe: str | None = None,  # noqa: ARG002 - for what is told of a recipe that is out of date
    ) -> None:
        self.name = name
        self.streamed = streamed
        self.separator = "\n" if settings.separator is None else settings.separator
        self._asked = {"dataset": dataset, "config": config, "requested_revision": revision}
        self._settings = settings
        self._splits = _load(dataset, config, revision)

    def splits(self) -> tuple[str, ...]:
        """Return the dataset's own splits; where it has no ``train``, its first serves as that."""
        return tuple(self._splits)

    def read(self, split: str) -> Iterator[str]:
        """Yield the texts of the rows."""
        return joined(texts(self._splits[split], self._settings, self._asked["dataset"] or ""), self.separator)

    def provenance(self) -> dict[str, Any]:
        """Name the dataset, the revision asked for and the one that it led to."""
        rows = next(iter(self._splits.values()))
        return {
            "source": "hub",
            **self._asked,
            "resolved_revision": _resolved_revision(rows.cache_files),
            "licence": rows.info.license or None,
            "column": self._settings.column,
            "separator": self.separator,
            "rows": {name: split.num_rows for name, split in self._splits.items()},
        }

    def size(self) -> int | None:
        """Return the size of the rows in memory."""
        size: int | None = next(iter(self._splits.values())).info.dataset_size
        return size


def parse_address(address: str) -> tuple[str, str | None, str | None]:
    """Split ``hf:OWNER/NAME[:CONFIG][@REVISION]``.

    Raises:
        CorpusError: it has another form.
    """
    match = _ADDRESS.fullmatch(address)
    if not match:
        raise CorpusError(f"'{address}' should be hf:OWNER/NAME, with :CONFIG and @REVISION where needed")
    return match["id"], match["config"], match["revision"]


def _load(dataset: str, config: str | None, revision: str | None) -> dict[str, Any]:
    why = f"{_OFFLINE} is set"
    if os.environ.get(_OFFLINE, "").upper() not in _TRUE and not _reachable():
        # The client would retry for half a minute. Offline, it still serves what it has in its cache.
        why = "nothing answers there"
        os.environ[_OFFLINE] = "1"
    datasets = import_datasets()
    import huggingface_hub

    try:
        if revision == _CONVERTED and config not in (None, "default"):
            # That branch has no card which would declare configurations: each is a folder.
            loaded = datasets.load_dataset(dataset, data_dir=config, revision=revision)
        else:
            loaded = datasets.load_dataset(dataset, config, revision=revision)
    except (ConnectionError, huggingface_hub.errors.OfflineModeIsEnabled):
        raise CorpusError(f"the hub cannot be reached for '{dataset}': {why}; {_LOCAL}") from None
    except datasets.exceptions.DatasetNotFoundError as error:
        raise CorpusError(f"{_first_line(error)} Check the name, or log in by HF_TOKEN; {_LOCAL}") from None
    # A configuration or revision that is not there, a dataset that needs a script, a damaged file: the client raises
    # ValueError, RuntimeError, and errors of its own and of httpx and pyarrow that share no base but this.
    except Exception as error:
        if isinstance(error, CharrnnError):
            raise
        raise CorpusError(f"'{dataset}' cannot be loaded: {_first_line(error)}") from None
    if "train" not in loaded:
        first = next(iter(loaded))
        return {"train": loaded[first], **{name: loaded[name] for name in loaded if name != first}}
    return dict(loaded)


def _reachable() -> bool:
    """Try to connect to the hub, or to the proxy that leads to it, once."""
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    proxy = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy")
    address = proxy or endpoint
    url = urlsplit(address if "//" in address else f"//{address}")
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        socket.create_connection((url.hostname or "", port), timeout=CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def _resolved_revision(cache_files: list[dict[str, str]]) -> str | None:
    """Find the commit in the paths that ``datasets`` caches by commit: known offline as well."""
    for file in cache_files:
        match = re.search(r"[/\\]([0-9a-f]{40})[/\\]", file["filename"])
        if match:
            return match[1]
    return None


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0]
