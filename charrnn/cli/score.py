"""``charrnn score``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charrnn.cli.completion import complete_runs
from charrnn.cli.opening import PANELS, open_session
from charrnn.cli.parameters import Checkpoints, Json, read_flags, takes_settings, without
from charrnn.cli.prompts import STDIN, read_text
from charrnn.errors import UsageError, never_seen
from charrnn.reporting.echo import say, say_json, tell
from charrnn.settings import OpeningSettings, UnseenSettings

if TYPE_CHECKING:
    from charrnn.evaluation import Score
    from charrnn.generation.session import Session

app = typer.Typer(add_completion=False)


@app.command()
@takes_settings({"Scoring": UnseenSettings, **PANELS})
def score(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="The text, in UTF-8; - reads standard input.")],
    run: Annotated[
        str | None,
        typer.Option(
            help="A run's name or directory (default: the latest).", show_default=False, autocompletion=complete_runs
        ),
    ] = None,
    checkpoints: Checkpoints = None,
    per_char: Annotated[
        bool, typer.Option("--per-char", help="Print one JSON object a character, with its bits.")
    ] = False,
    heatmap: Annotated[bool, typer.Option("--heatmap", help="Print the text coloured by surprise.")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the same as an HTML page.", show_default=False)
    ] = None,
    json: Json = False,
    **settings: Any,
) -> None:
    """Measure how likely a text is to a model: its log-probability, bits per character and byte, perplexity."""
    from charrnn.generation.surprisal import TextScorer
    from charrnn.layers import flag
    from charrnn.options import check

    ways = {"--per-char": per_char, "--heatmap": heatmap, "--html": html is not None, "--json": json}
    asked = [name for name, given in ways.items() if given]
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} are different ways to show the score; give one of them")
    if html is not None and (str(html) == STDIN or _is_same(html, file)):
        raise UsageError(f"--html '{html}': the page needs a file of its own; give it another name")
    given = read_flags(settings)
    policy = check(UnseenSettings, without(given, OpeningSettings), label=flag).unseen
    session = open_session(run, checkpoints, given)
    scorer = TextScorer(session, read_text(file, "score"), refuse=policy == "error")
    if per_char:
        for each in scorer.each():
            say_json({"text": each.text, "bits": round(each.bits, 6)})
    elif heatmap or html is not None:
        from charrnn.reporting.heatmap import print_heatmap, write_page

        if html is None:
            print_heatmap(scorer.each())
        else:
            write_page(html, f"{file}, by {_name(session)}", scorer.each())
            tell(f"wrote {html}")
    else:
        _print(session, scorer.score(), json=json)
    if scorer.unseen:
        tell(f"{never_seen(scorer.unseen)} of the text; replaced")


def _is_same(page: Path, text: str) -> bool:
    return text != STDIN and page.exists() and Path(text).exists() and page.samefile(text)


def _print(session: Session, found: Score, *, json: bool) -> None:
    from charrnn.reporting.scores import print_figures

    result = {"run": _name(session), **found.to_dict()}
    if json:
        say_json(result)
        return
    say(f"run {result['run']}")
    print_figures(result, without=["nats_per_token"])


def _name(session: Session) -> str:
    assert session.run is not None
    return session.run.name
