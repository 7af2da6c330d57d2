"""Training as one call: what ``charrnn train`` does, and ``charrnn.train``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from charrnn.device import processor_tuned
from charrnn.errors import ExitCode, PeerError, RunFinished, UsageError
from charrnn.generation.session import Session, load
from charrnn.layers import read_settings
from charrnn.plugins.hooks import read_observer
from charrnn.presets import AUTO
from charrnn.training.events import Event, Notice
from charrnn.training.interrupt import StopRequest
from charrnn.training.job import Listen
from charrnn.training.joining import joined
from charrnn.training.new import new_job
from charrnn.training.resume import resumed_job
from charrnn.training.same import OF_THE_MACHINE, check_asked


def train(
    corpus: str | Path | None = None,
    *,
    config: str | Path | None = None,
    preset: str = AUTO,
    name: str | None = None,
    checkpoints: str | Path | None = None,
    resume: bool = False,
    init_from: str | None = None,
    extend_vocab: bool = False,
    embeddings: str | Path | None = None,
    listen: Listen | None = None,
    samples: bool = False,
    observers: Sequence[object] = (),
    **settings: Any,
) -> Session:
    """Train a model, and return it ready to generate.

    The processes that ``torchrun`` starts train one together; it is the first one's ``listen`` and ``observers`` that
    hear of it.

    Args:
        corpus: a recipe's name, ``hf:OWNER/NAME``, a path, or ``-``; may be left out when resuming.
        config: a TOML file with settings, which those given here override.
        preset: fills in what is given nowhere.
        name: of the run; by default the corpus's and the cell's.
        checkpoints: the directory that runs are in.
        resume: go on with the run ``name`` (or the latest).
        init_from: a run whose weights, shape and tokenizer a new run starts from.
        extend_vocab: let that tokenizer learn the characters of the corpus that it lacks; those that it knows keep
            their ids and weights.
        embeddings: a file with vectors that the embedding starts from, in the text format of word2vec or GloVe.
        listen: told of every event.
        samples: whether there are :class:`~charrnn.training.events.Sampled` events.
        observers: objects with methods that are marked by ``@charrnn.hookimpl``, as a plugin's functions are; they
            observe this run only. One that raises is warned of, and hears no more.
        settings: by the names of :class:`charrnn.settings.TrainSettings`.

    Raises:
        CharrnnError: its kind and its one line say what is wrong.
    """
    listen = listen or _ignore
    watching = [read_observer(each) for each in observers]
    given = {key: value for key, value in settings.items() if value is not None}
    file = None if config is None else Path(config)
    directory = None if checkpoints is None else Path(checkpoints)
    address = None if corpus is None else os.fspath(corpus)
    if resume and (init_from or extend_vocab or embeddings or preset != AUTO):
        raise UsageError(
            "--resume goes on with a run as it is; --init-from, --extend-vocab, --embeddings and --preset are for a "
            "new one"
        )
    asked = {
        "resume": resume or None,
        "name": name,
        "init_from": init_from,
        "extend_vocab": extend_vocab or None,
        # Files may lie elsewhere on each machine; what is in them is compared once they are read.
        "embeddings": None if embeddings is None else "a file",
        "config": None if config is None else "a file",
        "preset": preset,
        **{key: value for key, value in given.items() if key not in OF_THE_MACHINE},
    }
    with joined() as ranks, StopRequest() as stop, processor_tuned(), ExitStack() as held:
        listen = listen if ranks.first else _ignore
        check_asked(ranks, address, asked)
        before = ranks.kept()
        if before is not None:  # torchrun has started anew what was asked for; it may not have come to do it
            directory, name = Path(before).parent, Path(before).name
            if not resume and ranks.leading(Path(before).is_dir()):
                with ranks.together():
                    read_settings({}, file)  # for the plugins that it names: the run has its settings
                address, given, file, resume = None, {}, None, True
        if resume:
            try:
                job = resumed_job(address, given, file, name, directory, listen, stop, held, ranks)
            except (RunFinished, PeerError) as done:
                if done.exit_code != ExitCode.DONE:
                    raise
                listen(Notice(str(done)))
                return load(name, checkpoints=directory)
        else:
            vectors = None if embeddings is None else Path(embeddings)
            start = init_from, extend_vocab, vectors
            job = new_job(address, given, file, preset, name, directory, *start, listen, stop, held, ranks)
        job.train(listen, stop, samples=samples, given=watching)
    return load(job.run)


def _ignore(event: Event) -> None:
    pass
