"""``config.json``: all that is needed to rebuild a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from charrnn.corpora.packs.pack import Part
from charrnn.errors import CharrnnError, RunError
from charrnn.options import check
from charrnn.settings import Settings, TrainSettings

FORMAT_VERSION: Literal[1] = 1


class CorpusRecord(Settings):
    """The corpus of a run: how it was asked for, where it led, and which of its tokens were used.

    ``train`` is None where the training text was streamed: no pack holds it.
    """

    address: str
    name: str
    separator: str
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
        for part in filter(None, (self.train, self.validation)):
            total = self.splits.get(part.split, {}).get("tokens")
            if not isinstance(total, int) or not 0 <= part.start < part.stop <= total:
                raise ValueError(f"tokens {part.start} to {part.stop} of the split '{part.split}' are not there")
        return self


class TokenizerRecord(Settings):
    """The tokenizer of a run; ``context`` is the id that stands before a text's first."""

    name: str
    vocab_size: int = Field(ge=1, le=10_000_000)
    context: int = Field(ge=0)


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

    run: Annotated[str, Field(max_length=255)] = ""
    step: Annotated[int, Field(ge=0)] = 0
    embeddings: Annotated[str, Field(max_length=255)] = ""
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


class RunConfig(Settings):
    """All that is needed to rebuild a run."""

    format_version: Literal[1]
    charrnn: str
    created: str
    device: str
    threads: int
    settings: TrainSettings
    corpus: CorpusRecord
    tokenizer: TokenizerRecord
    plugins: dict[str, PluginRecord]
    origin: OriginRecord = OriginRecord()

    def to_json(self) -> str:
        """Write as JSON."""
        return json.dumps(self.model_dump(mode="json"), indent=2) + "\n"


def read_config(path: Path) -> RunConfig:
    """Read and check a ``config.json``.

    Raises:
        RunError: it is not there, not JSON, or not what this version of charrnn writes.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"'{path.parent}' is no run: it has no {path.name}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged: {error}") from None
    if not isinstance(content, dict):
        raise RunError(f"{path} is damaged: it should hold an object")
    if content.get("format_version") != FORMAT_VERSION:
        raise RunError(
            f"{path} has format_version {content.get('format_version')!r}, and this charrnn reads {FORMAT_VERSION}; "
            "use the charrnn that wrote it"
        )
    try:
        return check(RunConfig, content)
    except CharrnnError as error:
        raise RunError(f"{path} is damaged: {error}") from None
