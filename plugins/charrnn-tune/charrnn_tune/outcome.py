"""What a search found, as a file that ``charrnn train --config`` takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from charrnn.atomic import write_named
from charrnn.command_line import command_line
from charrnn.errors import UsageError
from charrnn.plugins import plugins
from charrnn.settings import TrainSettings

_HEAD = "# Found by charrnn tune"


def check_output(path: Path, study: Path) -> None:
    """Refuse a place that cannot be written to, or where there is a file of somebody else's, before hours are spent.

    Args:
        path: where the settings go.
        study: where the trials go.

    Raises:
        UsageError: so it is.
    """
    if not path.parent.is_dir():
        raise UsageError(f"--output '{path}': there is no directory '{path.parent}'")
    if path.exists() and not (path.is_file() and path.read_bytes().startswith(_HEAD.encode())):
        raise UsageError(f"--output '{path}': exists, and charrnn tune did not write it; give another name")
    if path.resolve() == study.resolve():
        raise UsageError(f"--output '{path}': is where the trials are kept; give it or --study another name")


def check_names(*names: str) -> None:
    """Refuse names that neither a study nor a TOML file can hold.

    Raises:
        UsageError: one has bytes that are no UTF-8.
    """
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{name!r}: is no UTF-8, and trials are kept by that name; give it another") from None


def write_outcome(path: Path, corpus: str, loss: float, trials: int, settings: dict[str, Any]) -> None:
    """Write settings as TOML, with the plugins that were added by ``--plugin``; whole or not at all."""
    about = f"{_HEAD}: {loss:.4f} bits per character, the best of {trials} trial{'s' if trials != 1 else ''}. Use it by"
    lines = [about, "# " + train_command(corpus, path)]
    added = [each for each in plugins().added if each != __package__]
    if added:
        lines.append(f"plugin = {_toml(added)}")
    given = [name for name in TrainSettings.model_fields if settings.get(name) not in (None, {})]
    lines += [f"{name} = {_toml(settings[name])}" for name in given]
    write_named(path, "".join(f"{line}\n" for line in lines).encode())


def train_command(corpus: str, path: Path) -> str:
    """Return what to type to train with what was found."""
    return command_line("train", corpus, config=path)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {_toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for the one control character that JSON leaves as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
