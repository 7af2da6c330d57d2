"""A run: one directory that holds everything.

::

    NAME/config.json        settings, corpus, plugins
    NAME/tokenizer/         the tokenizer's files
    NAME/metrics.jsonl      one JSON object a logged step or evaluation
    NAME/saves/00001200/    one whole save: weights, best weights, training state
    NAME/latest             names the save that counts; replaced last
    NAME/model.safetensors  the best weights, for other programs
    NAME/README.md          a model card
    NAME/tensorboard/       what TensorBoard reads, where it was asked for
    NAME/profile/trace.json a trace of some steps, where it was asked for
"""

from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charrnn.atomic import write_directory, write_file
from charrnn.errors import RunError
from charrnn.runs.card import model_card
from charrnn.runs.config import RunConfig, read_config
from charrnn.runs.place import checkpoints_directory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

CONFIG = "config.json"
LATEST = "latest"
METRICS = "metrics.jsonl"
MODEL = "model.safetensors"
TENSORBOARD = "tensorboard"
TRACE = "profile/trace.json"
_WEIGHTS = "weights.safetensors"
_BEST = "best.safetensors"
_TRAINING = "training.safetensors"
_STATE = "state.json"
_TOKENIZER = "tokenizer"
_SAVES = "saves"
_SAVE_NAME = re.compile(r"\d+(-again)?")


@dataclass(frozen=True)
class Save:
    """What a run needs to go on: tensors by name, and the rest as JSON."""

    weights: dict[str, Tensor]
    best: dict[str, Tensor]
    training: dict[str, Tensor]
    state: dict[str, Any]


