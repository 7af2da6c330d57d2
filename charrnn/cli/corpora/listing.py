"""``charrnn corpora list``."""

from __future__ import annotations

from charrnn.cli.parameters import Json
from charrnn.plugins import plugins
from charrnn.reporting.echo import say_json

#: What a recipe says of a corpus; a plugin's corpus may say it as well, by attributes of these names.
FACTS = ("licence", "language", "size")


def list_(json: Json = False) -> None:
    """List the corpora that have a name."""
    entries = list(plugins().corpora)
    if json:
        say_json(
            [
                {
                    "name": each.name,
                    "summary": each.summary,
                    "plugin": each.owner.plugin,
                    **{fact: _fact(each.target, fact) for fact in FACTS},
                }
                for each in entries
            ]
        )
        return
    from charrnn.reporting.tables import print_table

    print_table(["name", "what it is"], [[each.name, each.summary] for each in entries])


def _fact(target: object, name: str) -> str | None:
    """Read it without importing anything: a target may still be the name of a module."""
    fact = None if isinstance(target, str) else getattr(target, name, None)
    return fact if isinstance(fact, str) else None
