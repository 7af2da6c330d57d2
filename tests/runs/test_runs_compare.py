"""``charrnn runs compare``: what came of each run, where they differ, and whether their losses compare."""

from __future__ import annotations

import json
import shutil

import pytest

import charrnn
from charrnn.runs.run import Run
from tests.conftest import TINY
from tests.forging import forge_config, forge_state
from tests.runs.test_runs_plot import COLOUR
from tests.terminal import on_a_terminal

#: The best evaluation of a run that has none yet.
NONE = {"step": None}


@pytest.fixture
def make(trained, tmp_path):
    """Make a run like the trained one, but for some settings, what its best evaluation found, and its corpus."""

    def run(name, best=None, corpus=None, **settings):
        path = tmp_path / "checkpoints" / name
        shutil.copytree(trained / "words", path)

        def like(config):
            config["settings"] |= settings
            for split in config["corpus"]["splits"].values():
                split |= corpus or {}

        def scored(state):
            state["best"] = {} if best == NONE else state["best"] | (best or {})

        forge_config(path, like)
        forge_state(path, scored)
        return Run(path)

    return run


def rows(result):
    return {row["name"]: row for row in result.json()["runs"]}


def test_the_best_run_comes_first_and_one_that_was_not_evaluated_last(make, cli):
    make("worse", {"bits_per_char": 4.5})
    make("young", NONE)
    make("better", {"bits_per_char": 3.5})
    shown = cli("runs", "compare").out.splitlines()
    assert [line.split()[0] for line in shown] == ["name", "better", "worse", "young"]
    assert "3.5000" in shown[1]


def test_a_run_is_summed_up_as_it_was_trained(trained, cli):
    (row,) = cli("runs", "compare", "--checkpoints", trained, "--json").json()["runs"]
    state = Run(trained / "words").state()
    session = charrnn.load("words", checkpoints=trained)
    lines = map(json.loads, (trained / "words" / "metrics.jsonl").read_text().splitlines())
    rates = [line["chars_per_second"] for line in lines if line["kind"] == "train"]
    assert row["parameters"] == sum(each.size for each in session.run.best_arrays().values())
    assert (row["cell"], row["layers"], row["hidden"], row["steps"]) == ("lstm", 2, 32, 60)
    assert row["seconds"] == state["seconds"]
    assert row["bits_per_char"] == state["best"]["bits_per_char"]
    assert row["nats_per_token"] == state["best"]["nats_per_token"]
    assert row["chars_per_second"] == pytest.approx(len(rates) / sum(1 / rate for rate in rates))
    assert row["validated_on"]["scored"] == state["best"]["tokens"]
    assert row["settings"] == {}


def test_only_settings_that_differ_have_a_column(make, cli):
    make("one", lr=0.01, cell="gru", cell_options={})
    make("two", lr=0.00001, cell="rnn", cell_options={"activation": "relu"})
    heading, *lines = cli("runs", "compare").out.splitlines()
    assert heading.split()[-2:] == ["--cell-option", "--lr"] or heading.split()[-2:] == ["--lr", "--cell-option"]
    (two,) = (line for line in lines if line.startswith("two"))
    assert "1e-05" in two
    assert "activation=relu" in two
    result = cli("runs", "compare", "--json")
    assert set(result.json()["differing"]) == {"lr", "cell_options"}
    assert rows(result)["one"]["settings"] == {"lr": 0.01, "cell_options": {}}


@pytest.mark.parametrize(
    ("best", "corpus"),
    [({"tokens": 50}, {}), ({}, {"sha256": "a" * 64}), ({"tokens": 50}, {"sha256": "a" * 64})],
)
def test_losses_on_different_text_are_told_of(best, corpus, make, cli):
    make("one")
    make("two")
    make("other", best, corpus)
    result = cli("runs", "compare")
    assert result.code == 0
    assert result.told.startswith("losses on different text do not compare: ")
    assert "one, two on" in result.told or "two, one on" in result.told
    assert cli("runs", "compare", "--json").json()["comparable"] is False
    assert cli("runs", "compare", "one", "two").err == ""
    assert cli("runs", "compare", "one", "two", "--json").json()["comparable"] is True


#: A corpus that has a validation split of its own.
SPLIT = """
from charrnn import Corpus, hookimpl

class Split(Corpus):
    name = "split"
    def __init__(self, settings):
        pass
    def splits(self):
        return ("train", "validation")
    def read(self, split):
        return iter([open("words.txt").read() if split == "train" else "def validate(it): return it\\n" * 9])
    def provenance(self):
        return {"source": "a test"}

@hookimpl
def register_corpora(register):
    register("split", Split)
"""


def test_another_cut_of_the_same_text_compares_only_where_all_of_it_was_scored(tmp_path, text_file, cli):
    (tmp_path / "split.py").write_text(SPLIT)
    pieces = ["--tokenizer", "sentencepiece", "--tokenizer-option", "vocab_size=400"]
    all_of_it, some = ["--eval-tokens", 10**6], ["--eval-tokens", 20]
    for name, more in (("chars", all_of_it), ("pieces", [*pieces, *all_of_it]), ("part", [*pieces, *some])):
        result = cli("train", "split", "--plugin", "split.py", *TINY, "--steps", 1, "--name", name, *more)
        assert result.code == 0, result.err
    assert cli("runs", "compare", "chars", "pieces").err == ""
    assert "losses on different text" in cli("runs", "compare", "chars", "part").told
    assert "losses on different text" in cli("runs", "compare", "pieces", "part").told


def test_a_damaged_run_is_left_out_unless_it_is_named(make, cli):
    make("sound")
    (make("broken").path / "config.json").write_text("{")
    result = cli("runs", "compare")
    assert result.code == 0
    assert result.told.startswith("left out: ")
    assert "damaged" in result.told
    assert "sound" in result.out
    assert cli("runs", "compare", "sound", "broken").code == 1
    assert "did you mean 'sound'" in cli("runs", "compare", "sond").told


def test_where_there_are_no_runs_that_is_said(cli):
    result = cli("runs", "compare")
    assert result.code == 0
    assert result.told.startswith("no runs in")
    assert cli("runs", "compare", "--json").json() == {"runs": [], "differing": [], "comparable": True}


def test_a_terminal_that_is_too_narrow_gets_the_table_in_parts(make):
    make("one", lr=0.02)
    make("two")
    shown = COLOUR.sub("", on_a_terminal("runs", "compare", env={"COLUMNS": "60"}).screen)
    lines = [line for line in shown.splitlines() if line.strip()]
    assert max(map(len, lines)) <= 60
    assert "…" not in shown
    assert len([line for line in lines if line.split()[0] == "name"]) >= 2
    for heading in ("corpus", "model", "parameters", "bits/char", "chars/s", "--lr"):
        assert shown.count(heading) == 1, heading
