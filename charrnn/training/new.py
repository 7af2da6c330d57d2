"""A new run, from what a person asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import torch

import charrnn
from charrnn.corpora.fitting import growing
from charrnn.corpora.packs.pack import Part, cut
from charrnn.corpora.prepare import Prepared, prepare_to_train
from charrnn.device import check_threads, device_of_rank, suitable_threads
from charrnn.errors import RunError, UsageError
from charrnn.layers import flag, read_settings
from charrnn.model import LanguageModel, model_shapes
from charrnn.model.growth import take_weights
from charrnn.plugins import plugins
from charrnn.presets import check_preset, complete
from charrnn.runs.config import CorpusRecord, OriginRecord, RunConfig, TokenizerRecord
from charrnn.runs.find import LONGEST_NAME, find_run, free_name
from charrnn.runs.migrations import FORMAT_VERSION
from charrnn.runs.model import load_model
from charrnn.runs.place import checkpoints_directory
from charrnn.runs.provenance import check_plugins, record_plugins
from charrnn.runs.run import Run
from charrnn.runs.tokenizer import run_tokenizer
from charrnn.settings import INHERITED, TrainSettings
from charrnn.training.alphabet import learned, unseen
from charrnn.training.budget import check_budget
from charrnn.training.embeddings import start_from
from charrnn.training.events import Notice, Preparing
from charrnn.training.interrupt import StopRequest
from charrnn.training.job import Job, Listen, to_device
from charrnn.training.memory import check_memory
from charrnn.training.ranks import Ranks
from charrnn.training.same import check_lanes, check_same, seen
from charrnn.training.vectors import Vectors
from charrnn.training.without_effect import without_effect


@dataclass(frozen=True)
class _Draft:
    """All of a run but its directory, as each rank makes it for itself."""

    path: Path
    config: RunConfig
    model: LanguageModel
    prepared: Prepared


def new_job(
    corpus: str | None,
    given: Mapping[str, Any],
    config: Path | None,
    preset: str,
    name: str | None,
    checkpoints: Path | None,
    init_from: str | None,
    extend_vocab: bool,
    embeddings: Path | None,
    listen: Listen,
    stop: StopRequest,
    held: ExitStack,
    ranks: Ranks,
) -> Job:
    """Read the corpus, fill in the settings, build the model and make the run directory; arguments as ``train``'s.

    The run is locked until ``held`` lets go of it.

    Nothing is written but the cache until all of it is known to work, on every rank.
    """
    with ranks.together(patient=True):
        start = init_from, extend_vocab, embeddings
        draft = _drafted(corpus, given, config, preset, name, checkpoints, *start, listen, ranks)
    check_same(ranks, draft.config)
    path = Path(ranks.leading(os.fspath(draft.path)))
    stop.defer()
    with ranks.together():
        if ranks.first:
            ranks.keep(os.fspath(path.absolute()))
            try:
                Run.create(path, draft.config, draft.prepared.fitted)
            except RunError:  # another's may be there, which is none to go on with
                ranks.keep("")
                raise
            held.enter_context(Run(path).locked())
    with ranks.together():
        run = seen(path)
    return Job(run, draft.model, draft.prepared.fitted, draft.prepared.pack, ranks)


def _drafted(
    corpus: str | None,
    given: Mapping[str, Any],
    config: Path | None,
    preset: str,
    name: str | None,
    checkpoints: Path | None,
    init_from: str | None,
    extend_vocab: bool,
    embeddings: Path | None,
    listen: Listen,
    ranks: Ranks,
) -> _Draft:
    directory = checkpoints_directory(checkpoints)
    if corpus is None:
        raise UsageError("train on what? Give a text file, hf:OWNER/NAME, or a name from: charrnn corpora list")
    if extend_vocab and not init_from:
        raise UsageError("--extend-vocab adds to the alphabet of the run that it starts from; give --init-from RUN")
    _check_name(name, directory)
    check_preset(preset)
    settings = read_settings(given, config)
    check_threads(settings.threads)
    source = find_run(init_from, directory) if init_from else None
    vectors = None if embeddings is None else Vectors(embeddings)
    if vectors is not None:
        settings = _as_wide_as(vectors, settings, source)
    if source is not None:
        check_plugins(source)
        settings = _inherit(settings, source)
    _check_model(settings)
    device = device_of_rank(settings.device, ranks.place)

    theirs = run_tokenizer(source) if source else None
    if theirs and extend_vocab:
        growing(theirs)
    prepared = prepare_to_train(
        corpus, settings, lambda *at: listen(Preparing(*at)), theirs, extend=extend_vocab, readers=ranks.size
    )
    tokenizer = prepared.fitted.tokenizer
    check_budget(settings, streamed=prepared.streamed)
    record = _record(corpus, prepared, settings.val_fraction)
    if source and theirs and extend_vocab:
        listen(Notice(learned(source, theirs.tokenizer, tokenizer)))
    for told in unseen(record, source, tokenizer, extend=extend_vocab):
        listen(Notice(told))
    settings, notes = complete(settings, preset, record.train.stop if record.train else None, device.type, ranks.size)
    if prepared.streamed and settings.stream is None:
        listen(Notice("the training text is streamed; --no-stream packs it first"))
    for note in (*notes, *without_effect(settings)):
        listen(Notice(note))
    check_lanes(settings, ranks)
    threads = settings.threads or suitable_threads(
        settings.hidden or 1, (settings.batch_size or 1) // ranks.size, ranks.place.local_size
    )
    torch.set_num_threads(threads)

    cell, *_ = settings.shape()
    check_memory(settings, tokenizer.vocab_size)
    torch.manual_seed(settings.seed)
    model = LanguageModel(settings, tokenizer.vocab_size)
    origin = OriginRecord()
    if source is not None:
        take_weights(model, load_model(source).state_dict())
        origin = OriginRecord(run=source.name, step=(source.state() or {"best": {}})["best"].get("step", 0))
    if vectors is not None:
        origin = OriginRecord(embeddings=vectors.path.name, sha256=vectors.sha256())
        count = start_from(model, tokenizer, vectors)
        listen(Notice(f"{count} of {tokenizer.vocab_size} tokens start from their vectors in {vectors.path}"))
    run_config = RunConfig(
        format_version=FORMAT_VERSION,
        charrnn=charrnn.__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        device=str(device),
        threads=threads,
        ranks=ranks.size,
        settings=settings,
        corpus=record,
        tokenizer=TokenizerRecord(
            name=prepared.fitted.entry.name,
            vocab_size=tokenizer.vocab_size,
            context=tokenizer.context(prepared.separator),
            files={},
        ),
        plugins=record_plugins(
            {"cell": plugins().cells[cell], "tokenizer": prepared.fitted.entry, "corpus": prepared.entry}
        ),
        origin=origin,
    )
    path = directory / (name or free_name(f"{prepared.name}-{cell}", directory))
    return _Draft(path, run_config, to_device(model, device, settings.precision), prepared)


def _check_name(name: str | None, directory: Path) -> None:
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"--checkpoints '{directory}': is a file; give a directory")
    if name is None:
        return
    if Path(name).name != name or name.startswith(".") or not name.isprintable():
        raise UsageError(f"--name {name!r}: should be a plain name, since it becomes a folder in '{directory}'")
    if (length := len(os.fsencode(name))) > LONGEST_NAME:
        raise UsageError(f"--name {name[:20]}...: has {length} bytes; give one of {LONGEST_NAME} at most, for a folder")
    if (directory / name).exists():
        raise RunError(f"the run '{name}' exists in '{directory}': go on with it by --resume, or take another --name")


def _check_model(settings: TrainSettings) -> None:
    """Fail on what does not exist or does not fit before a long corpus is read."""
    plugins().tokenizers[settings.tokenizer]
    if settings.cell is not None:
        hidden, embed = (one or other or 1 for one, other in permutations((settings.hidden, settings.embed)))
        sizes = {"layers": 1, "hidden": hidden, "embed": embed}
        model_shapes(settings.model_copy(update=sizes), vocab_size=1)


def _as_wide_as(vectors: Vectors, settings: TrainSettings, source: Run | None) -> TrainSettings:
    """Let an embedding have as many features as the vectors that it starts from."""
    if source is not None:
        raise UsageError(f"--embeddings: run '{source.name}' brings its own by --init-from; leave one out")
    if settings.embed not in (None, vectors.size):
        raise UsageError(f"--embed {settings.embed}: the vectors in {vectors.path} have {vectors.size} numbers each")
    return settings.model_copy(update={"embed": vectors.size})


def _inherit(settings: TrainSettings, source: Run) -> TrainSettings:
    """Take shape and tokenizer from the run whose weights are taken."""
    theirs = source.config.settings
    for key in sorted(INHERITED & settings.model_fields_set):
        if getattr(settings, key) != getattr(theirs, key):
            raise UsageError(
                f"{flag(key)} {getattr(settings, key)}: run '{source.name}' has {getattr(theirs, key)}, and "
                "--init-from takes its weights as they are; leave the flag out"
            )
    return settings.model_copy(update={key: getattr(theirs, key) for key in INHERITED})


def _record(address: str, prepared: Prepared, val_fraction: float) -> CorpusRecord:
    training: Part | None
    if prepared.streamed:
        training, validation = None, prepared.pack.whole("validation")
    else:
        training, validation = cut(prepared.pack, prepared.fitted.tokenizer, val_fraction)
    return CorpusRecord(
        address=address,
        name=prepared.name,
        separator=prepared.separator,
        provenance=prepared.provenance,
        pack=prepared.pack.key,
        splits=prepared.pack.splits,
        train=training,
        validation=validation,
    )
