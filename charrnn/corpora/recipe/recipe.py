"""Corpus recipes: one TOML file a corpus, shipped with the package and overridden by a file in ``./corpora``."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from charrnn.corpora.base import Corpus
from charrnn.corpora.recipe.split_map import SplitMap, parse_part
from charrnn.corpora.rows.template import Template
from charrnn.declaration import Options, Settings
from charrnn.errors import CharrnnError, CorpusWarning, near_names
from charrnn.settings import CorpusSettings

#: What opens the corpora of each source.
SOURCES = {
    "hub": "charrnn.corpora.hub:Hub",
    "standard-library": "charrnn.corpora.python.stdlib:StandardLibrary",
    "pydoc-topics": "charrnn.corpora.python.topics:Topics",
}
HUB = "hub"
#: Fields that only a dataset of the hub has; those in which parameters are filled in come first.
FILLED = ("dataset", "config", "revision")
OF_THE_HUB = (*FILLED, "column", "template", "filter", "streamed", "parameters")


def _check_source(name: str) -> str:
    if name not in SOURCES:
        raise ValueError(f"is no source: {near_names(name, SOURCES)}")
    return name


class Recipe(Settings):
    """How to get a corpus, as its file declares it; the file's name is the corpus's.

    Attributes:
        splits: the corpus's own name of a split -> the dataset's, or a range of its bytes: ``train[0:90000000]``.
        streamed: whether it is too large for anyone's disk.
        parameters: by name, the default of what stands in braces in ``dataset``, ``config`` and ``revision``.
        warning: what to know before it is used.
    """

    name: str
    summary: str
    source: Annotated[str, AfterValidator(_check_source)]
    licence: str
    language: str
    size: str
    dataset: str | None = None
    config: str | None = None
    revision: str | None = None
    parameters: Options = Field({})
    column: str | None = None
    template: str | None = None
    filter: Options = Field({})
    separator: str | None = None
    splits: dict[str, str] = Field({})
    streamed: bool = False
    citation: str | None = None
    warning: str | None = None

    def __call__(self, settings: CorpusSettings, **options: Any) -> Corpus:
        """Return the corpus; what ``settings`` leave open is the recipe's to say.

        Args:
            settings: how it is to be read.
            options: values of the parameters, checked already.

        Raises:
            CorpusError: it cannot be reached, or is no longer as the recipe says.
        """
        if self.warning:
            warnings.warn(f"corpus '{self.name}': {self.warning}", CorpusWarning, stacklevel=2)
        module, _, name = SOURCES[self.source].partition(":")
        opens = getattr(import_module(module), name)
        read = self._filled_in(settings)
        if self.source == HUB:
            address = self.address({**self.parameters, **options})
            # Where a person's own column or parameter leads nowhere, the recipe is not to blame.
            blamed = self.name if settings.column is None and not options else None
            corpus: Corpus = opens(self.name, *address, read, streamed=self.streamed, recipe=blamed)
        else:
            corpus = opens(self.name, read)
        if not self.splits:
            return corpus
        return SplitMap(corpus, {own: parse_part(text) for own, text in self.splits.items()}, self.name)

    @property
    def option_function(self) -> Callable[..., Corpus]:
        """What opens it, with its parameters as keyword parameters."""

        def opens(settings: CorpusSettings, **options: Any) -> Corpus:
            return self(settings, **options)

        made = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=type(default))
            for name, default in self.parameters.items()
        ]
        first = inspect.Parameter("settings", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=CorpusSettings)
        opens.__signature__ = inspect.Signature([first, *made])  # type: ignore[attr-defined]
        return opens

    def address(self, parameters: Options) -> list[str | None]:
        """Return dataset, config and revision, the parameters filled in."""
        values = {name: str(value) for name, value in parameters.items()}
        texts = [getattr(self, name) for name in FILLED]
        return [None if text is None else Template(text, "").fill(values) for text in texts]

    def _filled_in(self, settings: CorpusSettings) -> CorpusSettings:
        """Add what the recipe says of reading. One of column and template puts the recipe's other aside."""
        own: Options = {"filter": {**self.filter, **settings.filter}}
        if settings.separator is None:
            own["separator"] = self.separator
        if settings.column is None and settings.template is None:
            own |= {"column": self.column, "template": self.template}
        return settings.model_copy(update=own)


class BrokenRecipe:
    """Stands in lists for a file that is no recipe, and says why when it is asked for."""

    def __init__(self, name: str, error: CharrnnError) -> None:
        self.name = name
        self.summary = f"broken: {error}"
        self._error = error

    def __call__(self, settings: CorpusSettings, **options: Any) -> Corpus:  # noqa: ARG002 - called as a recipe is
        """Raise what is wrong with the file."""
        raise self._error
