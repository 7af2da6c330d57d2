"""A run goes on where it stopped; what it is does not change on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from charrnn.atomic import write_directory
from tests.conftest import TINY


def metrics(run):
    """Every logged figure but times and rates."""
    lines = [json.loads(line) for line in (Path("checkpoints") / run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if "second" not in key} for line in lines]


def tensors(run):
    path = Path("checkpoints") / run
    save = path / "saves" / (path / "latest").read_text().split()[0]
    return {
        f"{file.name}/{name}": value.tobytes()
        for file in save.glob("*.safetensors")
        for name, value in load_file(file).items()
    }


TECHNIQUES = ["--variational", "--weight-drop", "0.3", "--zoneout", "0.1", "--ema", "0.9", "--random-offset"]


@pytest.mark.parametrize(("optimizer", "more"), [("adamw", TECHNIQUES), ("rmsprop", []), ("sgd", [])])
def test_stopping_and_resuming_gives_the_same_bits(optimizer, more, text_file, text, cli, monkeypatch):
    from charrnn.errors import ExitCode
    from charrnn.training.interrupt import StopRequest

    # An epoch has 29 chunks, so that the steps cross two ends of one; each stop falls between two logged lines.
    corpus = text_file.parent / "short.txt"
    corpus.write_text(text[:4000])
    options = [corpus, *TINY, "--optimizer", optimizer, "--dropout", "0.2", "--steps", 75, "--eval-every", 10]
    options += more
    assert cli("train", *options, "--name", "whole").code == 0

    class Stopped(StopRequest):
        def defer(self):
            self.exit_code = ExitCode.INTERRUPTED

    with monkeypatch.context() as patch:
        patch.setattr("charrnn.training.job.StopRequest", Stopped)
        stopped = cli("train", *options, "--name", "parts")
        assert stopped.code == 130
        assert "go on with: charrnn train --resume --name parts" in stopped.err
        for _ in range(3):
            assert cli("train", "--resume", "--name", "parts").code == 130
    assert json.loads((Path("checkpoints/parts/saves/00000004/state.json")).read_text())["step"] == 4
    assert cli("train", "--resume", "--name", "parts").code == 0
    assert metrics("parts") == metrics("whole")
    assert tensors("parts") == tensors("whole")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_says_how_to_go_on(number, code, text_file):
    arguments = ["train", str(text_file), *TINY, "--time", "10m", "--name", "mine", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "charrnn", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while '"logged"' not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == code
    assert told.startswith("charrnn: interrupted at step ")
    assert told.endswith("go on with: charrnn train --resume --name mine\n")
    assert int((Path("checkpoints/mine") / "latest").read_text().split()[0]) > 0


def test_a_finished_run_says_so_and_more_budget_goes_on(text_file, cli):
    cli("train", text_file, *TINY, "--steps", 3, "--name", "mine")
    done = cli("train", "--resume", "--name", "mine")
    assert done.code == 0
    assert "finished after 3 steps" in done.told
    assert cli("train", "--resume", "--steps", 6).code == 0
    assert cli("runs", "show", "mine", "--json").json()["state"]["step"] == 6
    assert cli("runs", "show", "mine", "--json").json()["settings"]["steps"] == 6


def test_a_resumed_run_keeps_what_it_is(text_file, cli):
    cli("train", text_file, *TINY, "--steps", 3, "--name", "mine")
    refused = cli("train", "--resume", "--hidden", 99)
    assert refused.code == 2
    assert "--hidden 99: run 'mine' has 16, which a resumed run keeps" in refused.told
    assert "was trained on" in cli("train", "other.txt", "--resume").told
    assert cli("train", text_file, "--resume", "--steps", 4).code == 0


def test_a_run_without_a_save_starts_anew(text_file, cli, monkeypatch):
    def full(path, fill):
        if path.name != "mine":
            raise OSError(28, "No space left on device")
        write_directory(path, fill)

    with monkeypatch.context() as patch:
        patch.setattr("charrnn.runs.saves.write_directory", full)
        assert cli("train", text_file, *TINY, "--steps", 3, "--name", "mine").code == 1
    assert "finished save" in cli("sample").told
    resumed = cli("train", "--resume", "--name", "mine")
    assert resumed.code == 0
    assert "had saved nothing yet" in resumed.err


@pytest.mark.parametrize("saved", [True, False])
def test_a_run_that_starts_from_another_s_weights_never_starts_from_chance(saved, text_file, cli, monkeypatch):
    from charrnn.runs.run import Run
    from charrnn.training.observers import Observers

    def killed(*_, **__):
        raise KeyboardInterrupt

    assert cli("train", text_file, *TINY, "--steps", 9, "--name", "first").code == 0
    options = ["train", text_file, *TINY, "--init-from", "first", "--steps", 12]
    assert cli(*options, "--name", "whole").code == 0
    with monkeypatch.context() as patch:
        patch.setattr(*(Observers, "step_finished") if saved else (Run, "save"), killed)
        assert cli(*options, "--name", "parts").code == 130
    resumed = cli("train", "--resume", "--name", "parts")
    if saved:
        assert tensors("parts") == tensors("whole")
    else:
        assert "run 'parts' ended before it had saved what it starts from" in resumed.told


def test_the_corpus_is_packed_again_where_the_cache_is_gone_and_a_change_is_noticed(
    text_file, cli, monkeypatch, tmp_path
):
    cli("train", text_file, *TINY, "--steps", 3, "--name", "mine")
    first = cli("eval", "--json").json()
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "empty"))
    assert cli("eval", "--json").json() == first
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "empty too"))
    text_file.write_text(text_file.read_text().replace("a", "b"))
    assert "has changed since run 'mine' was trained" in cli("eval").told


def test_init_from_starts_with_the_weights_of_a_run(text_file, tmp_path, cli):
    cli("train", text_file, *TINY, "--steps", 80, "--lr", "0.01", "--name", "first")
    scored = cli("eval", "first", "--json").json()
    assert cli("train", text_file, "--init-from", "first", "--steps", 1, "--lr", "1e-9", "--name", "second").code == 0
    again = cli("eval", "second", "--json").json()
    assert again["nats_per_token"] == pytest.approx(scored["nats_per_token"], abs=1e-4)
    assert cli("runs", "show", "second", "--json").json()["origin"]["run"] == "first"
    assert "the weights of run first at step" in cli("runs", "show", "second").out
    refused = cli("train", text_file, "--init-from", "first", "--hidden", 17)
    assert "run 'first' has 16" in refused.told


def test_patience_stops_early(text_file, cli):
    result = cli(
        "train", text_file, *TINY, "--steps", 500, "--lr", "1e-9", "--eval-every", 2, "--patience", 3, "--name", "mine"
    )
    assert result.code == 0
    assert "(--patience)" in result.err
    assert cli("runs", "show", "mine", "--json").json()["state"]["step"] < 100


def test_the_latest_run_is_the_one_saved_last(text_file, cli):
    for name in ("old", "new"):
        cli("train", text_file, *TINY, "--steps", 2, "--name", name)
    before = time.time_ns() + 10**9
    os.utime("checkpoints/old/latest", ns=(before, before))
    assert cli("eval", "--json").json()["run"] == "old"


def test_damaged_weights_are_told(text_file, cli):
    cli("train", text_file, *TINY, "--steps", 2, "--name", "mine")
    save = next(Path("checkpoints/mine/saves").iterdir())
    (save / "best.safetensors").write_bytes(b"damage")
    assert "is damaged" in cli("sample").told
    (save / "best.safetensors").write_bytes((save / "training.safetensors").read_bytes())
    assert "best.safetensors is damaged" in cli("sample").told
