"""What a person types for a dataset of the hub."""

from __future__ import annotations

import re
from dataclasses import dataclass

from charrnn.errors import CorpusError

_FORM = re.compile(r"hf:(?P<id>[\w.-]+/[\w.-]+)(:(?P<config>[^@]+))?(@(?P<revision>.+))?")
_NO_OWNER = re.compile(r"hf:(?P<name>[\w.-]+)([:@].*)?")
_PAGE = re.compile(r"(hf:)?(https?://)?[\w.-]+/datasets/(?P<id>[\w.-]+/[\w.-]+).*")


@dataclass(frozen=True)
class Address:
    """A dataset, and what of it."""

    dataset: str
    config: str | None = None
    revision: str | None = None

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
