"""``charrnn inspect neurons``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from charrnn.reporting.echo import say, say_json, tell
from charrnn_inspect.commands.parameters import Checkpoints, Json, RunArgument

if TYPE_CHECKING:
    from charrnn.generation.session import Session
    from charrnn.tokenizers.base import Ids

app = typer.Typer(add_completion=False)


@app.command()
def neurons(
    run: RunArgument = None,
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT", help="What it reads (default: the text that it held back).", show_default=False),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="A text in a file, in UTF-8; - reads standard input.", show_default=False),
    ] = None,
    tokens: Annotated[
        int, typer.Option(metavar="N", min=1, max=100_000, help="How much of the text is read, at most.")
    ] = 2000,
    feature: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Only units that follow this: position, quotes, brackets, indentation, word-start, space or line-end.",
            show_default=False,
        ),
    ] = None,
    layer: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only this layer, counted from 1.", show_default=False)
    ] = None,
    leaf: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Only this leaf of the state: hidden, an LSTM's memory; further ones are leaf-3, and so on.",
            show_default=False,
        ),
    ] = None,
    unit: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Only this unit of the layer, counted from 1.", show_default=False),
    ] = None,
    top: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="How many units a feature.")] = 3,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page, with a menu of the units.", show_default=False),
    ] = None,
    checkpoints: Checkpoints = None,
    json: Json = False,
) -> None:
    """Find the units that follow something in a text, and colour the text by one.

    Ranks the units by Pearson's correlation over the text with the position in the line, what is inside quotes, how
    many brackets are open, the indentation, and the starts of words, spaces and line ends. Below is the text in the
    colours of the first of them, or of --unit: red below 0, blue above. After Karpathy et al. 2015, section 4.1.

    charrnn inspect neurons RUN 'He said: "Come (now)!"'

    charrnn inspect neurons RUN --layer 2 --unit 17 --html unit.html
    """
    import charrnn
    from charrnn.errors import UsageError
    from charrnn_inspect.neurons import Wish, study

    if text is not None and file is not None:
        raise UsageError("TEXT and --file each give the text; give one of them")
    if html is not None and (str(html) == "-" or (file not in (None, "-") and html.resolve() == Path(file).resolve())):
        raise UsageError(f"--html '{html}': the page needs a file of its own; give it another name")
    session = charrnn.load(run, checkpoints=checkpoints)
    assert session.run is not None
    found = study(session, _read(session, text, file, tokens), Wish(layer, leaf, unit, feature, top))
    if html is not None:
        from charrnn_inspect.neurons_page import write_page

        write_page(html, f"Units of run {session.run.name}", found)
        tell(f"wrote {html}")
    if json:
        record = found.record(activations=unit is not None)
        say_json({"run": session.run.name, **record})
        return
    from charrnn_inspect.neurons_terminal import print_ranking, print_text

    say(f"run {session.run.name}, {len(found.spelling.shown)} tokens of {_called(text, file)}")
    print_ranking(found)
    if html is None:
        print_text(found)


def _read(session: Session, text: str | None, file: str | None, most: int) -> Ids:
    """Return the ids of the text that was given, or of the one held back."""
    from charrnn.errors import never_seen
    from charrnn_inspect.held_back import held_back
    from charrnn_inspect.neurons import read_ids

    if text is None and file is None:
        assert session.run is not None
        return held_back(session.run)[:most]
    from charrnn.cli.prompts import read_text

    pieces = [text] if text is not None else read_text(file or "-", "--file")
    ids, more, unseen = read_ids(session, pieces, most)
    if unseen:
        tell(f"{never_seen(unseen)} of the text; replaced")
    if more:
        tell(f"read the first {most} tokens of the text; --tokens N reads more")
    return ids


def _called(text: str | None, file: str | None) -> str:
    if text is not None:
        return "the text"
    return {None: "the text held back", "-": "standard input"}.get(file) or str(file)
