"""Fills the templates of a plugin in, and writes them."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

import charrnn
from charrnn.atomic import write_directory, write_file
from charrnn.command_line import command_line, quoted
from charrnn.errors import UsageError, near_names
from charrnn.plugins import plugins

#: Each kind that there is a template for, and the registry that its names go to.
KINDS = {"cell": "cells", "tokenizer": "tokenizers", "corpus": "corpora", "warper": "warpers"}

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Made:
    """What was written, and what its author types next."""

    path: Path
    next_commands: list[str]


def scaffold(name: str, kind: str, directory: Path, *, single_file: bool) -> Made:
    """Write a plugin that works.

    Args:
        name: of what it registers.
        kind: one of :data:`KINDS`.
        directory: where its folder, or its file, is made.
        single_file: whether it is one file for ``--plugin`` in place of an installable package.

    Raises:
        UsageError: the name or kind is none, or is taken.
    """
    if kind not in KINDS:
        raise UsageError(f"--kind '{kind}': {near_names(kind, KINDS)}")
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no name for a {kind}: use small letters, digits and '-', such as my-{kind}")
    registry = plugins().registry(KINDS[kind])
    if name in registry:
        raise UsageError(f"the {kind} '{name}' is {registry[name].owner}'s already; take another name")
    module = name.replace("-", "_")
    if keyword.iskeyword(module):
        raise UsageError(f"'{name}' is a word of Python's own; take another name")
    path = directory / (f"{module}.py" if single_file else f"charrnn-{name}")
    if path.exists():
        raise UsageError(f"'{path}' exists; remove it, or take another name or --directory")
    values = {
        "name": name,
        "class": "".join(part.capitalize() for part in name.split("-")),
        "module": module if single_file else f"charrnn_{module}",
        "distribution": f"charrnn-{name}",
        "charrnn": charrnn.DISTRIBUTION,
        "versions": _compatible_versions(),
        "use": _use(kind, name),
        "kind": kind,
        "hook": f"register_{KINDS[kind]}",
    }
    return _single_file(path, kind, values) if single_file else _package(path, kind, values)


def _single_file(path: Path, kind: str, values: dict[str, str]) -> Made:
    hook = _fill("hook.py", values, target=values["class"])
    body = _fill(f"{kind}.py", values, also=", hookimpl")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, f"{_fill('header.txt', values)}\n{body}\n\n{hook}".encode())
    return Made(path, [command_line("plugins", "check", path), _use(kind, values["name"], plugin=path)])


def _package(path: Path, kind: str, values: dict[str, str]) -> Made:
    module = values["module"]
    target = f'"{module}.{kind}:{values["class"]}"'
    init = _fill("package.py", values) + "\n\n" + _fill("hook.py", values, target=target)
    contents = {
        "pyproject.toml": _fill("pyproject.toml", values),
        "README.md": _fill("README.md", values, path=path.name),
        f"{module}/__init__.py": init,
        f"{module}/{kind}.py": _fill(f"{kind}.py", values, also=""),
        f"tests/test_{module}.py": _fill("test.py", values),
    }

    def fill(directory: Path) -> None:
        for name, content in contents.items():
            file = directory / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")

    path.parent.mkdir(parents=True, exist_ok=True)
    write_directory(path, fill)
    place = quoted(str(path))
    return Made(path, [f"pip install --editable {place}", f"pytest {place}", values["use"]])


def _use(kind: str, name: str, plugin: Path | None = None) -> str:
    """Return what a person types to use what is made."""
    if kind == "corpus":
        return command_line("train", name, plugin=plugin)
    if kind == "warper":
        return command_line("sample", warper=name, plugin=plugin)
    return command_line("train", "CORPUS", **{kind: name}, plugin=plugin)


def _fill(template: str, values: dict[str, str], **more: str) -> str:
    text = (files(__package__ or "") / "templates" / f"{template}.template").read_text(encoding="utf-8")
    return Template(text).substitute(values, **more)


def _compatible_versions() -> str:
    """Return a requirement on this version of charrnn and those after it that keep its hooks."""
    major, minor, *_ = charrnn.__version__.split(".")
    return f">={major}.{minor},<{major}.{int(minor) + 1}" if major == "0" else f">={major}.{minor},<{int(major) + 1}"
