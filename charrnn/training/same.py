"""What ranks have to agree in, before they train together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from charrnn.corpora.base import digest
from charrnn.corpora.local.files import without_place
from charrnn.corpora.local.stdin import ADDRESS as STDIN
from charrnn.errors import RunError, UsageError
from charrnn.layers import flag
from charrnn.runs.config import RunConfig
from charrnn.runs.run import Run
from charrnn.settings import TrainSettings
from charrnn.training.ranks import Ranks

#: What may be another on each machine.
OF_THE_MACHINE = {"device", "threads"}


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
    if lanes % size == 0:
        return
    if run is not None:
        fewer = max(each for each in range(1, size) if lanes % each == 0)
        raise UsageError(
            f"run '{run}' has --batch-size {lanes}, which a resumed run keeps, and {size} ranks take the same number "
            f"of lanes each; go on with {fewer}, by another --nproc-per-node"
        )
    near = " or ".join(str(each) for each in (lanes - lanes % size, lanes + size - lanes % size) if each)
    raise UsageError(
        f"--batch-size {lanes}: {size} ranks take the same number of lanes each; give --batch-size {near}, or "
        f"another --nproc-per-node"
    )


def check_asked(ranks: Ranks, address: str | None, asked: Mapping[str, Any]) -> None:
    """Compare what all ranks are asked for, before they set out: else one may wait for what another never comes to.

    Args:
        ranks: that have met, and done nothing else yet.
        address: of the corpus, which may be another on each machine; its text is compared once it is read.
        asked: by the names of the arguments; what is None was not asked for.

    Raises:
        UsageError: they differ, and the first rank tells in what; or all were to read standard input.
    """
    compared = {flag(name): None if value is None else str(value) for name, value in asked.items()}
    _refuse_another(ranks, compared, "the same command")
    with ranks.together():
        if address == STDIN and ranks.size > 1:
            raise UsageError(
                f"'{STDIN}' is one standard input for {ranks.size} ranks, of which each would read a part; write the "
                "text to a file, and name that"
            )


def check_same(ranks: Ranks, config: RunConfig) -> None:
    """Compare settings, corpus and code of all ranks, by their hashes where they are long.

    Raises:
        UsageError: they differ; the first rank tells in what.
    """
    _refuse_another(ranks, dict(_compared(config)), "the same command, the same charrnn and the same corpus")


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


def _refuse_another(ranks: Ranks, mine: Mapping[str, Any], same: str) -> None:
    """Let the first rank refuse what another has differently; ``same`` says what to start all with."""
    each = ranks.each(dict(mine))
    with ranks.together():
        if not ranks.first:
            return
        for rank, theirs in enumerate(each):
            for name in {**mine, **theirs}:
                if theirs.get(name) != mine.get(name):
                    raise UsageError(
                        f"rank {rank} has another {name} ({_shown(theirs.get(name))}) than rank 0 "
                        f"({_shown(mine.get(name))}); start all with {same}"
                    )


def _shown(value: Any) -> str:
    return "not given" if value is None else str(value)


def _compared(config: RunConfig) -> Iterator[tuple[str, Any]]:
    yield "charrnn", config.charrnn
    for name, value in config.settings.model_dump(mode="json", exclude=OF_THE_MACHINE).items():
        yield flag(name), value
    corpus, tokenizer = config.corpus, config.tokenizer
    yield "corpus", digest([corpus.splits, without_place(corpus.provenance) if corpus.streamed else None])[:16]
    files = {name: record.sha256 for name, record in tokenizer.files.items()}
    yield "tokenizer", digest([tokenizer.name, tokenizer.vocab_size, tokenizer.context, files])[:16]
    origin = config.origin
    yield flag("init_from"), f"{origin.run} at step {origin.step}" if origin.run else None
    yield flag("embeddings"), origin.sha256[:16] or None
    yield "plugins", digest({name: each.model_dump() for name, each in config.plugins.items()})[:16]
