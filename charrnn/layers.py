"""Settings from a TOML file, and from flags over it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from charrnn.errors import UsageError
from charrnn.options import check
from charrnn.plugins import plugins
from charrnn.settings import BUDGETS, TrainSettings
from charrnn.strict_toml import LARGEST, parse_toml

_OPTIONS = "_options"
#: How the names of settings end that are given one key=value at a time.
PAIRS = (_OPTIONS, "filter")


def flag(name: str) -> str:
    """Write a setting's name as its flag."""
    singular = name.removesuffix("s") if name.endswith(_OPTIONS) else name
    return "--" + singular.replace("_", "-")


def spoken(values: Mapping[str, Any]) -> str:
    """Write settings in one line: what is on by its name, what has a value with it, and nothing of the rest."""
    return ", ".join(
        name.replace("_", " ") + ("" if value is True else f" {value}") for name, value in values.items() if value
    )


def read_settings(flags: Mapping[str, Any], file: Path | None) -> TrainSettings:
    """Lay flags over a file's settings; what neither gives stays open.

    Raises:
        UsageError: a name or value is wrong, two budgets are given side by side, or the file cannot be read.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    settings = check(TrainSettings, given, label=flag)
    _one_budget(given, flag)
    if file is None:
        return settings
    beneath = _read_file(file)
    for plugin in _pop_plugins(beneath, file):
        plugins().add(plugin)
    check(TrainSettings, beneath, label=lambda name: f"{file}: {name}")
    _one_budget(beneath, lambda name: f"{file}: {name}")
    if any(name in given for name in BUDGETS):
        beneath = {name: value for name, value in beneath.items() if name not in BUDGETS}
    return check(TrainSettings, {**beneath, **given}, label=flag)


def _read_file(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:  # perhaps a pipe
            values = parse_toml(opened.read(LARGEST + 1))
    except FileNotFoundError:
        raise UsageError(f"there is no file '{file}' for --config") from None
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        raise UsageError(f"--config '{file}' cannot be read: {told}") from None
    settings = {name.replace("-", "_"): value for name, value in values.items()}
    if len(settings) < len(values):
        twice = next(name for name in values if "-" in name and name.replace("-", "_") in values)
        raise UsageError(f"--config '{file}' gives {twice} twice, once with an underscore; leave one out")
    return settings


def _pop_plugins(values: dict[str, Any], file: Path) -> list[str]:
    """Take the plugins out of a file's settings; a path in it is meant from where the file is."""
    given = values.pop("plugin", [])
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise UsageError(f"{file}: plugin should be the path of a file, a module's name, or a list of them")
    return [str(file.parent / each) if each.endswith(".py") or "/" in each else each for each in listed]


def _one_budget(values: Mapping[str, Any], label: Any) -> None:
    given = [label(name) for name in BUDGETS if name in values]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} both limit the training; give one of them")
