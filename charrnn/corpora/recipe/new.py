"""A recipe made from what the hub says of a dataset."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from charrnn.atomic import write_file
from charrnn.corpora.recipe.file import OWN, check_name, read_recipe, toml
from charrnn.corpora.rows.columns import Columns
from charrnn.corpora.rows.texts import row_template, text_column
from charrnn.errors import CorpusError, UsageError
from charrnn.plugins import plugins

if TYPE_CHECKING:
    from charrnn.corpora.hub import Description

_UNKNOWN = "unknown"
#: How many configurations are listed: some datasets have hundreds.
_SHOWN = 20


def write_recipe(
    address: str,
    *,
    name: str | None = None,
    column: str | None = None,
    template: str | None = None,
    force: bool = False,
) -> Path:
    """Describe a dataset of the hub, and write a recipe for it into ``./corpora``.

    Args:
        address: ``hf:OWNER/NAME[:CONFIG][@REVISION]``.
        name: what the corpus is to be called; by default as the dataset, in small letters.
        column: what holds the text; by default it is chosen as ``train`` would.
        template: the text made of several columns instead.
        force: whether to write over a recipe, and to take a name that another corpus has.

    Raises:
        CorpusError: the dataset cannot be reached, or the column is not there or not clear; or a recipe is there.
        UsageError: both column and template, or a template that cannot be read.
    """
    from charrnn.corpora.hub import describe, parse_address

    if column is not None and template is not None:
        raise UsageError(f"--column {column} and --template cannot both be given; leave one out")
    dataset, config, revision = parse_address(address)
    name = name or re.sub(r"[^a-z0-9._-]+", "-", dataset.split("/")[-1].lower()).strip("-._")
    check_name(name, "--name")
    path = OWN / f"{name}.toml"
    if not force:
        _refuse_taken(name, path)
    described = describe(dataset, config, revision)
    if described.config is None and described.configs:
        raise CorpusError(
            f"'{dataset}' has several configurations: name one, such as hf:{dataset}:{described.configs[0]}; "
            f"there are: {', '.join(described.configs[:_SHOWN])}{', ...' * (len(described.configs) > _SHOWN)}"
        )
    values = {
        "summary": f"{dataset} of the hub",
        "source": "hub",
        "dataset": dataset,
        "config": config or _only_of_several(described),
        "revision": revision,
        **_reading(described, dataset, column, template),
        "licence": described.licence or _UNKNOWN,
        "language": _UNKNOWN,
        "size": _UNKNOWN if described.bytes is None else f"{_about(described.bytes)} in its files",
    }
    content = toml({key: value for key, value in values.items() if value is not None})
    if revision is None and described.resolved_revision:
        content += f"# To have this very text again, whatever becomes of the dataset:\n# {_line(described)}"
    if described.access != "public":
        content += f"# The dataset is {described.access}: HF_TOKEN has to be set, of somebody who has access.\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, content.encode())
    read_recipe(path)
    return path


def _reading(described: Description, dataset: str, column: str | None, template: str | None) -> dict[str, str]:
    """Choose what of a row is text."""
    columns = Columns(dataset, described.columns)
    if template is not None:
        return {"template": row_template(template, columns).text}
    try:
        return {"column": text_column(columns.kinds, column, dataset)}
    except CorpusError as error:
        several = column is None and len(columns.text()) > 1
        raise CorpusError(f"{error}, or put several together by --template" if several else str(error)) from None


def _only_of_several(described: Description) -> str | None:
    """Name the configuration that was taken, where there are others that a reader could take instead."""
    return described.config if len(described.configs) > 1 else None


def _refuse_taken(name: str, path: Path) -> None:
    if path.exists():
        raise CorpusError(f"{path} is there already; give another --name, or --force to write over it")
    if name in plugins().corpora:
        entry = plugins().corpora[name]
        raise CorpusError(
            f"a corpus '{name}' is there already ({entry.summary}); give another --name, or --force to put yours first"
        )


def _line(described: Description) -> str:
    return toml({"revision": described.resolved_revision})


def _about(size: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"about {size / factor:.2g} {unit}" if size < 10 * factor else f"about {size / factor:.0f} {unit}"
    return f"{size} bytes"
