"""What a person types for a dataset of the hub."""

from __future__ import annotations

import re
from dataclasses import dataclass

from charrnn.errors import CorpusError

_FORM = re.compile(r"hf:(?P<id>[\w.-]+/[\w.-]+)(:(?P<config>[^@]+))?(@(?P<revision>.+))?")
_NO_OWNER = re.compile(r"hf:(?P<name>[\w.-]+)([:@].*)?")
#: What the hub lets a dataset be called, and git a branch, a tag or a commit. Both become parts of paths here.
_DATASET = re.compile(r"(?!.*(--|\.\.))\b[\w.-]{1,96}\b/\b[\w.-]{1,96}\b(?<!\.git)", re.ASCII)
_REVISION = re.compile(r"(?!.*(\.\.|//))(?![/-])[^\s\\:?*\[~^\x00-\x1f\x7f]{1,255}(?<!/)")
_PAGE = re.compile(r"(hf:)?(https?://)?[\w.-]+/datasets/(?P<id>[\w.-]+/[\w.-]+).*")


@dataclass(frozen=True)
class Address:
    """A dataset, and what of it.

    Raises:
        CorpusError: no dataset and no revision can be called so.
    """

    dataset: str
    config: str | None = None
    revision: str | None = None

    def __post_init__(self) -> None:
        if not _DATASET.fullmatch(self.dataset):
            raise CorpusError(f"'{self.dataset}' is no name of a dataset: it should be OWNER/NAME, as on its page")
        if self.revision is not None and not _REVISION.fullmatch(self.revision):
            raise CorpusError(
                f"'{self.revision}' is no revision of '{self.dataset}': it is a branch, a tag or a commit"
            )

    def __str__(self) -> str:
        config = f":{self.config}" if self.config else ""
        revision = f"@{self.revision}" if self.revision else ""
        return f"hf:{self.dataset}{config}{revision}"


def parse_address(address: str) -> tuple[str, str | None, str | None]:
    """Split ``hf:OWNER/NAME[:CONFIG][@REVISION]``.

    Raises:
        CorpusError: it has another form.
    """
    match = _FORM.fullmatch(address)
    if match:
        return match["id"], match["config"], match["revision"]
    page = _PAGE.fullmatch(address)
    if page:
        raise CorpusError(f"'{address}' is the address of a page; give hf:{page['id']}")
    alone = _NO_OWNER.fullmatch(address)
    if alone:
        raise CorpusError(
            f"'{address}' should be hf:OWNER/NAME: it names no owner; give the one before '/{alone['name']}' in the "
            "address of the dataset's page"
        )
    raise CorpusError(f"'{address}' should be hf:OWNER/NAME, with :CONFIG and @REVISION where needed")
