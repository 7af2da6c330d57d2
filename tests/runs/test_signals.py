"""Ctrl-C and SIGTERM: the first finishes the step and saves, the second ends at once; what was saved is not lost."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from charrnn.cli.unraisable import tell_or_ask_again
from tests.conftest import TINY
from tests.runs.test_same_bits import RUNS, assert_same
from tests.same_bits import saved

#: A plugin that sends COUNT signals to its own process: the first once step 25 is done, the last at MOMENT.
SENDER = """
import os
import signal

import safetensors.torch
from charrnn import hookimpl
from charrnn.runs.saves import Saves
from charrnn.training import learner

NUMBER, COUNT, MOMENT = int(os.environ["NUMBER"]), int(os.environ["COUNT"]), os.environ["MOMENT"]
PLACES = {
    "a step": (learner, "clip_gradient", 1),
    "files": (safetensors.torch, "save_file", 2),
    "the pointer": (Saves, "point_at", 1),
    "old saves": (Saves, "prune", 1),
}


def send(count):
    for _ in range(count):
        signal.raise_signal(NUMBER)  # and its handler has run


def send_before(owner, name, call, count):
    function, calls = getattr(owner, name), []

    def patched(*args, **kwargs):
        calls.append(name)
        if len(calls) == call:
            send(count)
        return function(*args, **kwargs)

    setattr(owner, name, patched)


@hookimpl
def step_finished(step):
    if step != 25:
        return
    if MOMENT == "an observer":
        send(COUNT)
    elif MOMENT == "a step":
        send_before(*PLACES[MOMENT], COUNT)
    else:
        send(COUNT - 1)
        send_before(*PLACES[MOMENT], 1)
"""


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


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("moment", ["a step", "an observer", "files", "the pointer", "old saves"])
def test_a_second_signal_ends_at_once_and_the_save_before_is_whole(moment, number, code, text_file, program, tmp_path):
    """In a step, in an observer, and within a save: as its files are written, before it counts, once it does."""
    plugin = tmp_path / "sender.py"
    plugin.write_text(SENDER)
    train = ["train", text_file, *TINY, "--steps", 40, "--eval-every", 10]
    env = {"NUMBER": str(int(number)), "COUNT": "2", "MOMENT": moment}
    stopped = program("--plugin", plugin, *train, "--name", "parts", env=env)
    assert stopped.code == code, stopped.err
    assert stopped.err.splitlines()[-1] == "charrnn: stopped at once; --resume goes on from the last save"
    assert "Traceback" not in stopped.err
    assert saved(RUNS / "parts")["step"] == (25 if moment == "old saves" else 20)
    assert program("runs", "verify", "parts").code == 0
    assert program("train", "--resume", "--name", "parts").code == 0
    assert program(*train, "--name", "whole").code == 0
    assert_same("parts", "whole")


def test_the_first_signal_lets_a_save_be_finished(text_file, program, tmp_path):
    plugin = tmp_path / "sender.py"
    plugin.write_text(SENDER)
    train = ["train", text_file, *TINY, "--steps", 40, "--eval-every", 25, "--name", "mine"]
    stopped = program("--plugin", plugin, *train, env={"NUMBER": "2", "COUNT": "1", "MOMENT": "files"})
    assert stopped.code == 130
    assert "interrupted at step 25; everything is saved" in stopped.err
    assert saved(RUNS / "mine")["step"] == 25


#: A plugin that has evaluations read in small chunks, and a signal come in that of step STEP, which nobody reads on in.
IN_EVALUATION = """
import os
import signal

from charrnn import evaluation, hookimpl
from charrnn.generation.torch_network import TorchNetwork
from charrnn.training.validation import Validation

NUMBER, STEP = int(os.environ["NUMBER"]), int(os.environ["STEP"])
evaluation.CHUNK_TOKENS = 64
losses, loss, seen, step = TorchNetwork.losses, Validation.loss, [], 0


def one_more(self, *args):
    seen.append("chunk")
    if seen[:1] == ["evaluation"]:
        assert len(seen) == 2, "it read on"
        signal.raise_signal(NUMBER)
    return losses(self, *args)


def begin(self, *args):
    seen[:] = ["evaluation"] if step == STEP else []
    return loss(self, *args)


@hookimpl
def step_finished(step):
    globals()["step"] = step


