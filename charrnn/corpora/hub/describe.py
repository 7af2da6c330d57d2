"""What a dataset has, without its data files: for a new recipe, and for one that is out of date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from charrnn.corpora.hub.address import Address
from charrnn.corpora.hub.builder import configurations, open_builder, remote, split_names, stream
from charrnn.corpora.hub.client import retried
from charrnn.corpora.hub.errors import may_pass, told
from charrnn.corpora.hub.revision import resolve
from charrnn.corpora.hub.verify import data_files, list_files
from charrnn.corpora.quiet import import_datasets
from charrnn.corpora.rows.columns import Columns


@dataclass(frozen=True)
class Description:
    """What a dataset has.

    Attributes:
        id: ``OWNER/NAME``.
        requested_revision: the branch, tag or commit that was asked for.
        resolved_revision: the commit that it led to.
        licence: what its card says, if it does.
        configs: names of its configurations.
        config: the one described: the one asked for, its default, or its only one; none where one must be chosen.
        splits: names of the splits of ``config``.
        columns: each column of ``config`` with its type.
        bytes: how large the data files of ``config`` are, where the hub tells.
        access: ``public``, ``gated`` or ``private``.
    """

    id: str
    requested_revision: str | None
    resolved_revision: str
    licence: str | None
    configs: tuple[str, ...]
    config: str | None = None
    splits: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    bytes: int | None = None
    access: str = "public"


def describe(dataset: str, config: str | None = None, revision: str | None = None) -> Description:
    """Ask the hub what a dataset has; of its data, no more than the first rows are fetched.

    Raises:
        CorpusError: it cannot be reached, or is not there; or no such configuration or revision.
    """
    address = Address(dataset, config, revision)
    resolved = resolve(address)
    if resolved.offline is None:
        configs = configurations(address, resolved)
        known = (dataset, revision, resolved.commit, resolved.licence, tuple(configs))
        if config is None and len(configs) > 1 and not _has_default(address, resolved.commit):
            return Description(*known, access=resolved.access)
        builder = open_builder(address, resolved)
    else:
        builder = open_builder(address, resolved)
        known = (dataset, revision, resolved.commit, resolved.licence, (builder.config.name,))
    splits = split_names(builder)
    with told(address, streaming=True):
        held = Columns.of_dataset(stream(builder, splits[0]), dataset).kinds
    size = None if resolved.offline else _size(address, resolved.commit, builder)
    return Description(*known, config or builder.config.name, tuple(splits), held, size, resolved.access)


def _has_default(address: Address, commit: str) -> bool:
    with told(address) as watch:
        datasets = import_datasets()

        def ask() -> str | None:
            name: str | None = datasets.get_dataset_default_config_name(remote(address), revision=commit)
            return name

        return retried(ask, watch, may_pass) is not None


def _size(address: Address, commit: str, builder: Any) -> int | None:
    with told(address) as watch:
        sizes = [info.size for info in list_files(address, commit, data_files(builder, commit), watch).values()]
    return sum(sizes) if sizes else None
