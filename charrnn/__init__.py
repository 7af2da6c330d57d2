"""Character-level text generation with recurrent networks.

Everything public is imported on first use, so that ``import charrnn`` and ``charrnn --help`` stay quick:
torch and datasets are loaded only by what needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

#: The name to install by; see pyproject.toml for why it is not "charrnn".
DISTRIBUTION = "charrnn-cli"

_PUBLIC = {
    "Cell": "charrnn.cells.base",
    "CharrnnError": "charrnn.errors",
    "Corpus": "charrnn.corpora.base",
    "NumpyCell": "charrnn.cells.numpy_forms.base",
    "QuickProducts": "charrnn.recurrence",
    "Score": "charrnn.evaluation",
    "Session": "charrnn.generation.session",
    "State": "charrnn.cells.base",
    "Warper": "charrnn.generation.warpers.base",
    "add_plugin": "charrnn.plugins",
    "Tokenizer": "charrnn.tokenizers.base",
    "hookimpl": "charrnn.hookspecs",
    "linear_scan": "charrnn.recurrence",
    "load": "charrnn.generation.session",
    "train": "charrnn.training.train",
}

__all__ = ["DISTRIBUTION", "__version__", *_PUBLIC]

if TYPE_CHECKING:
    from charrnn.cells.base import Cell as Cell
    from charrnn.cells.base import State as State
    from charrnn.cells.numpy_forms.base import NumpyCell as NumpyCell
    from charrnn.corpora.base import Corpus as Corpus
    from charrnn.errors import CharrnnError as CharrnnError
    from charrnn.evaluation import Score as Score
    from charrnn.generation.session import Session as Session
    from charrnn.generation.session import load as load
    from charrnn.generation.warpers.base import Warper as Warper
    from charrnn.hookspecs import hookimpl as hookimpl
    from charrnn.plugins import add_plugin as add_plugin
    from charrnn.recurrence import QuickProducts as QuickProducts
    from charrnn.recurrence import linear_scan as linear_scan
    from charrnn.tokenizers.base import Tokenizer as Tokenizer
    from charrnn.training.train import train as train


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