TorchNetwork.losses, Validation.loss = one_more, begin
"""


@pytest.mark.parametrize("step", [20, 40])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_an_evaluation_does_not_wait_for_it(step, number, code, text_file, program, tmp_path):
    """It is done when training goes on: the bits are those of a run that nobody stopped."""
    plugin = tmp_path / "sender.py"
    plugin.write_text(IN_EVALUATION)
    env = {"NUMBER": str(int(number)), "STEP": str(step)}
    train = ["train", text_file, *TINY, "--steps", 40, "--eval-every", 10, "--patience", 3]
    stopped = program("--plugin", plugin, *train, "--name", "parts", env=env)
    assert stopped.code == code, stopped.err
    assert stopped.err.splitlines()[-1].startswith(f"charrnn: interrupted at step {step}; everything is saved")
    assert (saved(RUNS / "parts")["step"], saved(RUNS / "parts")["evaluated"]) == (step, step - 10)
    assert program("runs", "verify", "parts").code == 0
    env = {"NUMBER": "0", "STEP": "-1"}
    assert program("--plugin", plugin, "train", "--resume", "--name", "parts", env=env).code == 0
    assert program("--plugin", plugin, *train, "--name", "whole", env=env).code == 0
    assert_same("parts", "whole")


#: A plugin that has a signal come while a cell's plan is made, by code that takes whatever is raised for its failure.
IN_A_PLAN = """
import os
import signal

from charrnn import hookimpl
from charrnn.recurrence import trace

make_graph = trace.make_graph


def interrupted(*args, **kwargs):
    try:
        signal.raise_signal(int(os.environ["NUMBER"]))
    except Exception as error:
        raise RuntimeError("the plan failed") from error
    return make_graph(*args, **kwargs)


trace.make_graph = interrupted


@hookimpl
def run_started(run):
    pass
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("begun", [False, True])
def test_a_signal_while_plans_are_made_does_not_wait_for_a_step(begun, number, code, text_file, program, tmp_path):
    plugin = tmp_path / "sender.py"
    plugin.write_text(IN_A_PLAN)
    # Dropped states are no matter of torch's kernels: the steps of the cell are traced.
    train = ["train", text_file, *TINY, "--zoneout", 0.1, "--steps", 20, "--eval-every", 10]
    if begun:
        for name in ("parts", "whole"):
            assert program(*train, "--steps", 10, "--name", name).code == 0
    asked = ["train", "--resume", "--name", "parts", "--steps", 20] if begun else [*train, "--name", "parts"]
    stopped = program("--plugin", plugin, *asked, env={"NUMBER": str(int(number))})
    assert stopped.code == code, stopped.err
    told = "charrnn: interrupted before another step was done; go on with: charrnn train --resume --name parts"
    assert stopped.err.splitlines()[-1] == told
    assert program("runs", "verify", "parts").code == 0
    assert program("train", "--resume", "--name", "parts", "--steps", 20).code == 0
    asked[asked.index("parts")] = "whole"
    assert program(*asked).code == 0
    assert_same("parts", "whole")


def test_what_starts_from_another_s_weights_is_saved_before_a_signal_ends_it(text_file, program, tmp_path):
    plugin = tmp_path / "sender.py"
    plugin.write_text(IN_A_PLAN)
    train = ["train", text_file, *TINY, "--zoneout", 0.1, "--steps", 20]
    assert program(*train, "--name", "first").code == 0
    start = ["train", text_file, "--init-from", "first", "--steps", 20, "--name", "second"]
    stopped = program("--plugin", plugin, *start, env={"NUMBER": str(int(signal.SIGINT))})
    assert stopped.code == 130, stopped.err
    assert "everything is saved" in stopped.err.splitlines()[-1]
    assert program("train", "--resume", "--name", "second").code == 0


#: A plugin that has the signal come in a finalizer, which can raise nothing, while a run is prepared.
FINALIZER = """
import os
import signal

from charrnn import hookimpl
from charrnn.training import new

prepared = new.check_memory


class Last:
    def __del__(self):
        signal.raise_signal(int(os.environ["NUMBER"]))


def patched(*args):
    Last()
    signal.pause()
    return prepared(*args)


new.check_memory = patched


@hookimpl
def run_started(run):
    pass
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_that_comes_where_nothing_can_be_raised_is_not_lost(number, code, text_file, program, tmp_path):
    plugin = tmp_path / "finalizer.py"
    plugin.write_text(FINALIZER)
    stopped = program("--plugin", plugin, "train", text_file, *TINY, "--steps", 40, env={"NUMBER": str(int(number))})
    assert stopped.code == code, stopped.err
    assert "interrupted before training began" in stopped.err.splitlines()[-1]
    assert "ignored" not in stopped.err


def test_an_error_where_nothing_can_be_raised_is_told_without_steering_the_terminal(capsys):
    class Last:
        def __del__(self):
            raise RuntimeError("\x1b[2J")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "unraisablehook", tell_or_ask_again)
        Last()
    told = capsys.readouterr().err
    assert told.startswith("Exception ignored in: ")
    assert told.endswith("RuntimeError: ␛[2J\n")
