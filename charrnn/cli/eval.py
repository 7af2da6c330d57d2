"""``charrnn eval``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from charrnn.cli.opening import PANELS, open_session
from charrnn.cli.parameters import Checkpoints, Json, RunArgument, read_flags, takes_settings, without
from charrnn.errors import UsageError, never_seen, refuse_unseen
from charrnn.layers import flag
from charrnn.reporting.echo import say, say_json, tell
from charrnn.settings import CorpusSettings, OpeningSettings, UnseenSettings

app = typer.Typer(add_completion=False)


@app.command(name="eval")
@takes_settings({"Scoring": UnseenSettings, "Another corpus": CorpusSettings, **PANELS})
def evaluate(
    run: RunArgument = None,
    corpus: Annotated[str | None, typer.Option(help="Another corpus than the run's own.", show_default=False)] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Split to score (default: validation; of another corpus that has none, all of it).",
            show_default=False,
        ),
    ] = None,
    checkpoints: Checkpoints = None,
    json: Json = False,
    **settings: Any,
) -> None:
    """Measure how well a model predicts a text: every token of a split once, in order."""
    from charrnn.evaluation import score
    from charrnn.options import check
    from charrnn.reporting import make_reporter
    from charrnn.reporting.scores import print_figures
    from charrnn.runs.corpus import text_to_score
    from charrnn.training.events import Preparing

    given = read_flags(settings)
    about_reading = without(given, UnseenSettings, OpeningSettings)
    policy = check(UnseenSettings, without(given, CorpusSettings, OpeningSettings), label=flag).unseen
    if about_reading and corpus is None:
        raise UsageError(f"{flag(next(iter(about_reading)))} says how another corpus is read; name that by --corpus")
    reading = check(CorpusSettings, about_reading, label=flag)
    session = open_session(run, checkpoints, given)
    assert session.run is not None
    with make_reporter(json=False) as reporter:
        scored = text_to_score(session.run, corpus, split, reading, lambda *at: reporter.listen(Preparing(*at)))
    if scored.unseen:
        if policy == "error":
            refuse_unseen(scored.unseen)
        tell(f"{never_seen(scored.unseen)} of the text; replaced")
    result = score(session.network, session.tokenizer, scored.tokens, session.context, scored.size).to_dict()
    if json:
        say_json({"run": session.run.name, "corpus": scored.corpus, "split": scored.split, **result})
        return
    say(f"run {session.run.name}, corpus {scored.corpus}, split {scored.split}")
    print_figures(result, without=["log_probability"])
