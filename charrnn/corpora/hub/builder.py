"""The builder that ``datasets`` has for a dataset at a commit, and what it has prepared before."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from charrnn.atomic import write_file
from charrnn.corpora.hub.address import Address
from charrnn.corpora.hub.client import retried
from charrnn.corpora.hub.errors import LOCAL, PARQUET, may_pass, no_config, told
from charrnn.corpora.hub.parquet import read_parquet_here
from charrnn.corpora.hub.revision import Resolved, declared_configs
from charrnn.corpora.quiet import import_datasets
from charrnn.errors import CorpusError

#: Where the folder is noted.
_NOTE = "charrnn-folder.txt"


def open_builder(address: Address, resolved: Resolved, recipe: str | None = None) -> Any:
    """Return the builder of a dataset's configuration; no data files are fetched.

    Args:
        address: the dataset and its configuration.
        resolved: the commit.
        recipe: the recipe that asks, for messages.

    Raises:
        CorpusError: no such configuration, nothing that can be read, or no hub and nothing prepared before.
    """
    if resolved.offline is not None:
        return _prepared(address, resolved)
    if "data_dir" in _chosen(address):
        configs = configurations(address, resolved)
        if address.config not in configs:
            raise no_config(address, configs, recipe)
    with told(address) as watch:
        datasets = import_datasets()
        try:
            return retried(lambda: _load(datasets, address, resolved.commit), watch, may_pass)
        except ValueError as error:
            if "BuilderConfig" not in str(error) and "Config name is missing" not in str(error):
                raise
            raise no_config(address, configurations(address, resolved), recipe) from None


def note_prepared(address: Address, builder: Any) -> None:
    """Leave beside what was prepared which folder it was made of: the client knows that by a hash only."""
    within = _chosen(address).get("data_dir")
    if within is not None:
        write_file(Path(builder.cache_dir) / _NOTE, within.encode())


def configurations(address: Address, resolved: Resolved) -> list[str]:
    """Return the names of a dataset's configurations.

    Raises:
        CorpusError: they cannot be found out.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFolder

    with told(address) as watch:
        datasets = import_datasets()

        def ask() -> list[str]:
            if address.revision == PARQUET:
                tree = HfApi().list_repo_tree(address.dataset, repo_type="dataset", revision=resolved.commit)
                return [entry.path for entry in tree if isinstance(entry, RepoFolder)]
            names: list[str] = datasets.get_dataset_config_names(remote(address), revision=resolved.commit)
            return names

        return retried(ask, watch, may_pass)


def split_names(builder: Any) -> list[str]:
    """Return the names of the splits, of which the data files tell before they are fetched."""
    files = builder.config.data_files
    return [str(name) for name in (files or builder.info.splits or {})]


def remote(address: Address) -> str:
    """Name the dataset such that no folder of that name here is taken for it."""
    return f"hf://datasets/{address.dataset}"


def stream(builder: Any, split: str) -> Any:
    """Return the rows of a split as they come, with no file in memory as a whole."""
    return builder.as_streaming_dataset(split=split)


def _chosen(address: Address) -> dict[str, str | None]:
    """Return how ``datasets`` is asked for a configuration: on the hub's own branch each is a folder, undeclared."""
    if address.revision == PARQUET and address.config not in (None, "default"):
        return {"data_dir": address.config}
    return {"name": address.config}


def _load(datasets: Any, address: Address, commit: str) -> Any:
    from datasets.packaged_modules.cache.cache import Cache

    try:
        builder = datasets.load_dataset_builder(remote(address), **_chosen(address), revision=commit)
    except ValueError as error:
        if "in the cache" not in str(error) and "Couldn't find cache" not in str(error):
            raise
    else:
        if not isinstance(builder, Cache):
            read_parquet_here(builder)
            return builder
    # Whatever went wrong, the client silently takes what it has prepared of this dataset last, of any revision. With
    # an empty cache it says what went wrong.
    with tempfile.TemporaryDirectory() as empty:
        datasets.load_dataset_builder(remote(address), **_chosen(address), revision=commit, cache_dir=empty)
    raise ConnectionError("the hub did not answer the first time")


def _prepared(address: Address, resolved: Resolved) -> Any:
    """Return the builder of what was prepared of this commit."""
    datasets = import_datasets()
    from datasets.packaged_modules.cache.cache import Cache

    owner, name = address.dataset.split("/")
    folder = Path(datasets.config.HF_DATASETS_CACHE) / f"{owner}___{datasets.naming.camelcase_to_snakecase(name)}"
    found = {}
    for information in folder.glob(f"*/*/{resolved.commit}/dataset_info.json"):
        config = json.loads(information.read_text(encoding="utf-8"))["config_name"]
        within = _chosen(address).get("data_dir")
        if within is not None:
            note = information.with_name(_NOTE)
            if note.is_file() and note.read_text(encoding="utf-8") == within:
                found[information.parts[-4]] = information.parts[-3]
        elif information.parts[-4] == config and address.config in (None, config):
            found[config] = information.parts[-3]
    if address.config is None and len(found) == 1:
        # It may have been asked for by name, and not be the dataset's own choice.
        declared = declared_configs(address.dataset, resolved.commit)
        if declared and not any(declared.values()):
            raise no_config(address, list(declared), None)
        found = {name: version for name, version in found.items() if declared.get(name, not declared)}
    if not found:
        raise CorpusError(f"'{address}' was not fetched before, and cannot be now: {resolved.offline}; {LOCAL}")
    if len(found) > 1:
        raise no_config(address, sorted(found), None)
    [(config, version)] = found.items()
    return Cache(repo_id=address.dataset, dataset_name=name, config_name=config, version=version, hash=resolved.commit)
