"""A run that goes on where it stopped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from charrnn.cores import usable_cores
from charrnn.device import check_threads, device_of_rank, suitable_threads
from charrnn.errors import RunError, RunFinished, UsageError
from charrnn.layers import flag, read_settings
from charrnn.model import LanguageModel
from charrnn.runs.corpus import reopen_pack, streamed_from
from charrnn.runs.find import find_run
from charrnn.runs.model import check_shapes
from charrnn.runs.place import checkpoints_directory
from charrnn.runs.provenance import check_plugins
from charrnn.runs.run import Run
from charrnn.runs.state_record import MOST_TO_GO_ON, largest_count
from charrnn.runs.taking_up import take_up, tidy
from charrnn.runs.tokenizer import run_tokenizer
from charrnn.settings import BUDGETS, INHERITED, TrainSettings
from charrnn.training.batches import chunks_per_epoch
from charrnn.training.budget import Budget, check_budget
from charrnn.training.events import Notice, Preparing
from charrnn.training.interrupt import StopRequest
from charrnn.training.job import Job, Listen, to_device
from charrnn.training.memory import check_memory
from charrnn.training.ranks import Ranks
from charrnn.training.same import check_lanes, check_same, seen

#: What may differ from the run's own settings: how long and where it goes on, not what it is.
MAY_CHANGE = {*BUDGETS, "eval_every", "patience", "save_every", "keep", "max_rollbacks", "device", "threads"}


def resumed_job(
    corpus: str | None,
    given: Mapping[str, Any],
    file: Path | None,
    name: str | None,
    checkpoints: Path | None,
    listen: Listen,
    stop: StopRequest,
    held: ExitStack,
    ranks: Ranks,
) -> Job:
    """Open a run and what it needs; arguments as ``train``'s. The run is locked until ``held`` lets go of it.

    Raises:
        UsageError: the corpus or a setting does not agree with the run.
        RunFinished: there is nothing left to do.
    """
    with ranks.together():
        path = find_run(name, checkpoints_directory(checkpoints)).path
    path = Path(ranks.leading(os.fspath(path)))
    with ranks.together():
        run = seen(path)
        if ranks.first:
            held.enter_context(run.locked())
    with ranks.together(patient=True):
        changed, job = _reopened(run, corpus, given, file, listen, ranks)
    check_same(ranks, run.config.model_copy(update=changed))
    stop.defer()
    with ranks.together():
        if ranks.first:
            ranks.keep(os.fspath(path.absolute()))
            take_up(run, **changed)
    with ranks.together():
        return replace(job, run=seen(path))


def _reopened(
    run: Run, corpus: str | None, given: Mapping[str, Any], file: Path | None, listen: Listen, ranks: Ranks
) -> tuple[dict[str, Any], Job]:
    """Read all of a run, and what is to be another in its config, as each rank does for itself."""
    before = run.config
    if corpus is not None and not _same(corpus, before.corpus.address):
        raise UsageError(
            f"run '{run.name}' was trained on '{before.corpus.address}', not '{corpus}'; leave CORPUS out, or start a "
            f"new run with: {run.start_command(corpus)}"
        )
    asked = read_settings(given, file)
    settings = _changed(run, asked)
    check_budget(settings, streamed=before.corpus.streamed)
    check_plugins(run)
    if done := _is_done(run, settings):
        if ranks.first:
            tidy(run)  # it may have been killed after its last save
        raise RunFinished(f"run '{run.name}' is finished {done}")
    _check_room(run)
    _check_text(run)
    check_lanes(settings, ranks, run.name)
    device = device_of_rank(settings.device, ranks.place)
    check_threads(asked.threads)
    threads = asked.threads or _threads(run, settings, listen, ranks)
    torch.set_num_threads(threads)
    fitted = run_tokenizer(run)
    corpus_record = before.corpus
    if corpus_record.streamed:
        found = streamed_from(run, lambda *at: listen(Preparing(*at)))
        corpus_record = corpus_record.model_copy(update={"provenance": found})
    pack = reopen_pack(run, lambda *at: listen(Preparing(*at)), given=corpus is not None)
    for shapes in run.shapes():
        check_shapes(run, shapes)
    check_memory(settings, before.tokenizer.vocab_size)
    torch.manual_seed(settings.seed)
    model = LanguageModel(settings, before.tokenizer.vocab_size)
    save = run.load()
    if save is None and before.origin.given:
        raise RunError(
            f"run '{run.name}' ended before it had saved what it starts from; start it again under another --name"
        )
    if save is None:
        listen(Notice(f"run '{run.name}' had saved nothing yet: it starts anew"))
    changed = {"settings": settings, "corpus": corpus_record, "device": str(device), "threads": threads}
    job = Job(run, to_device(model, device, settings.precision), fitted, pack, ranks, save)
    return {**changed, "ranks": ranks.size}, job


def _threads(run: Run, settings: TrainSettings, listen: Listen, ranks: Ranks) -> int:
    """Return as many threads as before, by which the bits stay the same, but no more than there are cores for.

    They may have been a larger machine's, or a stranger's who wants this one to stand still.
    """
    before, processes = run.config, ranks.place.local_size
    if settings.threads is None and before.ranks != ranks.size:  # another division of the work, and other bits anyway
        lanes = (settings.batch_size or 1) // ranks.size
        return suitable_threads(settings.hidden or 1, lanes, processes)
    recorded, most = settings.threads or before.threads, usable_cores(processes)
    if recorded > most:
        listen(
            Notice(
                f"run '{run.name}' was trained with {recorded} threads, and goes on with {most}, for which there are "
                f"cores, so that the last bits may differ; --threads N takes others"
            )
        )
    return min(recorded, most)


def _check_room(run: Run) -> None:
    """Refuse to go on from a save of a stranger's that leaves no numbers to count on with."""
    count = largest_count(run.state())
    if count > MOST_TO_GO_ON:
        raise RunError(
            f"run '{run.name}' has counted to {count}, and training cannot go on from there; start a new run with: "
            f"{run.start_command()}"
        )


