"""``config.json``: all that is needed to rebuild a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from charrnn.corpora.packs.manifest import SplitRecord
from charrnn.corpora.packs.pack import Part
from charrnn.declaration import Settings
from charrnn.errors import CharrnnError, RunError
from charrnn.options import check
from charrnn.runs.manifest import FileName, FileRecord
from charrnn.runs.migrations import FORMAT_VERSION, migrate
from charrnn.runs.seal import seal, unseal
from charrnn.settings import TrainSettings
from charrnn.strict_file import read_file
from charrnn.strict_json import LARGEST

Name = Annotated[str, Field(max_length=255)]
Word = Annotated[str, Field(max_length=100)]
_Counter = Annotated[int, Field(ge=0, le=10**15)]


class CorpusRecord(Settings):
    """The corpus of a run: how it was asked for, where it led, and which of its tokens were used.

    ``train`` is None where the training text was streamed: no pack holds it.
    """

    address: Annotated[str, Field(min_length=1, max_length=4096)]
    name: Name
    separator: Name
    provenance: dict[str, Any]
    pack: str = Field(pattern=r"^[0-9a-f]{32}$")
    splits: dict[str, dict[str, Any]]
    train: Part | None
    validation: Part

    @property
    def streamed(self) -> bool:
        """Whether the training text was streamed."""
        return self.train is None

    @model_validator(mode="after")
    def _parts_hold_tokens(self) -> CorpusRecord:
        counted = {name: check(SplitRecord, split) for name, split in self.splits.items()}
        for part in filter(None, (self.train, self.validation)):
            if part.split not in counted or not 0 <= part.start < part.stop <= counted[part.split].tokens:
                raise ValueError(f"tokens {part.start} to {part.stop} of the split '{part.split}' are not there")
        return self


class TokenizerRecord(Settings):
    """The tokenizer of a run; ``context`` is the id that stands before a text's first, ``files`` what it saved."""

    name: Name
    vocab_size: int = Field(ge=1, le=10_000_000)
    context: int = Field(ge=0)
    files: dict[FileName, FileRecord]


class PluginRecord(Settings):
    """Whose a name is. It comes from a stranger, perhaps, and goes into messages: nothing but plain words."""

    # A length within the pattern would be unrolled, which costs every command fifty milliseconds.
    name: str = Field("", pattern=r"^[\w.-]*$", max_length=100)
    plugin: str = Field(pattern=r"^[\w.-]+$", max_length=100)
    distribution: str = Field(pattern=r"^[\w.-]*$", max_length=100)
    version: str = Field(pattern=r"^[\w.+!-]*$", max_length=100)
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")


class OriginRecord(Settings):
    """What a run's weights started from, where that is not chance alone.

    Attributes:
        run: another run's name.
        step: of the weights that were taken.
        embeddings: the name of a file of vectors.
        sha256: of that file.
    """

    run: Name = ""
    step: _Counter = 0
    embeddings: Name = ""
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""

    @property
    def given(self) -> bool:
        """Whether they started from anything but chance."""
        return bool(self.run or self.embeddings)


class RunConfig(Settings):
    """All that is needed to rebuild a run."""

    format_version: Literal[2]
    charrnn: Word
    created: Word
    device: Word
    threads: int = Field(ge=1, le=1024)
    ranks: int = Field(1, ge=1, le=1_000_000)
    settings: TrainSettings
    corpus: CorpusRecord
    tokenizer: TokenizerRecord
    plugins: dict[str, PluginRecord]
    origin: OriginRecord = OriginRecord()

    def with_files(self, files: Mapping[str, FileRecord]) -> RunConfig:
        """Return the same with what the tokenizer's files are."""
        return self.model_copy(update={"tokenizer": self.tokenizer.model_copy(update={"files": dict(files)})})

    def to_bytes(self) -> bytes:
        """Write as sealed JSON."""
        return seal(self.model_dump(mode="json"))


def read_config(path: Path) -> tuple[RunConfig, int]:
    """Read and check a ``config.json``.

    Returns:
        The config, and the format that it is written in: an older one's is made one of this.

    Raises:
        RunError: it is not there, not sound JSON, changed since it was written, or not what charrnn writes.
    """
    try:
        content, found = unseal(read_file(path, LARGEST))
    except FileNotFoundError:
        raise RunError(f"'{path.parent}' is no run: it has no {path.name}") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}") from None
    version = content.get("format_version")
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise RunError(
            f"{path} has format_version {str(version)[:40]}, and this charrnn reads 1 to {FORMAT_VERSION}; "
            "use the charrnn that wrote it"
        )
    if bool(found) != (version > 1):
        raise RunError(f"{path} is damaged: format {version} {'has a seal' if version > 1 else 'has none'}")
    try:
        return check(RunConfig, migrate(content)), version
    except CharrnnError as error:
        raise RunError(f"{path} is damaged: {error}") from None
