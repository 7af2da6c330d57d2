"""From a branch or tag to a commit: what is recorded is what is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charrnn.atomic import write_file
from charrnn.corpora.hub.address import Address
from charrnn.corpora.hub.client import retried, why_offline
from charrnn.corpora.hub.errors import LOCAL, may_pass, told
from charrnn.corpora.hub.watch import UnreachableError
from charrnn.errors import CorpusError, near_names

_COMMIT = re.compile(r"[0-9a-f]{40}")
_CARD = "README.md"


@dataclass(frozen=True)
class Resolved:
    """A dataset at a commit.

    Attributes:
        commit: the SHA-1 of the commit.
        licence: what the dataset's card says, if it does.
        offline: why there is no hub to ask, where only what was fetched before can be read.
        access: ``public``, ``gated`` or ``private``.
    """

    commit: str
    licence: str | None
    offline: str | None = None
    access: str = "public"


def is_commit(text: str) -> bool:
    """Tell whether a text is a commit's hash: it becomes a part of paths."""
    return bool(_COMMIT.fullmatch(text))


def declared_configs(dataset: str, commit: str) -> dict[str, bool]:
    """Return the configurations that the card of a dataset fetched before declares, and whether each is its default."""
    declared = _metadata(_cached_card(dataset, commit)).get("configs")
    rows = [row for row in declared if isinstance(row, dict)] if isinstance(declared, list) else []
    names = {str(row.get("config_name", "default")): bool(row.get("default")) for row in rows}
    if len(names) == 1 or (names and not any(names.values())):
        names = {name: len(names) == 1 or name == "default" for name in names}
    return names


def resolve(address: Address) -> Resolved:
    """Find the commit that a dataset's revision stands for; without a hub, the one that it stood for last.

    Raises:
        CorpusError: there is no such dataset or revision, or no hub and nothing was fetched before.
    """
    offline = why_offline()
    if offline is None:
        try:
            return _asked(address)
        except UnreachableError as error:
            found = _remembered(address, str(error))
            if found is None:
                raise
            return found
    found = _remembered(address, offline)
    if found is None:
        raise CorpusError(f"the hub cannot be reached for '{address.dataset}': {offline}; {LOCAL}")
    return found


def _asked(address: Address) -> Resolved:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RemoteEntryNotFoundError, RevisionNotFoundError

    api = HfApi()
    with told(address) as watch:
        try:
            info = retried(lambda: api.dataset_info(address.dataset, revision=address.revision), watch, may_pass)
        except RevisionNotFoundError:
            raise _no_revision(address) from None
        commit = str(info.sha)
        try:
            card = retried(
                lambda: api.hf_hub_download(address.dataset, _CARD, repo_type="dataset", revision=commit),
                watch,
                may_pass,
            )
        except RemoteEntryNotFoundError:
            card = None
        _remember(address, commit)
    access = "private" if info.private else "gated" if info.gated else "public"
    return Resolved(commit, _licence(card), access=access)


def _no_revision(address: Address) -> CorpusError:
    from huggingface_hub import HfApi

    refs = HfApi().list_repo_refs(address.dataset, repo_type="dataset")
    names = [ref.name for ref in (*refs.branches, *refs.tags)] + [ref.ref for ref in refs.converts]
    return CorpusError(
        f"'{address.dataset}' has no revision '{address.revision}': {near_names(address.revision or '', names)}"
    )


def _licence(card: str | None) -> str | None:
    licence = _metadata(card).get("license")
    return ", ".join(map(str, licence)) if isinstance(licence, list) else licence


def _metadata(card: str | None) -> dict[str, Any]:
    if card is None:
        return {}
    from huggingface_hub import metadata_load
    from yaml import YAMLError  # type: ignore[import-untyped]

    try:
        return metadata_load(card) or {}
    except (ValueError, YAMLError):
        return {}  # a card that is not well formed says nothing; its dataset may be read all the same


def _ref(address: Address) -> Path:
    """Return where the client's cache keeps what a branch or tag stood for."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=address.dataset, repo_type="dataset")
    return folder / "refs" / (address.revision or "main")


def _remember(address: Address, commit: str) -> None:
    path = _ref(address)
    if address.revision == commit or (path.is_file() and path.read_text() == commit):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, commit.encode())


def _remembered(address: Address, offline: str) -> Resolved | None:
    path = _ref(address)
    if address.revision and _COMMIT.fullmatch(address.revision):
        commit = address.revision
    elif path.is_file():
        commit = path.read_text().strip()
    else:
        return None
    return Resolved(commit, _licence(_cached_card(address.dataset, commit)), offline)


def _cached_card(dataset: str, commit: str) -> str | None:
    from huggingface_hub import try_to_load_from_cache

    card = try_to_load_from_cache(dataset, _CARD, repo_type="dataset", revision=commit)
    return card if isinstance(card, str) else None