def _same(corpus: str, recorded: str) -> bool:
    """Tell whether two ways to write a corpus mean one."""
    return corpus == recorded or (Path(corpus).exists() and Path(corpus).resolve() == Path(recorded).resolve())


def _is_done(run: Run, settings: TrainSettings) -> str:
    """Say after what a run is finished, and what goes on; or nothing, where something is left to do.

    What was saved is asked: the run's settings may be of a resume that was killed before it saved anything.
    """
    state = run.state()
    if state is None or not state["finished"]:
        return ""
    part = run.config.corpus.train
    per_epoch = None
    if part is not None:
        chunk = settings.seq_len or 1, settings.batch_size or 1
        per_epoch = chunks_per_epoch(part.stop, *chunk, random_offset=bool(settings.random_offset))
    if Budget.of(settings, per_epoch).progress(state["step"], state["seconds"], state["evaluation_seconds"]) >= 1:
        return f"after {state['step']} steps; a larger --steps, --epochs or --time goes on"
    if settings.patience and state["stale"] >= settings.patience:
        return (
            f"after {state['step']} steps, since the last {state['stale']} evaluations brought nothing better; "
            "a larger --patience goes on"
        )
    return ""


def _changed(run: Run, asked: TrainSettings) -> TrainSettings:
    """Lay what was asked for over the run's settings."""
    before = run.config.settings
    changes = {
        key: getattr(asked, key)
        for key in sorted(asked.model_fields_set)
        if getattr(asked, key) is not None and getattr(asked, key) != getattr(before, key)
    }
    for key, value in changes.items():
        if key not in MAY_CHANGE:
            another = "train a new run" if key in INHERITED else f"start a new run with: {run.start_command()}"
            raise UsageError(
                f"{flag(key)} {value}: run '{run.name}' has {getattr(before, key)}, which a resumed run keeps; leave "
                f"the flag out, or {another}"
            )
    if any(key in changes for key in BUDGETS):
        changes = {**dict.fromkeys(BUDGETS), **{key: getattr(asked, key) for key in BUDGETS}, **changes}
    return before.model_copy(update=changes)


def _check_text(run: Run) -> None:
    """Refuse a text that is too short for its lanes, which no run was made with."""
    part, lanes = run.config.corpus.train, run.config.settings.batch_size or 1
    if part is not None and part.stop - part.start < lanes:
        raise RunError(
            f"run '{run.name}' is damaged: it has {part.stop - part.start} tokens to learn from, too few for its "
            f"{lanes} lanes"
        )
