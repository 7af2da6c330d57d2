"""The arguments of every command, our own and those to come: their flags are read from the command line itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from charrnn.cli.app import make_app
from tests.fuzz.case import Arguments, Case, calls
from tests.fuzz.chance import Chance
from tests.fuzz.homes import HOMES, RUN, TEXT, Homes

#: Values that may well be right, by what the help calls a value.
_LIKELY = {
    "N": ("1", "2", "3", "10", "64"),
    "NUMBER": ("0", "0.1", "0.5", "1", "2.5"),
    "NUMBER,...": ("0", "0.5,1", "1,1,1"),
    "TIME": ("1s", "0.5", "1m"),
    "SIZE": ("1", "100", "1k", "1MB"),
    "KEY=VALUE": ("a=1", "activation=relu", "vocab_size=300", "=", "a"),
}
_WORDS = ("lstm", "gru", "char", "byte", "In the", "a", TEXT, RUN, "own", "tanh", "quick", "cpu", "train", "utf-8", "-")
#: What a command's argument may well be, by the command or by the group that it is in.
_RIGHT = {
    **dict.fromkeys(("sample", "eval", "runs"), (RUN,)),
    **dict.fromkeys(("train", "score", "corpora"), (TEXT, "own", "words")),
    "plugins": ("lstm", "char", "builtin"),
}
#: What keeps training short where nothing else is said.
(_SMALL,) = calls("--hidden 8 --embed 8 --layers 1 --seq-len 16 --batch-size 4 --steps 2")
#: Write into the settings of the person's shell.
_LEFT_OUT = {"--install-completion", "--show-completion"}


def make(chance: Chance, homes: Homes) -> Case:
    """Call a command with flags of its own, right and wrong ones."""
    # Who has the most flags is called the most.
    path, parameters = max(chance.sample(_commands(), k=2), key=lambda each: len(each[1]))
    given: list[str] = []
    for each in parameters:
        if each.param_type_name == "argument" and chance.happens(0.9):
            right = _RIGHT.get(path[0], _WORDS)
            given.append(chance.choice(right) if chance.happens(0.8) else chance.argument())
    left_out = _LEFT_OUT if chance.happens(0.1) else {*_LEFT_OUT, "--plugin", "--help"}
    options = [each for each in parameters if each.param_type_name == "option" and not left_out & {*each.opts}]
    for each in chance.choices(options, k=chance.choice((0, 1, 1, 2, 3))) if options else ():
        given += _option(chance, each)
    if chance.happens(0.1):
        given.insert(chance.randint(0, len(given)), chance.argument())
    if path == ("train",) and chance.happens(0.9):
        given = [*_SMALL, *given]
    stdin = chance.choice((b"", b"In the year\n", b"y\n"))
    return Case(chance.choice([*HOMES]), (*path, *given), stdin=stdin, asks=True)


def _option(chance: Chance, option: Any) -> list[str]:
    name = chance.choice([*option.opts, *option.secondary_opts])
    if getattr(option, "is_flag", False):
        return [name]
    value = _value(chance, option)
    return [f"{name}={value}"] if chance.happens(0.2) else [name, value]


def _value(chance: Chance, option: Any) -> str:
    if chance.happens(0.4):
        return chance.argument()
    called = option.metavar or ""
    if "|" in called:
        return chance.choice(called.split("|"))
    return chance.choice(_LIKELY.get(called, _WORDS))


@cache
def _commands() -> list[tuple[Arguments, list[Any]]]:
    return list(_below(make_app(), ()))


def _below(command: Any, path: Arguments) -> Iterator[tuple[Arguments, list[Any]]]:
    yield path, command.params
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            yield from _below(command.get_command(None, name), (*path, name))
