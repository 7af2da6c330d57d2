"""``charrnn plugins``."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer

from charrnn.cli.completion import complete_any
from charrnn.cli.parameters import Json
from charrnn.errors import ExitCode
from charrnn.plugins import plugins
from charrnn.registry import Entry
from charrnn.reporting.echo import say, say_json, tell

app = typer.Typer(no_args_is_help=True, add_completion=False, help="List, show, make and check plugins.")
_Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A plugin's name, or a cell's, tokenizer's, corpus's or warper's.",
        autocompletion=complete_any,
    ),
]


@app.command("list")
def list_(json: Json = False) -> None:
    """List plugins, what each offers, and what is wrong with it."""
    rows = _rows()
    if json:
        say_json(rows)
        return
    from charrnn.reporting.tables import print_table

    print_table(
        ["plugin", "from", "offers", "problems"],
        [
            [
                row["plugin"],
                f"{row['distribution']} {row['version']}".strip() or row["place"],
                "; ".join(f"{kind} {', '.join(names)}" for kind, names in row["offers"].items()),
                "; ".join(row["problems"]),
            ]
            for row in rows
        ],
    )


@app.command()
def show(name: _Name, json: Json = False) -> None:
    """Show what a plugin offers, or what a name stands for, with its options."""
    shown = [_describe(entry) for entry in plugins().find(name)]
    if json:
        say_json(shown)
        return
    from charrnn.reporting.tables import print_table

    for number, each in enumerate(shown):
        if number:
            say()
        say(f"{each['kind']} {each['name']}: {each['summary']}")
        came = f", {each['distribution']} {each['version']}" if each["distribution"] else ""
        say(f"from plugin {each['plugin']}{came}")
        if each["options"]:
            rows = [[each["flag"], option["name"], option["type"], option["default"]] for option in each["options"]]
            print_table(["", "option", "type", "default"], rows)


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the cell (or other kind) is to be called.")],
    kind: Annotated[str, typer.Option(help="cell, tokenizer, corpus or warper.")] = "cell",
    single_file: Annotated[bool, typer.Option("--single-file", help="Write one .py file, for --plugin.")] = False,
    directory: Annotated[Path, typer.Option(help="Where to write it.")] = Path(),
) -> None:
    """Make a plugin to start from: a package with tests that pass, or a single file."""
    from charrnn.scaffold import scaffold

    made = scaffold(name, kind, directory, single_file=single_file)
    tell(f"wrote {made.path}")
    for command in made.next_commands:
        say(command)


@app.command()
def check(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="A name, a plugin's name, or a .py file: all that it offers is checked.",
            autocompletion=complete_any,
        ),
    ],
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="An option of what is checked.", show_default=False),
    ] = None,
    speed: Annotated[bool, typer.Option(help="Measure a cell's speed as well.")] = True,
    json: Json = False,
) -> int:
    """Run the conformance kit, and print what holds and what does not, with the smallest failing case."""
    from charrnn.options import check_options, option_function, parse_pairs
    from charrnn.reporting.checks import print_report
    from charrnn.testing.report import examine

    if target.endswith(".py"):
        plugins().add(target)
        target = Path(target).stem
    entries = plugins().find(target)
    given = parse_pairs(option or [], "--option")
    reports = []
    for entry in entries:
        options = check_options(entry, option_function(entry), given)
        reports.append(examine(entry, options, speed=speed))
        if not json:
            print_report(reports[-1])
    if json:
        say_json([each.to_dict() for each in reports])
    return ExitCode.DONE if all(each.holds for each in reports) else ExitCode.TOLD_ERROR


def _rows() -> list[dict[str, Any]]:
    """Sum each plugin up, the broken ones too."""
    found = plugins()
    entries = found.entries()
    commands = [each.owner.plugin for each in found.implementations("register_commands")]
    rows = []
    for source in found.sources:
        offers: dict[str, list[str]] = {}
        for entry in entries:
            if entry.owner.plugin == source.owner.plugin:
                offers.setdefault(entry.kind, []).append(entry.name)
        if source.owner.plugin in commands:
            offers["commands"] = ["see charrnn --help"]
        rows.append(
            {
                "plugin": source.owner.plugin,
                "distribution": source.owner.distribution,
                "version": source.owner.version,
                "place": source.place,
                "offers": offers,
                "problems": [each.told for each in found.problems if each.plugin == source.owner.plugin],
            }
        )
    return rows


def _describe(entry: Entry) -> dict[str, Any]:
    from charrnn.options import option_function, option_parameters

    parameters = option_parameters(entry, option_function(entry))
    return {
        "kind": entry.kind,
        "name": entry.name,
        "summary": entry.summary,
        "plugin": entry.owner.plugin,
        "distribution": entry.owner.distribution,
        "version": entry.owner.version,
        "flag": f"--{entry.kind}-option",
        "options": [
            {"name": each.name, "type": _type(each.annotation), "default": _json(each.default)}
            for each in parameters.values()
        ],
    }


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return "|".join(map(str, get_args(annotation)))
    if get_origin(annotation) in (Union, UnionType):
        return "|".join(_type(each) for each in get_args(annotation) if each is not NoneType)
    return annotation.__name__ if inspect.isclass(annotation) else str(annotation)


def _json(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
