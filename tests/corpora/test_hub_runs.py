"""Runs on datasets of the hub, by the real command line: streamed, killed and resumed, and where a branch moves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from charrnn.runs.find import find_run
from tests.conftest import TINY, parquet
from tests.hub import Repository

SOON = {"CHARRNN_HUB_SECONDS": "1"}
#: Windows of sixteen chunks, so that a short run reads many.
SMALL_WINDOWS = """
import sys
from charrnn.training import stream_batches
stream_batches.WINDOW_TOKENS = 1
from charrnn.cli import main
sys.exit(main())
"""


@pytest.fixture
def stories(hub):
    """A dataset of several files, and of a validation split."""
    files = {
        f"data/train-{number:05}-of-00004.parquet": parquet(
            text=[f"story {number}.{row}: it was {row * 7919 % 1000} o'clock, and all was well" for row in range(300)]
        )
        for number in range(4)
    }
    files["data/validation-00000-of-00001.parquet"] = parquet(text=["and all was well in the end"] * 200)
    hub.repositories["some/stories"] = Repository(files)
    return hub.repositories["some/stories"]


@pytest.fixture
def trains(online_env, tmp_path):
    """Call the command line with windows that are small, and kill it after a save if that is asked."""

    def call(*arguments, kill_after=None, at_save=None, **more):
        process = subprocess.Popen(
            [sys.executable, "-c", SMALL_WINDOWS, "train", *map(str, arguments), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **online_env, **more},
        )
        saves = 0
        for line in process.stdout:
            if json.loads(line).get("event") == "saved":
                saves += 1
                if at_save:
                    at_save()
            if saves == kill_after:
                process.kill()
                break
        return process.wait(), process.stderr.read()

    return call


def saved(name):
    return find_run(name, Path("checkpoints")).load()


@pytest.mark.parametrize("kill_after", [1, 3])
def test_a_stream_of_the_hub_is_killed_and_goes_on_at_the_next_token(kill_after, trains, stories):
    common = ["--stream", "--steps", 64, "--eval-every", 16, "--shuffle-buffer", 50, *TINY]
    assert trains("hf:some/stories", *common, "--name", "whole") == (0, "")
    code, _ = trains("hf:some/stories", *common, "--name", "killed", kill_after=kill_after)
    assert code == -9
    assert trains("--resume", "--name", "killed") == (0, "")
    whole, killed = saved("whole"), saved("killed")
    assert whole.state["position"] == killed.state["position"]
    assert whole.state["position"]["windows"] != [[0, 0, 0, 0]]
    assert all(tensor.equal(killed.weights[name]) for name, tensor in whole.weights.items())
    record = find_run("whole", Path("checkpoints")).config.corpus
    assert (record.streamed, record.provenance["resolved_revision"]) == (True, stories.sha)
    assert record.splits["validation"]["chars"] == len("and all was well in the end\n") * 200


def test_a_streamed_recipe_streams_unless_told_otherwise(online, stories, tmp_path):
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora" / "mine.toml").write_text(
        'summary = "stories"\nsource = "hub"\ndataset = "some/stories"\nstreamed = true\n'
        'licence = "unknown"\nlanguage = "English"\nsize = "small"\n'
    )
    streamed = online("train", "mine", "--steps", 2, *TINY, "--name", "streamed")
    assert streamed.code == 0, streamed.err
    assert "the training text is streamed; --no-stream packs it first" in streamed.err
    assert "a stream of tokens to learn from" in streamed.err
    packed = online("train", "mine", "--steps", 2, *TINY, "--no-stream", "--name", "packed")
    assert packed.code == 0, packed.err
    assert "streamed" not in packed.err


def test_a_run_goes_on_with_the_commit_that_it_began_with(online, trains, stories, hub, tmp_path):
    """The branch has moved, and nothing is left in the cache: packed or streamed, the text is the same."""
    for name, how in (("packed", "--no-stream"), ("streamed", "--stream")):
        assert online("train", "hf:some/stories", how, "--steps", 2, *TINY, "--name", name).code == 0
    before = stories.sha
    stories.commit("main", {"train.parquet": parquet(text=["quite another text"] * 300)}, [])
    assert stories.sha != before
    for name in ("packed", "streamed"):
        resumed = online("train", "--resume", "--name", name, "--steps", 4, CHARRNN_CACHE=str(tmp_path / name))
        assert resumed.code == 0, resumed.err
        provenance = online("runs", "show", name, "--json").json()["corpus"]["provenance"]
        assert provenance["resolved_revision"] == before


def test_a_second_build_of_another_text_warns(online, hub):
    moving = hub.repositories["some/moving"] = Repository({"a.txt": b"before"})
    first = online("corpora", "build", "hf:some/moving")
    assert (first.code, first.err.strip()) == (0, "")
    moving.commit("main", {"a.txt": b"and afterwards"}, [])
    second = online("corpora", "build", "hf:some/moving", "--tokenizer", "byte")
    assert second.code == 0
    assert "the text of 'moving' is not what it was when it was packed before: the SHA-256 of 'train' was" in second.err
    assert moving.sha in second.err
    again = online("corpora", "build", "hf:some/moving", "--tokenizer", "byte")
    assert (again.code, again.err.strip()) == (0, "")


def test_a_stream_whose_hub_goes_away_loses_nothing(trains, stories, hub):
    """It says in a line what was saved, and goes on once the hub is back, as though nothing had been."""
    common = ["--stream", "--steps", 400, "--eval-every", 16, "--shuffle-buffer", 50, *TINY]
    assert trains("hf:some/stories", *common, "--name", "whole") == (0, "")
    code, told = trains(
        "hf:some/stories", *common, "--name", "cut", at_save=lambda: hub.fail("data/train", "status"), **SOON
    )
    assert code == 1
    assert len(told.strip().splitlines()) == 1
    assert "is saved; go on with: charrnn train --resume --name cut" in told
    hub.faults.clear()
    assert 0 < saved("cut").state["step"] < 400
    assert trains("--resume", "--name", "cut") == (0, "")
    whole, cut = saved("whole"), saved("cut")
    assert all(tensor.equal(cut.weights[name]) for name, tensor in whole.weights.items())


def test_a_recipe_with_splits_goes_on_with_its_commit(online, stories, tmp_path):
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora" / "cut.toml").write_text(
        'summary = "stories"\nsource = "hub"\ndataset = "some/stories"\n'
        'licence = "unknown"\nlanguage = "English"\nsize = "small"\n'
        '[splits]\ntrain = "train[0:20000]"\nvalidation = "train[20000:]"\n'
    )
    for name, how in (("packed", "--no-stream"), ("streamed", "--stream")):
        assert online("train", "cut", how, "--steps", 2, *TINY, "--name", name).code == 0
    stories.commit("main", {"train.parquet": parquet(text=["quite another text"] * 3000)}, [])
    for name in ("packed", "streamed"):
        resumed = online("train", "--resume", "--name", name, "--steps", 4, CHARRNN_CACHE=str(tmp_path / name))
        assert resumed.code == 0, resumed.err


def test_a_recipe_s_warning_is_told_once(online, stories, tmp_path):
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora" / "careful.toml").write_text(
        'summary = "stories"\nsource = "hub"\ndataset = "some/stories"\nwarning = "read its licence"\n'
        'licence = "unknown"\nlanguage = "English"\nsize = "small"\n'
    )
    streamed = online("train", "careful", "--stream", "--steps", 2, *TINY)
    assert streamed.code == 0, streamed.err
    assert streamed.err.count("read its licence") == 1
