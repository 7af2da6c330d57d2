"""Recipes as TOML files: found, read and checked, written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from charrnn.corpora.recipe.recipe import FILLED, HUB, OF_THE_HUB, BrokenRecipe, Recipe
from charrnn.corpora.recipe.split_map import is_split_name, parse_part
from charrnn.corpora.rows.template import Template
from charrnn.errors import CharrnnError, CorpusError, UsageError, near_names
from charrnn.options import check
from charrnn.strict_toml import read_toml

#: Where a person's own recipes lie.
OWN = Path("corpora")
#: What a corpus can be called: names are typed, and become parts of file names.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def recipes() -> list[Recipe | BrokenRecipe]:
    """Read every recipe, a person's own in place of a shipped one of the same name."""
    found: dict[str, Recipe | BrokenRecipe] = {}
    for path in recipe_files():
        recipe = _read_or_broken(path)
        if path.stem == recipe.name or recipe.name not in found:
            found[recipe.name] = recipe
    return list(found.values())


def recipe_files() -> list[Path]:
    """Find the shipped recipes, and after them a person's own."""
    shipped = _shipped()
    folders = [shipped] if OWN.resolve() == shipped.resolve() else [shipped, OWN]
    return [path for folder in folders for path in sorted(folder.glob("*.toml"))]


def read_recipe(path: Path) -> Recipe:
    """Read one recipe file.

    Raises:
        CorpusError: it is not there, is not TOML, or has a name that no corpus can have.
        UsageError: a key is unknown, missing or wrong, or two contradict each other.
    """
    try:
        declared = read_toml(path)
    except FileNotFoundError:
        siblings = [each.name for each in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        raise CorpusError(f"there is no recipe {path}: {near_names(path.name, siblings)}") from None
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        raise CorpusError(f"the recipe {path} cannot be read: {told}") from error
    check_name(path.stem, str(path))
    if "name" in declared:
        raise UsageError(f"{path}: name is the file's own, '{path.stem}'; remove it, or rename the file")
    recipe = check(Recipe, {**declared, "name": path.stem}, label=lambda key: f"{path}: {key}")
    try:
        _check_whole(recipe)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    return recipe


def check_name(name: str, label: str) -> None:
    """Make sure that a corpus can be called so.

    Raises:
        CorpusError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise CorpusError(f"{label}: {name!r} is no name for a corpus: use letters, digits, '-', '_' and '.'")


def toml(values: Mapping[str, str]) -> str:
    """Write texts as TOML, one a line.

    Raises:
        UsageError: a text holds a lone surrogate, as names from a terminal do that are not UTF-8.
    """
    return "".join(f"{key} = {_basic_string(value)}\n" for key, value in values.items())


def _basic_string(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{text!r} is not UTF-8, which a recipe has to be; give another") from None
    # JSON and TOML escape alike, but for this one.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _check_whole(recipe: Recipe) -> None:
    """Check what one key means for another."""
    if recipe.source != HUB:
        for key in OF_THE_HUB:
            if getattr(recipe, key):
                raise UsageError(f'{key} is for source = "{HUB}", and this one\'s is "{recipe.source}"; remove it')
    elif recipe.dataset is None:
        raise UsageError('it names no dataset; add: dataset = "OWNER/NAME"')
    if recipe.column is not None and recipe.template is not None:
        raise UsageError("column and template cannot both be given; remove one")
    if recipe.template is not None and not Template(recipe.template, "template").names:
        raise UsageError(f"template {recipe.template!r} names no column; write one in braces, such as {{text}}")
    for column, value in recipe.filter.items():
        if not isinstance(value, str | int | float):
            raise UsageError(f"filter.{column} {value!r}: should be a text, a number, true or false")
    for own, text in recipe.splits.items():
        if not is_split_name(own):
            raise UsageError(f"splits: {own!r} is no name for a split; use letters, digits and '_'")
        try:
            parse_part(text)
        except UsageError as error:
            raise UsageError(f"splits.{own}: {error}") from None
    if recipe.splits and "train" not in recipe.splits:
        raise UsageError(f"splits has {', '.join(recipe.splits)}, and no train; add it")
    _check_parameters(recipe)


def _check_parameters(recipe: Recipe) -> None:
    used: set[str] = set()
    for key in FILLED:
        text = getattr(recipe, key)
        if text is None:
            continue
        for name in Template(text, key).names:
            if name not in recipe.parameters:
                raise UsageError(f"{key} {text!r}: no parameter is called '{name}': {_near(name, recipe)}")
            used.add(name)
    for name, default in recipe.parameters.items():
        if not name.isidentifier() or name == "settings":
            raise UsageError(f"parameters: {name!r} is no name for one; use letters, digits and '_'")
        if not isinstance(default, str | int | float):
            raise UsageError(f"parameters.{name} {default!r}: its default should be a text or a number")
        if name not in used:
            raise UsageError(f"parameters.{name} is used nowhere; write {{{name}}} into dataset, config or revision")


def _near(name: str, recipe: Recipe) -> str:
    return near_names(name, recipe.parameters) + ("" if recipe.parameters else "; give its default in [parameters]")


def _read_or_broken(path: Path) -> Recipe | BrokenRecipe:
    try:
        return read_recipe(path)
    except CharrnnError as error:
        # It has to have a name that can be registered, or nobody would hear of it.
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-._")[:100] or "unnamed"
        return BrokenRecipe(name, error)


def _shipped() -> Path:
    """Return the recipes in the wheel, or those of the checkout that this file is in."""
    packaged = Path(__file__).parent / "shipped"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "corpora"
