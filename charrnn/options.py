"""Values that people write: checked against their declaration, with errors that name the value and the remedy."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from charrnn.controls import shortened
from charrnn.errors import UsageError, near_names
from charrnn.registry import Entry

Model = TypeVar("Model", bound=BaseModel)


def check(model: type[Model], values: Mapping[str, Any], label: Callable[[str], str] = str) -> Model:
    """Validate ``values`` as ``model``.

    Args:
        model: the declaration.
        values: by name.
        label: how the person wrote a name, such as ``--seq-len``.

    Raises:
        UsageError: one line on the first value that is wrong.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        # A misspelt name leaves another missing: tell of the name first.
        first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        path = [str(each) for each in first["loc"]]
        nested = bool(path) and isinstance(values.get(path[0]), Mapping)
        name = shortened(".".join(path) if nested else "".join(path[:1]))
        if first["type"] == "extra_forbidden":
            raise UsageError(f"no setting is called '{label(name)}': {near_names(name, model.model_fields)}") from None
        if first["type"] == "missing":
            raise UsageError(f"{label(name)} is missing") from None
        raise UsageError(f"{label(name)} {_shown(first['input'])}: {_lowered(first['msg'])}") from None


def parse_pairs(pairs: list[str], flag: str) -> dict[str, str]:
    """Read ``key=value`` texts.

    Raises:
        UsageError: one has no ``=``, or a key has two values.
    """
    options: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"{flag} '{pair}': should be key=value, such as {flag} name=1")
        name = key.strip()
        if options.get(name, value) != value:
            raise UsageError(f"{flag} {name}: is given as '{options[name]}' and as '{value}'; leave one out")
        options[name] = value
    return options


def check_options(entry: Entry, function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Check the options of a registered name against the parameters of what takes them, and convert them.

    Only parameters with a default are options; the others are the contract's.

    Raises:
        UsageError: an unknown option (with the near names), or a value of the wrong type.
    """
    takes = option_parameters(entry, function)
    takes_any = any(each.kind is each.VAR_KEYWORD for each in inspect.signature(function).parameters.values())
    checked = {}
    for written, value in options.items():
        name = written.replace("-", "_")
        if name not in takes:
            if takes_any:
                checked[name] = value
                continue
            raise UsageError(
                f"{entry.kind} '{entry.name}' has no option '{shortened(name)}': {near_names(name, takes)}"
            )
        try:
            checked[name] = TypeAdapter(takes[name].annotation).validate_python(value)
        except ValidationError as error:
            message = _lowered(error.errors()[0]["msg"])
            raise UsageError(
                f"option {name}={shortened(str(value))} of {entry.kind} '{entry.name}': {message}"
            ) from None
    return checked


def option_parameters(entry: Entry, function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters with a default, each with its type: that of the default, where none is declared.

    Raises:
        PluginError: the types cannot be read.
    """
    with entry.blamed():
        parameters = inspect.signature(function, eval_str=True).parameters
    return {
        name: each.replace(annotation=type(each.default)) if each.annotation is each.empty else each
        for name, each in parameters.items()
        if each.default is not each.empty
    }


def option_function(entry: Entry) -> Callable[..., Any]:
    """Return what takes the options of a registered name.

    A corpus may be anything that can be called; a recipe, whose parameters are in its file, says itself.
    """
    target = entry.load()
    made: Callable[..., Any] = target.__init__ if inspect.isclass(target) else target
    own = {"tokenizer": "train", "corpus": "option_function"}
    return getattr(target, own[entry.kind], made) if entry.kind in own else made


def _shown(value: object) -> str:
    return repr(shortened(str(value)))


def _lowered(message: str) -> str:
    return message.removeprefix("Input ").removeprefix("String ").removeprefix("Value error, ")
