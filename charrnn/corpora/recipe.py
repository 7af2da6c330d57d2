"""Corpus recipes: one TOML file a corpus, shipped with the package and overridden by a file in ``./corpora``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from charrnn.corpora.base import Corpus
from charrnn.errors import CharrnnError, CorpusError
from charrnn.options import check
from charrnn.settings import CorpusSettings, Settings

#: Where a person's own recipes lie.
OWN = Path("corpora")


class Recipe(Settings):
    """How to get a corpus, as its file declares it; the file's name is the corpus's."""

    name: str
    summary: str
    source: Literal["hub", "standard-library"]
    licence: str
    language: str
    size: str
    dataset: str | None = None
    config: str | None = None
    revision: str | None = None
    column: str | None = None
    separator: str | None = None
    citation: str | None = None

    def __call__(self, settings: CorpusSettings) -> Corpus:
        """Return the corpus; what ``settings`` leave open is the recipe's to say."""
        if self.source == "standard-library":
            from charrnn.corpora.stdlib import StandardLibrary

            return StandardLibrary(self.name, settings)
        from charrnn.corpora.hub import Hub

        if self.dataset is None:
            raise CorpusError(f"the recipe '{self.name}' names no dataset; add: dataset = \"OWNER/NAME\"")
        own = {"column": self.column, "separator": self.separator}
        asked = settings.model_dump()
        filled = {key: asked[key] if asked[key] is not None else value for key, value in own.items()}
        return Hub(self.name, self.dataset, self.config, self.revision, settings.model_copy(update=filled))


class BrokenRecipe:
    """Stands in lists for a file that is no recipe, and says why when it is asked for."""

    def __init__(self, name: str, error: CharrnnError) -> None:
        self.name = name
        self.summary = f"broken: {error}"
        self._error = error

    def __call__(self, settings: CorpusSettings) -> Corpus:  # noqa: ARG002 - called as a recipe is
        """Raise what is wrong with the file."""
        raise self._error


def recipes() -> list[Recipe | BrokenRecipe]:
    """Read every recipe, a person's own in place of a shipped one of the same name."""
    files = {path.stem: path for folder in (_shipped(), OWN) for path in sorted(folder.glob("*.toml"))}
    return [_read_or_broken(path) for path in files.values()]


def _read_or_broken(path: Path) -> Recipe | BrokenRecipe:
    try:
        return read_recipe(path)
    except CharrnnError as error:
        return BrokenRecipe(path.stem, error)


def read_recipe(path: Path) -> Recipe:
    """Read one recipe file.

    Raises:
        CorpusError: it is not TOML.
        UsageError: a key is unknown, missing or wrong.
    """
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorpusError(f"the recipe {path} cannot be read: {error}") from error
    return check(Recipe, {**declared, "name": path.stem}, label=lambda key: f"{path}: {key}")


def _shipped() -> Path:
    """Return the recipes in the wheel, or those of the checkout that this file is in."""
    packaged = Path(__file__).parent / "recipes"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "corpora"
