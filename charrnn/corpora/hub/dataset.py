"""A dataset of the hub as a corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from charrnn.corpora.base import Corpus, Progress, Shard
from charrnn.corpora.hub.address import Address
from charrnn.corpora.hub.builder import note_prepared, open_builder, split_names, stream
from charrnn.corpora.hub.client import retried
from charrnn.corpora.hub.errors import may_pass, out_of_date, told
from charrnn.corpora.hub.revision import Resolved, is_commit, resolve
from charrnn.corpora.hub.verify import fetch_files
from charrnn.corpora.pieces import joined
from charrnn.corpora.rows.sources import DatasetRows
from charrnn.corpora.rows.texts import texts
from charrnn.errors import CorpusError, near_names
from charrnn.settings import CorpusSettings


class Hub(Corpus):
    """A dataset of the hub. Nothing is fetched before it is asked for.

    Args:
        name: the corpus's name.
        dataset: ``OWNER/NAME``.
        config: the dataset's configuration, where it has several.
        revision: a branch, tag or commit.
        settings: how its rows are read.
        streamed: whether it is read without being downloaded first.
        recipe: the recipe that asks for it, for messages.
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
        recipe: str | None = None,
    ) -> None:
        self.name = name
        self.separator = "\n" if settings.separator is None else settings.separator
        self.streamed = streamed
        self._address = Address(dataset, config, revision)
        self._settings = settings
        self._recipe = recipe
        self._progress: Progress = lambda *_: None
        self._recorded: Mapping[str, Any] | None = None

    def splits(self) -> tuple[str, ...]:
        """Return the dataset's own splits; where it has no ``train``, its first serves as that.

        Raises:
            CorpusError: they cannot be found out.
        """
        return tuple(self._names)

    def read(self, split: str) -> Iterator[str]:
        """Yield the texts of the rows: of a stream where only the start is wanted, else of what was downloaded."""
        own = self._own_name(split)
        if self._streams:
            return self._told(lambda: joined(self._texts(self._stream(own)), self.separator))
        rows = self._downloaded(own)
        return self._told(lambda: joined(self._texts(rows), self.separator), streaming=False)

    def shards(self, split: str) -> list[Shard]:
        """Return one shard a file of the split, read as a stream.

        Raises:
            CorpusError: the files cannot be found out.
        """
        own = self._own_name(split)
        with told(self._address, streaming=True):
            stream = self._stream(own)
            count = stream.num_shards
        documents = self.separator != ""
        return [Shard(self._shard_reader(own, count, index), documents) for index in range(count)]

    def provenance(self) -> dict[str, Any]:
        """Name the dataset, the revision asked for, the commit that it led to, and how its rows are read.

        Raises:
            CorpusError: the commit cannot be found out.
        """
        read = self._settings
        return {
            "source": "hub",
            "dataset": self._address.dataset,
            "config": self._address.config,
            "requested_revision": self._address.revision,
            "resolved_revision": self._resolved.commit,
            "licence": self._resolved.licence,
            "column": read.column,
            "template": read.template,
            "filter": read.filter,
            "separator": self.separator,
        }

    def go_back(self, provenance: Mapping[str, Any]) -> None:
        """Read the commit that was read then, wherever the branch is now."""
        self._recorded = provenance
        for found in ("_resolved", "_builder", "_names"):
            self.__dict__.pop(found, None)

    def follow(self, progress: Progress) -> None:
        """Tell of what is fetched."""
        self._progress = progress

    def size(self) -> int | None:
        """Return the size of the rows in memory, where it is known."""
        if self._streams:
            limit = self._settings.max_bytes
            return None if limit is None else limit * len(self._names)
        size: int | None = self._builder.info.dataset_size
        return size

    @property
    def _streams(self) -> bool:
        wanted = self.streamed or self._settings.max_bytes is not None
        return wanted and self._resolved.offline is None

    @cached_property
    def _resolved(self) -> Resolved:
        resolved = resolve(self._address)
        if self._recorded is None:
            return resolved
        commit = self._recorded.get("resolved_revision")
        if not isinstance(commit, str) or not is_commit(commit):
            raise CorpusError(f"'{self._address}' was recorded with the commit {commit!r}, which is none")
        return replace(resolved, commit=commit, licence=self._recorded.get("licence"))

    @cached_property
    def _builder(self) -> Any:
        return open_builder(self._address, self._resolved, self._recipe)

    @cached_property
    def _names(self) -> dict[str, str]:
        """Names of splits as a corpus has them, each with the dataset's own."""
        own = split_names(self._builder)
        if "train" in own:
            return {name: name for name in sorted(own, key=lambda name: name != "train")}
        first, *rest = own
        return {"train": first, **{name: name for name in rest}}

    def _own_name(self, split: str) -> str:
        if split in self._names:
            return self._names[split]
        if self._recipe:
            raise out_of_date(self._recipe, self._address, f"split '{split}'", f"splits: {', '.join(self._names)}")
        raise CorpusError(f"'{self._address.dataset}' has no split '{split}': {near_names(split, self._names)}")

    def _downloaded(self, own: str) -> Any:
        builder = self._builder
        if self._resolved.offline is None and not Path(builder.cache_dir).is_dir():
            fetch_files(self._address, self._resolved.commit, builder, self._progress)
        with told(self._address) as watch:
            retried(builder.download_and_prepare, watch, may_pass)
            if self._resolved.offline is None:
                note_prepared(self._address, builder)
            return builder.as_dataset(split=own)

    def _stream(self, own: str) -> Any:
        return stream(self._builder, own)

    def _shard_reader(self, own: str, count: int, index: int) -> Callable[[], Iterator[str]]:
        def texts_of_shard() -> Iterator[str]:
            return self._texts(self._stream(own).shard(num_shards=count, index=index), whole=False)

        return lambda: self._told(texts_of_shard)

    def _texts(self, dataset: Any, *, whole: bool = True) -> Iterator[str]:
        rows = DatasetRows(dataset, self._address.dataset)
        wanted, held = self._settings.column, rows.columns.kinds
        if self._recipe and wanted is not None and wanted not in held:
            raise out_of_date(self._recipe, self._address, f"column '{wanted}'", f"columns: {', '.join(held)}")
        return texts(rows, self._settings, whole=whole)

    def _told(self, make: Callable[[], Iterator[str]], *, streaming: bool = True) -> Iterator[str]:
        """Yield what reading rows yields; what goes wrong in it is told in one line."""
        with told(self._address, streaming=streaming):
            yield from make()
