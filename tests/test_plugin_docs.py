"""docs/plugins: every hook and argument is there, and all of its code runs."""

from __future__ import annotations

import inspect
import re
import shlex

import pytest

from charrnn import hookspecs
from charrnn.plugins import plugins
from charrnn.testing import check_numpy_form
from tests.conftest import TINY
from tests.test_installed_plugins import ROOT, environment  # noqa: F401 - a fixture

PAGES = ROOT / "docs" / "plugins"
HOOKS = [name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), f"{hookspecs.PROJECT}_spec")]

#: What a hook is told of.
OF_EVENTS = {
    "run_started": "Started",
    "logged": "Logged",
    "evaluated": "Evaluated",
    "sampled": "Sampled",
    "run_finished": "Finished",
}
#: What uses the example of a page.
USES = {
    "register_cells": ["train", "words.txt", "--cell", "leaky", "--cell-option", "rate=0.9", *TINY, "--steps", "2"],
    "register_tokenizers": [
        "train",
        "words.txt",
        "--tokenizer",
        "letters",
        "--tokenizer-option",
        "extra=_",
        *TINY,
        "--steps",
        "2",
    ],
    "register_corpora": ["train", "counting", *TINY, "--steps", "2"],
    "register_warpers": ["sample", "words", "--warper", "lipogram", "--warper-option", "letter=a", "--length", "40"],
    "register_commands": ["alphabet", "words"],
}


def blocks(page, language):
    return re.findall(rf"```{language}(?: (\S+))?\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_and_argument_has_its_place(hook):
    page = (PAGES / f"{hook}.md").read_text(encoding="utf-8")
    arguments = list(inspect.signature(getattr(hookspecs, hook)).parameters)
    assert f"{hook}({', '.join(arguments)})" in page
    for argument in arguments:
        assert f"`{argument}" in page, argument
    assert f"({hook}.md)" in (PAGES / "README.md").read_text(encoding="utf-8")


def test_there_is_no_page_of_a_hook_that_is_none():
    assert {path.stem for path in PAGES.glob("*.md")} - {"README", "tutorial"} == set(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_of_a_page_works(hook, tmp_path, text_file, trained, cli, monkeypatch):
    (source,) = (source for name, source in blocks(f"{hook}.md", "python") if not name)
    (tmp_path / "example.py").write_text(source)
    if hook in ("register_warpers", "register_commands"):
        monkeypatch.setenv("CHARRNN_CHECKPOINTS", str(trained))
    use = USES.get(hook, ["train", "words.txt", *TINY, "--steps", "10", "--name", "observed"])
    result = cli("--plugin", "example.py", *use)
    assert result.code == 0, result.err
    assert "warning" not in result.err
    if hook == "register_warpers":
        assert "a" not in result.out
    if hook == "register_commands":
        assert "import" not in result.err
        assert result.out.startswith("'")
    written = {
        "run_started": "notes.txt",
        "phase_started": "parts.txt",
        "logged": "loss.txt",
        "evaluated": "best.txt",
        "sampled": "sample.txt",
        "run_finished": "end.txt",
    }
    if hook in written:
        assert (tmp_path / "checkpoints" / "observed" / written[hook]).read_text()


def test_the_numpy_form_of_the_page_is_that_of_its_cell():
    names: dict[str, object] = {}
    for _, source in blocks("register_cells.md", "python"):
        exec(source, names)
    check_numpy_form(names["Leaky"], names["LeakyForm"])
    check_numpy_form(names["Leaky"], names["LeakyForm"], rate=0.9)


def test_what_the_page_says_of_events_is_true():
    from dataclasses import fields

    from charrnn.training import events

    for hook, event in OF_EVENTS.items():
        row = next(line for line in (PAGES / f"{hook}.md").read_text().splitlines() if line.startswith("| `event`"))
        named = set(re.findall(r"`(\w+)`", row)) - {"event", "None"}
        assert named <= {each.name for each in fields(getattr(events, event))}, hook
        assert len(named) >= 2


def test_the_variables_are_all_there():
    from charrnn.isolation import RAISE, TRACE
    from charrnn.plugins.sources import FOLDER, ONLY

    page = (PAGES / "README.md").read_text()
    for variable in (RAISE, TRACE, FOLDER, ONLY):
        assert f"`{variable}" in page


def test_the_tutorial_ends_with_an_installed_package(environment, tmp_path, text_file):  # noqa: F811
    """Its files are written as they stand, its commands typed as they stand but for how long they train."""
    text_file.rename(tmp_path / "corpus.txt")
    page = (PAGES / "tutorial.md").read_text(encoding="utf-8")
    ran = []
    for language, name, content in re.findall(r"```(python|console)(?: (\S+))?\n(.*?)```", page, re.DOTALL):
        if language == "python":
            (tmp_path / name).write_text(content)
            continue
        for line in content.splitlines():
            words = shlex.split(line.removeprefix("$ "))
            ran.append(words[0])
            if words[0] == "pip":
                environment.install(tmp_path / words[-1])
                continue
            if "--time" in words:
                at = words.index("--time")
                words[at : at + 2] = [*TINY, "--steps", "3"]
            load = {"CHARRNN_LOAD_PLUGINS": "fading"}
            result = (
                environment.run(*words, env=load)
                if words[0] != "pytest"
                else environment.run(environment.python, "-m", "pytest", "-p", "no:cacheprovider", *words[1:], env=load)
            )
            assert result.code == 0, f"{line}: {result.out} {result.err}"
    assert ran.count("charrnn") >= 7
    assert {"pip", "pytest"} <= set(ran)


def test_the_commands_of_the_first_page_run(cli):
    for _, content in blocks("README.md", "console"):
        for line in content.splitlines():
            words = shlex.split(line.removeprefix("$ ").split("  #")[0])
            assert cli(*words[1:]).code == 0, line
    assert plugins()
