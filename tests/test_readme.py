"""What the README says is so: its commands run, its Python runs, its cell trains."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from charrnn.layers import flag
from charrnn.settings import CorpusSettings, ModelSettings, OptimizerSettings, StreamSettings
from tests.conftest import parquet
from tests.hub import Repository

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CORPORA = (ROOT / "docs" / "corpora.md").read_text(encoding="utf-8")
GENERATION = (ROOT / "docs" / "generation.md").read_text(encoding="utf-8")
LEARNING = (ROOT / "docs" / "learning.md").read_text(encoding="utf-8")
RUNS = (ROOT / "docs" / "runs.md").read_text(encoding="utf-8")
#: Commands of a shell that belong to the set-up, and the schematic ones at the top.
NOT_RUN_HERE = {"make demo", "make test", "charrnn train CORPUS"}


def blocks(language, page=README):
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


def commands(page=README):
    for block in blocks("console", page):
        for line in block.splitlines():
            command = line.removeprefix("$ ").split("  #")[0].strip()
            if command not in NOT_RUN_HERE:
                yield command


def quick(command):
    """Keep a command as it stands, but for how long it trains."""
    words = shlex.split(command)[1:]
    if words[0] == "train":
        for budget in ("--time", "--epochs", "--steps"):
            if budget in words:
                at = words.index(budget)
                del words[at : at + 2]
        words += ["--steps", "8" if "--resume" in words else "4"]
    return words


def test_every_command_runs(text_file, hub, online):
    text_file.rename("corpus.txt")
    ran = [command for command in commands() if command.startswith("charrnn ")]
    assert len(ran) >= 12
    # Some commands of the page sample from what those below them train, and some of these train what is made first.
    for command in sorted(ran, key=lambda each: ("plugins new" not in each, not each.startswith("charrnn train"))):
        finished = online(*quick(command))
        assert finished.code == 0, f"{command}: {finished.err}"


def test_every_command_of_the_guide_to_generation_runs(text_file, cli):
    text_file.rename("corpus.txt")
    ran = list(commands(GENERATION))
    assert len(ran) >= 15
    for command in ran:
        finished = cli(*quick(command))
        assert finished.code == 0, f"{command}: {finished.err}"
        assert finished.out or command.startswith(("charrnn train", "charrnn score corpus.txt --html"))


def test_every_command_of_the_guide_to_corpora_runs(text_file, hub, online):
    text_file.rename("corpus.txt")
    rows = [{"title": f"Title {n}", "body": f"body {n} of the rows, and more", "lang": "en"} for n in range(200)]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    hub.repositories["wikimedia/wikipedia"] = Repository(
        {
            "README.md": b"---\nconfigs:\n- config_name: 20231101.simple\n  data_files: simple.parquet\n---\n",
            "simple.parquet": parquet(text=[f"Article {n} is about {n * 7} things." for n in range(100)]),
        }
    )
    ran = list(commands(CORPORA))
    assert len(ran) >= 14
    for command in ran:
        finished = online(*quick(command))
        assert finished.code == 0, f"{command}: {finished.err}"


@pytest.mark.parametrize(("page", "least"), [(LEARNING, 3), (RUNS, 10)], ids=["learning", "runs"])
def test_every_command_of_a_guide_runs(page, least, text_file, cli):
    text_file.rename("corpus.txt")
    Path("songs.txt").write_text("Ἀχιλῆος, μῆνιν ἄειδε θεά\n" * 200, encoding="utf-8")
    ran = list(commands(page))
    assert len(ran) >= least
    for command in ran:
        finished = cli(*quick(command))
        assert finished.code == 0, f"{command}: {finished.err}"


def test_the_guide_to_learning_names_every_technique_and_none_that_is_not_there(cli):
    shape = {"cell", "cell_options", "layers", "hidden", "embed", "lr"}
    for name in {**ModelSettings.model_fields, **OptimizerSettings.model_fields}.keys() - shape:
        assert flag(name) in LEARNING, name
    shown = cli("train", "--help").out
    for name in set(re.findall(r"`(--[a-z-]+)", LEARNING)):
        assert name in shown, name


def test_the_guide_to_runs_names_every_flag_and_none_that_is_not_there(cli):
    for command in ("plot", "compare", "verify"):
        shown = cli("runs", command, "--help").out
        for name in set(re.findall(r"--[a-z]+", shown)) - {"--help", "--plugin"}:
            assert name in RUNS, name
    shown = "".join(
        cli(*words, "--help").out for words in (["runs", "plot"], ["runs", "compare"], ["runs", "verify"], ["train"])
    )
    for name in set(re.findall(r"`(--[a-z-]+)", RUNS)):
        assert name in shown, name


def test_the_guide_to_corpora_names_every_flag_and_none_that_is_not_there(cli):
    for name in {**CorpusSettings.model_fields, **StreamSettings.model_fields}:
        assert f"`{flag(name)}" in CORPORA or flag(name) in CORPORA, name
    shown = cli("train", "--help").out + cli("corpora", "show", "--help").out + cli("corpora", "new", "--help").out
    for name in set(re.findall(r"`(--[a-z-]+)", CORPORA)):
        assert name in shown, name


def test_the_guide_to_corpora_names_every_shipped_recipe():
    for path in (ROOT / "corpora").glob("*.toml"):
        assert f"`{path.stem}`" in CORPORA


def test_the_guide_s_python_runs(trained):
    (code,) = blocks("python", GENERATION)
    finished = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=trained.parent,
        env={**os.environ, "CHARRNN_CHECKPOINTS": str(trained)},
    )
    assert finished.returncode == 0, finished.stderr


def test_the_guide_names_every_flag_and_none_that_is_not_there(cli):
    from charrnn.generation.settings import SampleSettings

    for name in SampleSettings.model_fields:
        assert f"`{flag(name)}" in GENERATION or flag(name) in GENERATION, name
    shown = cli("sample", "--help").out + cli("score", "--help").out
    for name in set(re.findall(r"`(--[a-z-]+)", GENERATION)) - {"--device"}:
        assert name in shown, name


def test_the_commands_that_set_up_are_targets():
    makefile = (ROOT / "Makefile").read_text()
    for command in NOT_RUN_HERE:
        if command.startswith("make "):
            assert f"\n{command.removeprefix('make ')}:" in makefile


def test_the_python_runs(text_file):
    text_file.rename("corpus.txt")
    code = next(block for block in blocks("python") if "session" in block).replace('time="10s"', "steps=5")
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


def test_the_cell_trains(text_file, installed, program):
    text_file.rename("corpus.txt")
    installed("my_leaky", next(block for block in blocks("python") if "Leaky" in block))
    command = re.search(r"`charrnn (train corpus.txt --cell leaky [^`]*)`", README)[1]
    finished = program(*shlex.split(command), "--steps", 4)
    assert finished.code == 0, finished.err


def test_links_and_pictures_exist():
    for page in [ROOT / "README.md", *ROOT.glob("docs/*.md"), ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_pages_are_free_of_left_overs(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "TODO" not in text
    assert "_HERE" not in text
