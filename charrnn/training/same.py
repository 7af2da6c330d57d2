"""What ranks have to agree in, before they train together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from charrnn.corpora.base import digest
from charrnn.corpora.local.files import without_place
from charrnn.errors import RunError, UsageError
from charrnn.layers import flag
from charrnn.runs.config import RunConfig
from charrnn.runs.run import Run
from charrnn.settings import TrainSettings
from charrnn.training.ranks import Ranks

#: What may be another on each machine.
_OF_THE_MACHINE = {"device", "threads"}


def check_lanes(settings: TrainSettings, ranks: Ranks, run: str | None = None) -> None:
    """Refuse lanes that cannot be divided evenly, by which the gradients' mean would be another.

    Args:
        settings: complete.
        ranks: that are to divide them.
        run: the name of one that is there, whose lanes stay as many as they are.

    Raises:
        UsageError: they cannot.
    """
    lanes, size = settings.batch_size or 1, ranks.size
    if lanes % size and run is not None:
        fewer = max(each for each in range(1, size) if lanes % each == 0)
        raise UsageError(
            f"run '{run}' has --batch-size {lanes}, which a resumed run keeps, and {size} ranks take the same number "
            f"of lanes each; go on with {fewer}, by another --nproc-per-node"
        )
    if lanes % size:
        near = " or ".join(str(each) for each in (lanes - lanes % size, lanes + size - lanes % size) if each)
        raise UsageError(
            f"--batch-size {lanes}: {size} ranks take the same number of lanes each; give --batch-size {near}, or "
            f"another --nproc-per-node"
        )


def check_same(ranks: Ranks, config: RunConfig) -> None:
    """Compare settings, corpus and code of all ranks, by their hashes where they are long.

    Raises:
        UsageError: they differ; the first rank tells in what.
    """
    mine = dict(_compared(config))
    each = ranks.each(mine)
    with ranks.together():
        if not ranks.first:
            return
        for rank, theirs in enumerate(each):
            for name, value in theirs.items():
                if value != mine[name]:
                    raise UsageError(
                        f"rank {rank} has another {name} ({value}) than rank 0 ({mine[name]}); start all with the "
                        "same command, the same charrnn and the same corpus"
                    )


def seen(path: Path) -> Run:
    """Open a run that the first rank has found or made.

    Raises:
        RunError: it cannot be read from this rank's machine.
    """
    run = Run(path)
    if not path.is_dir():
        raise RunError(f"'{path}' is not there for every rank; give --checkpoints in a folder that all machines share")
    _ = run.config
    return run


def _compared(config: RunConfig) -> Iterator[tuple[str, Any]]:
    yield "charrnn", config.charrnn
    for name, value in config.settings.model_dump(mode="json", exclude=_OF_THE_MACHINE).items():
        yield flag(name), value
    corpus, tokenizer = config.corpus, config.tokenizer
    yield "corpus", digest([corpus.splits, without_place(corpus.provenance) if corpus.streamed else None])[:16]
    files = {name: record.sha256 for name, record in tokenizer.files.items()}
    yield "tokenizer", digest([tokenizer.name, tokenizer.vocab_size, tokenizer.context, files])[:16]
    yield "plugins", digest({name: each.model_dump() for name, each in config.plugins.items()})[:16]
