"""A run: one directory that holds everything (see :mod:`charrnn.runs.layout`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from charrnn.atomic import leftovers, make_directory, write_directory, write_file
from charrnn.command_line import command_line
from charrnn.errors import RunError
from charrnn.runs.card import model_card
from charrnn.runs.config import RunConfig, read_config
from charrnn.runs.layout import (
    BEST,
    CARD,
    CONFIG,
    LATEST,
    METRICS,
    MODEL,
    SAVES,
    TOKENIZER,
    WEIGHTS,
    WRITTEN,
    refuse_links,
)
from charrnn.runs.lock import locked, made_alone
from charrnn.runs.manifest import check_file, records_of
from charrnn.runs.place import checkpoints_directory
from charrnn.runs.refusal import reason_of, remedy
from charrnn.runs.removal import tidy_removed
from charrnn.runs.save import Save
from charrnn.runs.saves import NOTHING, SavedDirectory, Saves
from charrnn.runs.tensor_file import Shapes, count, read_arrays, read_tensors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from charrnn.corpora.fitting import FittedTokenizer

_Read = TypeVar("_Read")


class Run:
    """A run directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    @classmethod
    def create(cls, path: Path, config: RunConfig, fitted: FittedTokenizer) -> Run:
        """Make a new run directory.

        Args:
            path: must not exist.
            config: goes into it, with the hashes of the tokenizer's files.
            fitted: the tokenizer, which writes its files anew: of those of another run it takes what it knows alone.

        Raises:
            RunError: it cannot be made.
        """

        def fill(directory: Path) -> None:
            (directory / TOKENIZER).mkdir()
            with fitted.entry.blamed():
                fitted.tokenizer.save(directory / TOKENIZER)
            (directory / CONFIG).write_bytes(config.with_files(records_of(directory / TOKENIZER)).to_bytes())
            (directory / LATEST).write_bytes(NOTHING)

        try:
            make_directory(path.parent)
            with made_alone(path.parent):
                tidy_removed(path.parent)
                write_directory(path, fill)
        except FileExistsError:
            raise RunError(f"the run '{path.name}' was made by someone else meanwhile; take another --name") from None
        except OSError as error:
            raise RunError(
                f"{path} cannot be made: {error.strerror or error}; {remedy(error)}, or give another --checkpoints"
            ) from error
        return cls(path)

    @cached_property
    def _read(self) -> tuple[RunConfig, int]:
        return read_config(self.path / CONFIG)

    @property
    def config(self) -> RunConfig:
        """The checked ``config.json``, as this version writes it."""
        return self._read[0]

    @property
    def format(self) -> int:
        """The format that the run is written in."""
        return self._read[1]

    def write_config(self, config: RunConfig) -> None:
        """Replace the ``config.json``."""
        write_file(self.path / CONFIG, config.to_bytes())
        self.__dict__.pop("_read", None)

    def locked(self) -> AbstractContextManager[None]:
        """Hold the run for writing; raises RunError where another process does, or a link leads out of it."""
        refuse_links(self.path, WRITTEN)
        return locked(self.path)

    @property
    def resume_command(self) -> str:
        """What a person types to go on."""
        return command_line("train", resume=True, name=self.name, checkpoints=self._elsewhere)

    @property
    def verify_command(self) -> str:
        """What a person types to learn what is damaged."""
        return command_line("runs", "verify", self.name, checkpoints=self._elsewhere)

    @property
    def mend_command(self) -> str:
        """What a person types to have what is damaged mended."""
        return command_line("runs", "verify", self.name, mend=True, checkpoints=self._elsewhere)

    def start_command(self, corpus: str = "CORPUS") -> str:
        """Return what a person types to start a new run from this one's weights."""
        return command_line("train", corpus, init_from=self.name, checkpoints=self._elsewhere)

    @property
    def _elsewhere(self) -> Path | None:
        where = self.path.parent
        return None if where == checkpoints_directory() else where

    @property
    def tokenizer(self) -> Path:
        """The directory with the tokenizer's files, which are what they were.

        Raises:
            RunError: one is missing or damaged.
        """
        directory = self.path / TOKENIZER
        refuse_links(self.path, [TOKENIZER])
        for name, record in self.config.tokenizer.files.items():
            check_file(directory / name, record)
        return directory

    @property
    def saves(self) -> Saves:
        """The saves of the run."""
        return Saves(self.path, sealed=self.format > 1)

    def has_run_files(self) -> bool:
        """Tell a run from another folder with a ``config.json``."""
        folder = self.path / TOKENIZER
        return folder.is_dir() and any((self.path / each).exists() for each in (METRICS, LATEST, SAVES))

    def saved_at(self) -> int:
        """Return when the newest save was completed, in nanoseconds; 0 where there is none."""
        pointer = self.path / LATEST
        try:
            at = pointer.stat()
            return 0 if at.st_size == len(NOTHING) and pointer.read_bytes() == NOTHING else at.st_mtime_ns
        except OSError:
            return 0

    def state(self) -> dict[str, Any] | None:
        """Return the newest save's state, or None where nothing was saved.

        Raises:
            RunError: it is damaged.
        """
        return self._from_latest(SavedDirectory.state)

    def shapes(self) -> list[Shapes]:
        """Return the shapes of the newest save's weights and best weights, by their files' headers.

        Raises:
            RunError: they are damaged.
        """
        return self._from_latest(lambda latest: [latest.shapes(name) for name in (WEIGHTS, BEST)]) or []

    def load(self) -> Save | None:
        """Return the newest save, or None where nothing was saved.

        Raises:
            RunError: it is damaged.
        """
        return self._from_latest(SavedDirectory.read)

    def best_shapes(self) -> Shapes:
        """Return the shapes of the best weights by their file's header; raises RunError where there are none."""
        return self._from_best(lambda latest: latest.shapes(BEST))

    def best_weights(self) -> dict[str, Tensor]:
        """Return the best weights by validation.

        Raises:
            RunError: there are none, or they are damaged.
        """
        return self._from_best(lambda latest: read_tensors(latest.file(BEST)))

    def best_arrays(self) -> dict[str, NDArray[np.floating[Any]]]:
        """Return the same for NumPy, in single precision at least.

        Raises:
            RunError: there are none, or they are damaged.
        """
        return self._from_best(lambda latest: read_arrays(latest.file(BEST)))

    def parameters(self) -> int:
        """Count the trained numbers of the best weights, by the file's header alone.

        Raises:
            RunError: there are none, or they are damaged.
        """
        shapes = self.best_shapes()
        if self.config.settings.tied:
            shapes.pop("embedding.weight", None)  # the output layer's, which is saved under both names
        return count(shapes)

    def save(self, save: Save, *, better: bool, keep: int = 1) -> None:
        """Write a save, make it the one that counts, and remove the oldest.

        Args:
            save: what to write.
            better: whether the best weights are new.
            keep: how many saves there are to be.

        Raises:
            RunError: it cannot be written; the save before it still counts.
        """
        with self.written():
            written = self.saves.write(save)
            if better or not (self.path / MODEL).exists():
                self._derive(written)
            self.saves.point_at(written)
            self.saves.prune(keep)

    @contextmanager
    def written(self) -> Iterator[None]:
        """Tell in one line why the run cannot be written.

        Raises:
            RunError: it cannot; what was saved is whole.
        """
        from safetensors import SafetensorError

        try:
            yield
        except (OSError, SafetensorError) as error:
            raise RunError(
                f"run '{self.name}' cannot be written: {reason_of(error)}. What was saved before is whole; "
                f"{remedy(error)}, and go on from there with: {self.resume_command}"
            ) from error

    def left_behind(self) -> list[Path]:
        """Return what a killed process did not finish, or did not wholly remove."""
        return [path for folder in (self.path, self.path / SAVES) for path in leftovers(folder)]

    def repair(self) -> bool:
        """Write what follows from the save that counts once more, where it is another's; tells whether it was."""
        latest = self.saves.latest()
        if latest is None or latest.manifest is None:
            return False
        try:
            check_file(self.path / MODEL, latest.manifest.files[BEST])
        except RunError:
            self._derive(latest)
            return True
        return False

    def _derive(self, save: SavedDirectory) -> None:
        """Write the best weights for other programs, and the card for people."""
        write_file(self.path / MODEL, (save.path / BEST).read_bytes())
        card = model_card(self.name, self.config, save.state())
        write_file(self.path / CARD, card.encode(errors="backslashreplace"))

    def _from_best(self, read: Callable[[SavedDirectory], _Read]) -> _Read:
        found = self._from_latest(read)
        if found is None:
            raise RunError(f"run '{self.name}' has saved nothing yet; go on with: {self.resume_command}")
        return found

    def _from_latest(self, read: Callable[[SavedDirectory], _Read]) -> _Read | None:
        """Read from the save that counts, or return None where nothing was saved."""
        saves, latest = self.saves, None
        try:
            latest = saves.latest()
            return None if latest is None else read(latest)
        except RunError as error:
            if latest is not None and saves.latest() != latest:
                return self._from_latest(read)  # another process has saved, and removed this one
            raise RunError(f"{error}; what can still be used says: {self.verify_command}") from None
