"""Command-line parameters made from the settings' declarations."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from charrnn.cli.completion import complete_runs, completes
from charrnn.declaration import Options, Settings
from charrnn.layers import PAIRS, flag
from charrnn.options import parse_pairs
from charrnn.runs.place import ENVIRONMENT
from charrnn.units import parse_duration, parse_size

Command = Callable[..., Any]

#: What reads a value that is written in units, and how that is called in a help.
_READERS: dict[Any, str] = {parse_duration: "TIME", parse_size: "SIZE"}

Checkpoints = Annotated[
    Path | None,
    typer.Option(
        "--checkpoints",
        help=f"Directory of the runs (default: {ENVIRONMENT}, else ./checkpoints).",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RunArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="A run's name or directory (default: the latest).",
        show_default=False,
        autocompletion=complete_runs,
    ),
]


def takes_settings(panels: Mapping[str, type[Settings]], but: Collection[str] = ()) -> Callable[[Command], Command]:
    """Give a command one flag a setting, in place of its ``**settings``.

    Values come as they were written; the settings' own check reads them, so that a flag and a file agree on what is
    right.

    Args:
        panels: groups of settings by their heading in the help.
        but: settings that this command has no flag for.
    """

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        own = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
        made = [
            _parameter(name, field, panel)
            for panel, group in panels.items()
            for name, field in group.model_fields.items()
            if name not in but
        ]
        parameters = [*own, *made]
        command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {each.name: each.annotation for each in parameters}
        return command

    return decorate


def read_flags(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what was not given, and read ``key=value`` lists."""
    given = {name: value for name, value in settings.items() if value not in (None, [])}
    return {
        name: parse_pairs(value, flag(name)) if isinstance(value, list) and name.endswith(PAIRS) else value
        for name, value in given.items()
    }


def without(given: Mapping[str, Any], *groups: type[Settings]) -> dict[str, Any]:
    """Drop the flags of groups of settings."""
    return {name: value for name, value in given.items() if not any(name in group.model_fields for group in groups)}


def _parameter(name: str, field: FieldInfo, panel: str) -> inspect.Parameter:
    options, many = field.annotation == Options, _is_repeatable(field)
    switch = field.annotation in (bool, bool | None)
    option = typer.Option(
        f"{flag(name)}/--no-{name.replace('_', '-')}" if switch else flag(name),
        help=_help(field),
        metavar="KEY=VALUE" if options else None if switch else _metavar(field),
        rich_help_panel=panel,
        show_default=False,
        autocompletion=_completion(field),
        callback=unescape if _extra(field).get("escapes") else None,
    )
    kind: Any = bool | None if switch else list[str] | None if options or many else str | None
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option])


def _is_repeatable(field: FieldInfo) -> bool:
    """Tell whether the flag may be given many times: for texts. Numbers come as a list with commas."""
    return get_origin(field.annotation) is tuple and _element(field.annotation) is str


def _element(annotation: Any) -> Any:
    """Return the type of what a tuple holds, without what is noted on it."""
    inner = get_args(annotation)[0]
    return get_args(inner)[0] if get_origin(inner) is Annotated else inner


def _completion(field: FieldInfo) -> Callable[[str], list[tuple[str, str]]] | None:
    names = _extra(field).get("names")
    return completes(str(names)) if names else None


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def unescape(value: str | None) -> str | None:
    r"""Read ``\n``, ``\t`` and ``\\`` in a flag: a shell hands them over as they were typed."""
    signs = {"n": "\n", "t": "\t", "\\": "\\"}
    return value and re.sub(r"\\([nt\\])", lambda found: signs[found[1]], value)


def _help(field: FieldInfo) -> str:
    text = field.description or ""
    text = text[0].upper() + text[1:]
    if _is_repeatable(field):
        return f"{text}; may be given many times."
    if field.default in (None, {}, False) or "(default" in text:
        return f"{text}."
    shown = ",".join(map(_shown, field.default)) if isinstance(field.default, tuple) else _shown(field.default)
    return f"{text} (default: {shown})."


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _metavar(field: FieldInfo) -> str:
    annotation = field.annotation
    kinds = [each for each in get_args(annotation) if each is not type(None)] or [annotation]
    kind = kinds[0]
    if get_origin(annotation) is Literal:
        return "|".join(map(str, get_args(annotation)))
    if get_origin(annotation) is tuple:
        kind = _element(annotation)
        return {float: "NUMBER,..."}.get(kind, "TEXT")
    for noted in (*field.metadata, *get_args(kind)[1:]):
        if getattr(noted, "func", None) in _READERS:
            return _READERS[noted.func]
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return {int: "N", float: "NUMBER"}.get(kind, "TEXT")