class Run:
    """A run directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    @classmethod
    def create(cls, path: Path, config: RunConfig, tokenizer: Path) -> Run:
        """Make a new run directory.

        Args:
            path: must not exist.
            config: goes into it.
            tokenizer: the directory with the tokenizer's files, which are copied.
        """

        def fill(directory: Path) -> None:
            (directory / CONFIG).write_text(config.to_json(), encoding="utf-8")
            shutil.copytree(tokenizer, directory / _TOKENIZER)

        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_directory(path, fill)
        except FileExistsError:
            raise RunError(f"the run '{path.name}' was made by someone else meanwhile; take another --name") from None
        return cls(path)

    @cached_property
    def config(self) -> RunConfig:
        """The checked ``config.json``."""
        return read_config(self.path / CONFIG)

    def write_config(self, config: RunConfig) -> None:
        """Replace the ``config.json``."""
        write_file(self.path / CONFIG, config.to_json().encode())
        self.__dict__.pop("config", None)

    @property
    def resume_command(self) -> str:
        """What a person types to go on."""
        where = self.path.parent
        elsewhere = "" if where == checkpoints_directory() else f" --checkpoints {where}"
        return f"charrnn train --resume --name {self.name}{elsewhere}"

    @property
    def tokenizer(self) -> Path:
        """The directory with the tokenizer's files."""
        return self.path / _TOKENIZER

    def has_run_files(self) -> bool:
        """Tell a run from another folder with a ``config.json``."""
        return self.tokenizer.is_dir() and any((self.path / each).exists() for each in (METRICS, LATEST, _SAVES))

    def saved_at(self) -> int:
        """Return when the newest save was completed, in nanoseconds; 0 where there is none."""
        try:
            return (self.path / LATEST).stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def state(self) -> dict[str, Any] | None:
        """Return the newest save's state, or None where nothing was saved."""
        directory = self._latest()
        return None if directory is None else self._read_state(directory)

    def load(self) -> Save | None:
        """Return the newest save, or None where nothing was saved.

        Raises:
            RunError: it is damaged.
        """
        directory = self._latest()
        if directory is None:
            return None
        return Save(
            weights=read_tensors(directory / _WEIGHTS),
            best=read_tensors(directory / _BEST),
            training=read_tensors(directory / _TRAINING),
            state=self._read_state(directory),
        )

    def best_weights(self) -> dict[str, Tensor]:
        """Return the best weights by validation.

        Raises:
            RunError: there are none, or they are damaged.
        """
        return read_tensors(self._best_file())

    def best_arrays(self) -> dict[str, NDArray[np.floating[Any]]]:
        """Return the same for NumPy, in single precision at least.

        Raises:
            RunError: there are none, or they are damaged.
        """
        import numpy as np
        import safetensors
        from safetensors.numpy import load_file

        path = self._best_file()
        try:
            arrays = load_file(path)
        except (OSError, KeyError, safetensors.SafetensorError) as error:
            raise RunError(f"{path} is damaged: {error}") from error
        return {
            name: each.astype(np.promote_types(each.dtype, np.float32), copy=False) for name, each in arrays.items()
        }

    def parameters(self) -> int:
        """Count the trained numbers of the best weights, by the file's header alone.

        Raises:
            RunError: there are none, or they are damaged.
        """
        import safetensors

        path = self._best_file()
        try:
            with safetensors.safe_open(path, framework="numpy") as file:
                counts = {name: math.prod(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no dict
        except (OSError, safetensors.SafetensorError) as error:
            raise RunError(f"{path} is damaged: {error}") from error
        if self.config.settings.tied:
            counts.pop("embedding.weight", None)  # the output layer's, which is saved under both names
        return sum(counts.values())

    def _best_file(self) -> Path:
        directory = self._latest()
        path = self.path / MODEL if directory is None else directory / _BEST
        if directory is None and not path.exists():
            raise RunError(f"run '{self.name}' has saved nothing yet; go on with: {self.resume_command}")
        return path

    def save(self, save: Save, *, better: bool, keep: int = 1) -> None:
        """Write a save, make it the one that counts, and remove those that are too old.

        Args:
            save: what to write.
            better: whether the best weights are new.
            keep: how many saves there are afterwards, at most.

        Raises:
            RunError: it cannot be written; the save before it still counts.
        """
        from safetensors import SafetensorError

        try:
            self._save(save, better=better, keep=keep)
        except (OSError, SafetensorError) as error:
            reason = getattr(error, "strerror", None) or error
            raise RunError(
                f"run '{self.name}' cannot be saved: {reason}. What was saved before is whole; "
                f"go on from there with: {self.resume_command}"
            ) from error

    def _save(self, save: Save, *, better: bool, keep: int) -> None:
        from safetensors.torch import save_file

        name = f"{save.state['step']:08d}"
        saves = self.path / _SAVES
        before = self._latest()
        if before is not None and before.name == name:
            name += "-again"  # the save that counts stays whole until another one does
        shutil.rmtree(saves / name, ignore_errors=True)  # left by a save that was killed before it counted

        def fill(directory: Path) -> None:
            save_file(save.weights, directory / _WEIGHTS)
            save_file(save.best, directory / _BEST)
            save_file(save.training, directory / _TRAINING)
            (directory / _STATE).write_text(json.dumps(save.state, indent=2))

        write_directory(saves / name, fill)
        write_file(self.path / LATEST, name.encode())
        if better or not (self.path / MODEL).exists():
            write_file(self.path / MODEL, (saves / name / _BEST).read_bytes())
            card = model_card(self.name, self.config, save.state)
            write_file(self.path / "README.md", card.encode(errors="backslashreplace"))
        older = [other for other in saves.iterdir() if other.name != name]
        older.sort(key=lambda other: (bool(_SAVE_NAME.fullmatch(other.name)), other.stat().st_mtime_ns))
        for other in older[: max(0, len(older) + 1 - keep)]:
            shutil.rmtree(other)

    def _latest(self) -> Path | None:
        try:
            name = (self.path / LATEST).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise RunError(f"{self.path / LATEST} cannot be read: {error}") from error
        directory = self.path / _SAVES / name
        if not _SAVE_NAME.fullmatch(name) or not directory.is_dir():
            raise RunError(f"{self.path / LATEST} is damaged: it names the save '{name[:20]}', which is not there")
        return directory

    def _read_state(self, directory: Path) -> dict[str, Any]:
        path = directory / _STATE
        try:
            state = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise RunError(f"{path} is damaged: {error}") from error
        known = state if isinstance(state, dict) else {}
        if not isinstance(known.get("step"), int) or not isinstance(known.get("best"), dict):
            raise RunError(f"{path} is damaged: it should tell the step and the best evaluation")
        return known


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        RunError: it is missing or damaged.
    """
    import safetensors
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise RunError(f"{path} is damaged: {error}") from error
