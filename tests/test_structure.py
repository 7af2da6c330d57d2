"""What the design promises of the code itself."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import pytest

import charrnn

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "charrnn"

#: Imports point one way: a module imports from its own tier and those after it.
TIERS = [
    ["cli"],
    ["reporting"],
    ["testing", "scaffold"],
    ["observers"],
    ["training", "generation", "evaluation"],
    ["runs", "presets"],
    ["corpora", "model", "device"],
    ["cells", "tokenizers", "recurrence"],
    ["builtin", "plugins", "layers", "options"],
    ["registry", "settings", "hookspecs", "atomic", "strict_json", "strict_toml"],
    ["isolation", "units", "strict_file", "memory"],
    ["errors"],
]
#: The hook through which the built-in recipes are registered looks for their files; the hooks of observers name the
#: types of what they are given, for type checkers only.
ALLOWED = {("builtin", "corpora"), ("hookspecs", "model"), ("hookspecs", "runs"), ("hookspecs", "training")}


def sources():
    return sorted(PACKAGE.rglob("*.py"))


def tier(part):
    return next((number for number, parts in enumerate(TIERS) if part in parts), None)


def imported(path):
    """Modules of ours that a file imports when it is imported, or when its functions are called."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("charrnn."):
            yield node.module.split(".")[1]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    own = tier(part)
    if part in ("__init__", "__main__"):
        return
    assert own is not None, f"{part} has no tier: add it to TIERS"
    for other in imported(path):
        assert tier(other) >= own or (part, other) in ALLOWED, f"{part} imports {other}"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_can_be_read_at_a_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 320


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_unpickled_or_evaluated(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert name not in ("eval", "exec", "torch.load", "pickle.load", "pickle.loads"), f"line {node.lineno}"
        if isinstance(node, ast.keyword):
            assert node.arg != "trust_remote_code"
        if isinstance(node, ast.Import):
            assert not {alias.name for alias in node.names} & {"pickle", "dill", "marshal", "shelve"}


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_imported_from_click(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        assert not any(name == "click" or "._click" in name for name in names)


def test_the_distribution_is_named_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == charrnn.DISTRIBUTION


def test_everything_public_can_be_imported():
    for name in charrnn.__all__:
        assert getattr(charrnn, name) is not None
    assert set(charrnn.__all__) <= set(dir(charrnn))
    with pytest.raises(AttributeError, match="nothing"):
        _ = charrnn.nothing


def test_no_page_tells_people_to_install_somebody_else_s_package():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *sources()]
    for page in pages:
        assert "pip install charrnn" not in page.read_text(encoding="utf-8"), page


def test_constraints_fit_the_running_development_environment():
    """What CI tests is what the constraints say."""
    from importlib.metadata import PackageNotFoundError, version

    for line in (ROOT / "constraints.txt").read_text().splitlines():
        name, equals, wanted = line.partition("==")
        if not equals:
            continue
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        if sys.prefix == str(ROOT / ".venv"):
            assert found.split("+")[0] == wanted, name
