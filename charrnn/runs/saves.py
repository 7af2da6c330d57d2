"""The saves of a run: each whole, one that counts, no more than are to be kept."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from charrnn.atomic import remove_directories, write_directory, write_file
from charrnn.errors import RunError, UsageError
from charrnn.options import check
from charrnn.runs.layout import BEST, LATEST, MANIFEST, PARTS, SAVES, STATE, TRAINING, WEIGHTS
from charrnn.runs.manifest import Manifest, check_file, manifest_of, read_manifest
from charrnn.runs.save import Save
from charrnn.runs.state_record import StateRecord
from charrnn.runs.tensor_file import Shapes, count, read_shapes, read_tensors
from charrnn.strict_file import read_file
from charrnn.strict_json import read_json

#: Ends the name of a save that is the second of its step.
_AGAIN = "-again"
#: Begins the name of a save that is damaged, and was set aside.
_ASIDE = ".damaged-"
_NAME = re.compile(rf"\d{{8,15}}({_AGAIN})?")
#: What ``latest`` says before the first save.
NOTHING = b"none\n"
_POINTER = re.compile(rf"(\d{{8,15}}(?:{_AGAIN})?)(?: ([0-9a-f]{{64}})\n)?")
#: The optimizer's averages are a few times the weights; the lanes' state and the random generators come on top.
_MOST_TRAINING = 16
_MOST_BESIDE = 1 << 28


@dataclass(frozen=True)
class SavedDirectory:
    """One save on disk; every file of it is compared with the manifest before it is read.

    Args:
        path: of the directory.
        sealed: whether it has to have a manifest, as all have since format 2.
        seal: that the manifest should have, where that is known.
    """

    path: Path
    sealed: bool
    seal: str = ""

    @property
    def step(self) -> int:
        """The step after which it was made, by its name."""
        return int(self.path.name.removesuffix(_AGAIN))

    @cached_property
    def manifest(self) -> Manifest | None:
        """What its files were.

        Raises:
            RunError: it is missing or damaged.
        """
        if not self.sealed:
            return None
        manifest, found = read_manifest(self.path / MANIFEST)
        if self.seal and found != self.seal:
            raise RunError(f"{self.path.parent.parent / LATEST} is damaged: {self.path / MANIFEST} has another seal")
        if manifest.files.keys() != set(PARTS):
            raise RunError(f"{self.path / MANIFEST} is damaged: it should list {', '.join(PARTS)}")
        return manifest

    def state(self) -> dict[str, Any]:
        """Return the numbers of training.

        Raises:
            RunError: they are missing or damaged.
        """
        path = self.file(STATE)
        try:
            state = read_json(path)
            if not isinstance(state, dict):
                raise UsageError("it should hold an object")
            return check(StateRecord, state).model_dump()
        except OSError as error:
            raise RunError(f"{path} is damaged: {error.strerror}") from None
        except (ValueError, UsageError) as error:
            raise RunError(f"{path} is damaged: {error}") from None

    def shapes(self, name: str) -> Shapes:
        """Return the shapes of a file's tensors; raises RunError where it is missing or no such file."""
        return read_shapes(self.path / name)

    def file(self, name: str) -> Path:
        """Return the path of a file that is what it was.

        Raises:
            RunError: it is missing or damaged.
        """
        path = self.path / name
        if self.manifest is not None:
            check_file(path, self.manifest.files[name])
        return path

    def read(self) -> Save:
        """Read all of it, weights of shapes that were checked before.

        Raises:
            RunError: some of it is missing or damaged.
        """
        most = count(self.shapes(WEIGHTS)) * _MOST_TRAINING + _MOST_BESIDE
        if count(self.shapes(TRAINING)) > most:
            raise RunError(f"{self.path / TRAINING} is damaged: it is far larger than the model")
        return Save(
            weights=read_tensors(self.file(WEIGHTS)),
            best=read_tensors(self.file(BEST)),
            training=read_tensors(self.file(TRAINING)),
            state=self.state(),
            metrics=None if self.manifest is None else self.manifest.metrics,
        )


