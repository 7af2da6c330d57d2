"""``charrnn train``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charrnn.cli.completion import complete_runs, completes
from charrnn.cli.parameters import Checkpoints, Json, read_flags, takes_settings
from charrnn.presets import AUTO, PRESETS
from charrnn.settings import (
    CorpusSettings,
    LoopSettings,
    ModelSettings,
    OptimizerSettings,
    StreamSettings,
    TokenizerSettings,
)

if TYPE_CHECKING:
    from charrnn.training.events import Event

app = typer.Typer(add_completion=False)

_OBSERVERS = "Observers"
#: Steps of a profile: all of its trace is in memory until it is written, ten megabytes a step and more.
_MOST_PROFILED = 100


@app.command()
@takes_settings(
    {
        "Corpus": CorpusSettings,
        "Streaming": StreamSettings,
        "Tokenizer": TokenizerSettings,
        "Model": ModelSettings,
        "Optimizer": OptimizerSettings,
        "Training": LoopSettings,
    }
)
def train(
    corpus: Annotated[
        str | None,
        typer.Argument(
            help="A text file, folder or glob; hf:OWNER/NAME[:CONFIG][@REVISION]; a name from 'charrnn corpora list'; "
            "or - for standard input.",
            show_default=False,
            autocompletion=completes("corpora"),
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the run (default: the corpus's and the cell's).", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run --name, or the latest.")] = False,
    init_from: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Start from the weights, shape and tokenizer of a run.",
            show_default=False,
            autocompletion=complete_runs,
        ),
    ] = None,
    extend_vocab: Annotated[
        bool,
        typer.Option("--extend-vocab", help="With --init-from: learn the characters that the run does not know."),
    ] = False,
    embeddings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Start the embedding from vectors in word2vec's or GloVe's text format.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="Settings from a file; flags override them.", show_default=False),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            help=f"What fills in the rest: {AUTO}, {', '.join(PRESETS)} (default: {AUTO}).",
            show_default=False,
        ),
    ] = AUTO,
    checkpoints: Checkpoints = None,
    json: Json = False,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            help="Write figures, gradients and samples for TensorBoard into the run.",
            rich_help_panel=_OBSERVERS,
        ),
    ] = False,
    profile: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=_MOST_PROFILED,
            help="Trace N steps, after a few of warm-up: the trace goes into the run, the top operations are shown.",
            show_default=False,
            rich_help_panel=_OBSERVERS,
        ),
    ] = None,
    **settings: Any,
) -> None:
    """Train a model on a corpus, and keep all of it in a run directory.

    Ctrl-C saves and stops; --resume goes on. What no flag sets is chosen by the preset and said.
    """
    import charrnn
    from charrnn.device import keep_freed_memory
    from charrnn.reporting import make_reporter

    keep_freed_memory()
    with make_reporter(json=json) as reporter:
        charrnn.train(
            corpus,
            config=config,
            preset=preset,
            name=name,
            checkpoints=checkpoints,
            resume=resume,
            init_from=init_from,
            extend_vocab=extend_vocab,
            embeddings=embeddings,
            listen=reporter.listen,
            samples=reporter.wants_samples,
            observers=list(_observers(reporter.listen, tensorboard=tensorboard, profile=profile)),
            **read_flags(settings),
        )


def _observers(listen: Callable[[Event], None], *, tensorboard: bool, profile: int | None) -> Iterator[object]:
    if tensorboard:
        from charrnn.observers.tensorboard import TensorBoard

        yield TensorBoard()
    if profile is not None:
        from charrnn.observers.profiler import Profiler

        yield Profiler(profile, listen)
