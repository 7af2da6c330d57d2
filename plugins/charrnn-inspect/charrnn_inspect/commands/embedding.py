"""``charrnn inspect embedding``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from charrnn.reporting.echo import say, say_json, say_lines
from charrnn_inspect.commands.parameters import Checkpoints, Json, RunArgument
from charrnn_inspect.commands.pictures import write_pictures

app = typer.Typer(add_completion=False)


@app.command()
def embedding(
    run: RunArgument = None,
    of: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TOKEN",
            help="Only the neighbours of this; may be given many times. \\n is the newline, ␣ the space.",
            show_default=False,
        ),
    ] = None,
    top: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="How many neighbours of each.")] = 5,
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the map as a picture.", show_default=False)
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the map as a picture.", show_default=False)
    ] = None,
    checkpoints: Checkpoints = None,
    json: Json = False,
) -> None:
    """Show which tokens are near to which in a run's embedding, and a map of them.

    Near is what has a large cosine of the angle between the vectors; the map is their first two principal components.

    charrnn inspect embedding RUN --of e --of A

    charrnn inspect embedding RUN --png map.png
    """
    import charrnn
    from charrnn_inspect.embedding import neighbours, open_embedding, principal_components
    from charrnn_inspect.embedding_figure import write_map

    session = charrnn.load(run, checkpoints=checkpoints)
    assert session.run is not None
    found = open_embedding(session)
    tokens = [found.find(each) for each in dict.fromkeys(of)] if of else range(len(found.names))
    ids, cosines = neighbours(found.vectors, tokens, top)
    places, shares = principal_components(found.vectors)
    count, features = found.vectors.shape
    title = f"run {session.run.name}, {count} tokens in {features} dimensions"
    named = list(zip(found.texts, found.names, strict=True))
    write_pictures(svg, png, lambda path, kind: write_map(path, kind, title, named, places, shares))
    if json:
        rows = [
            {
                "id": token,
                "text": found.texts[token],
                "place": places[token].tolist(),
                "neighbours": [
                    {"id": int(other), "text": found.texts[other], "cosine": float(cosine)}
                    for other, cosine in zip(*near, strict=True)
                ],
            }
            for token, near in zip(tokens, zip(ids, cosines, strict=True), strict=True)
        ]
        say_json({"run": session.run.name, "variance": shares.tolist(), "tokens": rows})
        return
    from charrnn.reporting.tables import print_table
    from charrnn_inspect.embedding_map import draw_map

    say(title)
    shown = [
        [f"{found.names[other]} {cosine:.2f}" for other, cosine in zip(*near, strict=True)]
        for near in zip(ids, cosines, strict=True)
    ]
    print_table(
        ["token", *["nearest"] * bool(ids.size), *[""] * (ids.shape[1] - 1)],
        [[found.names[token], *row] for token, row in zip(tokens, shown, strict=True)],
    )
    if not of:
        say_lines(f"\nprincipal components: {shares[0]:.0%} of the variance to the right, {shares[1]:.0%} up\n")
        say_lines(draw_map(found.names, places))
