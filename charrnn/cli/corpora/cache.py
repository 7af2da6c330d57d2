"""``charrnn corpora cache``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from charrnn.cli.parameters import Json
from charrnn.reporting.echo import say, say_json, tell

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Show and clear what was made of corpora.")


@app.command("list")
def list_(json: Json = False) -> None:
    """List what the cache holds: all of it can be made again from the corpora."""
    from charrnn.corpora.cache import cache_directory
    from charrnn.corpora.cache_contents import cache_contents

    found = cache_contents()
    if json:
        say_json([asdict(each) for each in found])
        return
    from charrnn.reporting.corpora import print_cache

    print_cache(found, cache_directory())


@app.command()
def clear(
    corpus: Annotated[
        str | None,
        typer.Argument(
            metavar="CORPUS", help="Only what was made of this one, by its name in the list.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Remove what the cache holds. Runs stay as they are; resuming one reads its corpus again."""
    from charrnn.corpora.cache_contents import cache_contents, clear_cache
    from charrnn.errors import CorpusError, near_names

    known = {each.corpus for each in cache_contents() if each.corpus}
    if corpus is not None and corpus not in known:
        raise CorpusError(f"the cache holds nothing of '{corpus}': {near_names(corpus, known)}")
    removed, left = clear_cache(corpus)
    if json:
        say_json({"removed": [*map(asdict, removed)], "left": [*map(asdict, left)]})
        return
    from charrnn.reporting.text import megabytes

    say(f"removed {len(removed)}, {megabytes(sum(each.size for each in removed))}")
    for each in left:
        tell(f"left {each.path}: another process is making it")
