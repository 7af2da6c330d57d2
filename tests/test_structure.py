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
    ["isolation", "declaration", "units", "strict_file", "nesting", "memory"],
    ["launch"],
    ["errors", "controls", "command_line", "cores"],
]
#: The hook through which the built-in recipes are registered looks for their files; the hooks of observers name the
#: types of what they are given, for type checkers only.
ALLOWED = {("builtin", "corpora"), ("hookspecs", "model"), ("hookspecs", "runs"), ("hookspecs", "training")}


def sources():
    return sorted(PACKAGE.rglob("*.py"))


ALL_SOURCES = [*sources(), *sorted(ROOT.glob("plugins/*/charrnn_*/**/*.py"))]


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
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


#: Modules whose purpose it is to make objects, or code, of bytes.
UNPICKLERS = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle"}
#: What runs a text, under whatever name it is called.
EVALUATORS = {"eval", "exec", "execfile"}


def unpickling(tree):
    """What may run code that a file holds: imports, loaders, and flags that allow it."""
    torches = {"torch"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            torches |= {alias.asname for alias in node.names if alias.name == "torch" and alias.asname}
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name.split(".")[0] in UNPICKLERS or name == "torch.load")
        if isinstance(node, ast.Name) and node.id in EVALUATORS:
            yield node.id
        if isinstance(node, ast.Attribute) and node.attr in ("load", "jit", "package", "hub"):
            yield from [ast.unparse(node)] if ast.unparse(node.value) in torches else []
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            yield node.arg
        if isinstance(node, ast.keyword) and node.arg == "trust_remote_code":
            yield node.arg
        if isinstance(node, ast.Constant) and node.value in ("trust_remote_code", "allow_pickle"):
            yield node.value


@pytest.mark.parametrize("path", ALL_SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_unpickled_or_evaluated(path):
    assert not list(unpickling(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import os, dill",
        "import joblib.numpy_pickle",
        "torch.load(path)",
        "import torch as t; t.load(path)",
        "from torch import load",
        "torch.jit.load(path)",
        "torch.hub.load(name)",
        "np.load(path, allow_pickle=True)",
        "load(name, trust_remote_code=False)",
        "load(**{'trust_remote_code': True})",
        "eval(text)",
        "run = exec",
    ],
)
def test_what_would_be_is_found(source):
    assert list(unpickling(ast.parse(source)))
    assert not list(unpickling(ast.parse("model.eval(); re.compile(text); json.load(file); np.load(path)")))


def written(tree):
    """What writes to a terminal past the one way there: calls, streams that are written to or handed on, consoles."""
    harmless = set()
    for node in ast.walk(tree):
        is_question = isinstance(node, ast.Attribute) and node.attr in ("isatty", "fileno", "flush", "reconfigure")
        if is_question or (isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance"):
            harmless |= set(ast.iter_child_nodes(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in PRINTING:
            yield f"line {node.lineno}: {ast.unparse(node.func)}"
        if isinstance(node, ast.Attribute) and ast.unparse(node) in STREAMS and node not in harmless:
            yield f"line {node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.ImportFrom) and node.module in ("typer", "sys", "rich", "rich.console"):
            own = {alias.name for alias in node.names} & {"echo", "secho", "stdout", "stderr", "print", "Console"}
            yield from (f"line {node.lineno}: {name}" for name in own)


PRINTING = ("print", "input", "typer.echo", "typer.secho", "typer.confirm", "typer.prompt", "rich.print")
STREAMS = ("sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__")
#: Where what strangers wrote is made harmless, and what stands in for streams that are closed.
WRITERS = ("controls.py", "reporting/echo.py", "reporting/console.py", "__main__.py")


@pytest.mark.parametrize(
    "path",
    ALL_SOURCES,
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_there_is_one_way_to_the_terminal(path):
    if path not in [PACKAGE / name for name in WRITERS]:
        assert not list(written(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    "source",
    ["print(1)", "typer.echo('')", "sys.stdout.write('')", "Reporter(sys.stderr)", "from rich.console import Console"],
)
def test_another_way_to_the_terminal_is_found(source):
    assert list(written(ast.parse(source)))
    assert not list(written(ast.parse("sys.stdout.isatty() and isinstance(sys.stdout, io.TextIOWrapper)")))


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