class Saves:
    """All saves of a run.

    A save is written whole, then it comes to count, then older ones go: whenever that ends, one that counts is whole.

    Args:
        run: the run's directory.
        sealed: whether its format has manifests.
    """

    def __init__(self, run: Path, *, sealed: bool) -> None:
        self._run = run
        self._sealed = sealed

    @property
    def directory(self) -> Path:
        """Where they are."""
        return self._run / SAVES

    def all(self) -> list[SavedDirectory]:
        """Return every save, the oldest first, whether or not it is whole.

        A link is none: a stranger's would lead out of the run, and what is written into a save, or removed with it.
        """
        if not self.directory.is_dir():
            return []
        named = [path for path in self.directory.iterdir() if _NAME.fullmatch(path.name)]
        found = [SavedDirectory(path, self._sealed) for path in named if path.is_dir() and not path.is_symlink()]
        return sorted(found, key=lambda save: (save.step, save.path.name))

    def latest(self) -> SavedDirectory | None:
        """Return the save that counts, or None where nothing was saved.

        Raises:
            RunError: what names it is missing or damaged.
        """
        pointer = self._run / LATEST
        written = self._pointer()
        if written == NOTHING:
            return None
        found = _POINTER.fullmatch(written.decode("ascii", "replace"))
        if found is None or (self._sealed and not found[2]):
            raise RunError(f"{pointer} is damaged: it should name a save, and its seal")
        directory = self.directory / found[1]
        if directory.is_symlink():
            raise RunError(f"{pointer} is damaged: it names '{found[1]}', which is a link; put the folder in its place")
        if not directory.is_dir():
            if self._pointer() != written:
                return self.latest()  # another process has saved, and removed this one
            raise RunError(f"{pointer} is damaged: it names the save '{found[1]}', which is not there")
        return SavedDirectory(directory, self._sealed, found[2] or "")

    def _pointer(self) -> bytes:
        pointer = self._run / LATEST
        try:
            return read_file(pointer, 100)
        except FileNotFoundError:
            if not self._sealed:
                return NOTHING  # format 1 made it with its first save
            raise RunError(f"{pointer} is missing: it should name the save that counts") from None
        except OSError as error:
            raise RunError(f"{pointer} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise RunError(f"{pointer} is damaged: {error}") from error

    def write(self, save: Save) -> SavedDirectory:
        """Write a save, which does not count yet.

        Raises:
            OSError: it cannot be written; the one that counts still does.
            SafetensorError: likewise.
        """
        name = f"{save.state['step']:08d}"
        counts = self.latest()
        if counts is not None and counts.path.name == name:
            name += _AGAIN  # the save that counts stays whole until another one does

        def fill(directory: Path) -> None:
            from safetensors.torch import save_file

            save_file(save.weights, directory / WEIGHTS)
            save_file(save.best, directory / BEST)
            save_file(save.training, directory / TRAINING)
            (directory / STATE).write_text(json.dumps(save.state, indent=2))
            (directory / MANIFEST).write_bytes(manifest_of(directory, save.metrics).to_bytes())

        path = self.directory / name
        if os.path.lexists(path):
            remove_directories([path])  # it does not count: an older one of this step, whose removal was interrupted
        write_directory(path, fill)
        return SavedDirectory(path, sealed=True)

    def point_at(self, save: SavedDirectory) -> None:
        """Make a save the one that counts."""
        seal = f" {read_manifest(save.path / MANIFEST)[1]}\n" if save.sealed else ""
        write_file(self._run / LATEST, f"{save.path.name}{seal}".encode())

    def set_aside(self, save: SavedDirectory) -> Path:
        """Rename a save that is not to be used, beside those that were before; returns where it is now."""
        aside = self.directory / f"{_ASIDE}{save.path.name}"
        number = 1
        while os.path.lexists(aside):
            number += 1
            aside = aside.with_name(f"{_ASIDE}{save.path.name}-{number}")
        return save.path.rename(aside)

    def aside(self) -> list[Path]:
        """Return what was set aside."""
        return sorted(self.directory.glob(f"{_ASIDE}*"))

    def prune(self, keep: int) -> None:
        """Leave the save that counts, and of those of earlier steps the newest, ``keep`` in all.

        Those that never came to count go: training takes their steps again.
        """
        latest = self.latest()
        earlier = [each for each in self.all() if latest is not None and each.step < latest.step]
        old = earlier[: max(0, len(earlier) - keep + 1)]
        remove_directories(each.path for each in (*old, *self.uncounted(latest)))

    def uncounted(self, latest: SavedDirectory | None) -> list[SavedDirectory]:
        """Return the saves that a killed process wrote, but that ``latest`` still counts instead of them."""
        return [
            each for each in self.all() if latest is None or (each.path != latest.path and each.step >= latest.step)
        ]
