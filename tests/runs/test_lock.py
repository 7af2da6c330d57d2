"""One process trains a run and no other writes into it meanwhile; it is named, and when it was killed holds nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from charrnn.runs.lock import holder, locked
from tests.conftest import TINY

RUN = Path("checkpoints/mine")


@pytest.fixture
def training(text_file):
    """A process that trains the run ``mine`` and has saved it once; it is killed at the end, if it is still there."""
    arguments = ["train", str(text_file), *TINY, "--time", "10m", "--eval-every", "20", "--name", "mine", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "charrnn", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with process:
        for line in process.stdout:
            if json.loads(line)["event"] == "saved":
                break
        assert process.poll() is None
        yield process
        process.kill()


def test_a_second_process_is_told_who_trains_the_run(training, program):
    for command in (["train", "--resume"], ["train", "--resume", "--name", "mine", "--steps", 10**6]):
        refused = program(*command)
        assert refused.code == 1
        assert f"run 'mine' is in use by process {training.pid} on " in refused.told
    assert training.poll() is None


def test_a_run_in_training_is_neither_mended_nor_removed(training, cli):
    for command in (["runs", "verify", "mine", "--mend"], ["runs", "rm", "mine", "--yes"]):
        refused = cli(*command)
        assert refused.code == 1
        assert f"in use by process {training.pid}" in refused.told
    assert (RUN / "config.json").exists()


def test_a_run_in_training_may_be_looked_at_and_sampled(training, cli):
    looked = cli("runs", "verify", "mine")
    assert looked.code == 0
    assert f"in use by process {training.pid}" in looked.out
    assert "left behind" not in looked.out
    assert cli("runs", "verify", "mine", "--json").json()[0]["in_use_by"].startswith(f"process {training.pid} on ")
    assert cli("sample", "mine", "--length", 5).code == 0
    assert training.poll() is None


def test_a_run_is_trained_on_as_soon_as_its_process_is_killed(training, cli):
    training.send_signal(signal.SIGKILL)
    training.wait()
    assert holder(RUN) is None
    assert str(training.pid) in (RUN / ".owner").read_text()
    step = cli("runs", "show", "mine", "--json").json()["state"]["step"]
    assert cli("train", "--resume", "--name", "mine", "--steps", step + 5).code == 0
    assert str(os.getpid()) in (RUN / ".owner").read_text()
    assert cli("runs", "verify", "mine").code == 0


def test_a_run_is_made_by_one_of_two_processes(text_file):
    arguments = ["train", str(text_file), *TINY, "--steps", "30", "--name", "mine"]
    both = [
        subprocess.Popen([sys.executable, "-m", "charrnn", *arguments], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = [process.communicate(timeout=60)[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1], told
    refused = next(lines for process, lines in zip(both, told, strict=True) if process.returncode)
    assert "Traceback" not in refused
    assert "the run 'mine' " in refused.splitlines()[-1]


def test_nobody_is_named_who_has_not_said_who_it_is(tmp_path):
    (tmp_path / "run").mkdir()
    with locked(tmp_path / "run"):
        for content in ("", "{}", '{"pid": 1e999, "host": "", "since": ""}', '"text"', "[" * 500):
            (tmp_path / "run" / ".owner").write_text(content)
            assert holder(tmp_path / "run") == "another process"


def test_asking_who_holds_a_run_leaves_nothing_in_it(tmp_path):
    assert holder(tmp_path) is None
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / ".lock").symlink_to(tmp_path / "elsewhere")
    assert holder(tmp_path) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "elsewhere"]


def test_a_removed_run_leaves_nothing_and_links_out_of_it_are_not_followed(text_file, cli, tmp_path):
    assert cli("train", text_file, *TINY, "--steps", 3, "--name", "mine").code == 0
    shutil.move(RUN / "saves", tmp_path / "elsewhere")
    (RUN / "saves").symlink_to(tmp_path / "elsewhere")
    assert cli("runs", "rm", "mine", "--yes").code == 0
    assert not RUN.exists()
    assert list((tmp_path / "elsewhere").iterdir())
