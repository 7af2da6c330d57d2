"""How trials end, and with them a search."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from charrnn.errors import DivergedError, RunError


def test_the_trials_of_a_study_share_its_time(tune, losses, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("charrnn_tune.search.monotonic", lambda: clock[0])
    asked = losses(*[[3.0, lambda: clock.__setitem__(0, clock[0] + 1250)]] * 5)
    assert tune("--time", "1h", "--trial-time", "20m", "--over", "lr").code == 0
    assert len(asked) == 2  # a third, of 20 minutes, would end after 3700 seconds
    assert tune("--time", "2h", "--over", "lr").code == 0  # where no flag says, a trial's time is the study's
    assert [each["time"] for each in asked] == [1200.0] * 4 + [1200.0]


def test_a_trial_of_steps_ends_with_the_time_of_the_study(tune, losses, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("charrnn_tune.search.monotonic", lambda: clock[0])
    wait = [lambda: clock.__setitem__(0, clock[0] + 50), 3.0]
    asked = losses([*wait, 2.9], [*wait, *wait, *wait], [*wait * 3])
    shown = tune("--time", "2m", "--trial-steps", 5, "--over", "lr", "--json")
    assert shown.code == 0
    assert shown.err.splitlines()[-1] == "the time is spent; the trial that was going on is not counted"
    assert len(asked) == 2
    assert [each["bits_per_char"] for each in shown.json()["trials"]] == [2.9]
    shown = tune("--time", "2m", "--trial-steps", 5, "--over", "lr", "--seed", 7, "--study", "new.db", "--output", "n")
    assert shown.code == 1
    assert "no trial was trained to its end" in shown.told


def test_what_falls_behind_is_pruned(tune, losses):
    reached: list[int] = []
    losses(
        *[[4.0, 3.0, 2.0]] * 4,
        [5.0, 4.5, lambda: reached.append(2), 4.0, lambda: reached.append(3), 3.9],
        [3.9, 2.9, 1.9],
    )
    shown = tune("--trials", 6, "--trial-steps", 5, "--over", "lr", "--json")
    assert [each["outcome"] for each in shown.json()["trials"]] == ["trained"] * 4 + ["pruned", "trained"]
    assert reached == [2]
    assert "trial 5: pruned at evaluation 3, with 4.0000 bits per character" in shown.err
    assert shown.json()["bits_per_char"] == 1.9


def test_a_trial_that_diverges_ends_no_search(tune, losses):
    losses([DivergedError("the loss is nan")], [3.0, DivergedError("the loss is nan")], [2.0])
    shown = tune("--trials", 3, "--trial-steps", 5, "--over", "lr", "--json")
    assert [each["outcome"] for each in shown.json()["trials"]] == ["diverged", "diverged", "trained"]
    assert shown.code == 0


def test_a_trial_without_enough_memory_ends_no_search(tune, losses):
    losses([3.0], [2.9, RuntimeError("CUDA out of memory. Tried to allocate 9 GiB")], [MemoryError()], [2.0])
    shown = tune("--trials", 4, "--trial-steps", 5, "--over", "hidden", "--json", hidden=None)
    assert [each["outcome"] for each in shown.json()["trials"]] == ["trained", *["out of memory"] * 2, "trained"]
    assert "trial 3: out of memory" in shown.err


@pytest.mark.parametrize("error", [RunError("the disk is full"), OSError(28, "No space left on device")])
def test_another_error_keeps_the_best(tune, losses, error):
    asked = losses([3.0], [2.0, error])
    shown = tune("--trials", 2, "--trial-steps", 5, "--over", "lr")
    assert (shown.code, shown.told) == (1, f"charrnn: {error.args[-1]}")
    assert shown.out.startswith("best of 1: 3.0000 bits per character")
    assert tomllib.loads(Path("tuned.toml").read_text())["lr"] == asked[0]["lr"]


def test_a_search_in_which_all_diverge_says_so(tune, losses):
    losses([DivergedError("the loss is nan")])
    shown = tune("--trials", 1, "--trial-steps", 5, "--over", "lr")
    assert shown.code == 1
    assert "no trial was trained to its end" in shown.told
    assert not Path("tuned.toml").exists()


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_the_best_and_the_same_command_goes_on(tune, losses, sent, code):
    asked = losses([3.0], [2.5, lambda: os.kill(os.getpid(), sent)], [2.0])
    arguments = ["--trials", 2, "--trial-steps", 5, "--over", "lr"]
    shown = tune(*arguments)
    assert shown.code == code
    assert shown.told == "charrnn: stopped; the best so far is in tuned.toml, and the same command goes on"
    assert tomllib.loads(Path("tuned.toml").read_text())["lr"] == asked[0]["lr"]
    assert tune(*arguments).code == 0
    assert tomllib.loads(Path("tuned.toml").read_text())["lr"] == asked[2]["lr"]


def test_ctrl_c_while_a_trial_trains(tmp_path):
    """In a process of its own, at the second trial, as training itself hears of it."""
    program = (
        "import os, signal, sys\n"
        "from charrnn.cli import main\n"
        "from charrnn.training.learner import Learner\n"
        "step, calls = Learner.step, []\n"
        "def stopped(self, chunks, lr, **more):\n"
        "    calls.append(lr)\n"
        "    if len(calls) == 5: os.kill(os.getpid(), signal.SIGINT)\n"
        "    return step(self, chunks, lr, **more)\n"
        "Learner.step = stopped\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    small = ["--layers", "1", "--hidden", "8", "--embed", "4", "--batch-size", "4", "--seq-len", "8"]
    budget = ["--trials", "9", "--trial-steps", "3", "--over", "lr"]
    found = subprocess.run(
        [sys.executable, "-c", program, "--plugin", "charrnn_tune", "tune", "words.txt", *small, *budget],
        capture_output=True,
        text=True,
        env={**os.environ, "CHARRNN_LOAD_PLUGINS": ""},
    )
    assert found.returncode == 130, found.stderr
    assert found.stderr.splitlines()[-1].startswith("charrnn: stopped; the best so far is in tuned.toml")
    assert "trial 1:" in found.stderr
    assert tomllib.loads(Path("tuned.toml").read_text())["hidden"] == 8
