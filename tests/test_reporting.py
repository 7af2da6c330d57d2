"""What training looks like: on a terminal, in a pipe."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from charrnn.controls import printable
from charrnn.reporting.console import SafeConsole
from charrnn.reporting.live import LiveReporter
from charrnn.reporting.plain import PlainReporter
from charrnn.reporting.text import clock, remaining
from charrnn.training.events import Evaluated, Finished, Logged, Notice, Preparing, Sampled, Started
from tests.conftest import TINY
from tests.terminal import on_a_terminal

EVENTS = [
    Notice("a notice with [/b] in it"),
    Started("mine", Path("checkpoints/mine"), "cpu", 1234, 9000, 0, 1.0, 200, None),
    Logged(50, 0.25, 2.5, 0.7, 0.1, 1e-3, 0.5, 60.0, 12_345.0),
    Evaluated(50, 2.25, 3.246, True, 61.0),
    Sampled(50, "text with [/b] and [red] in it\x1b[2J"),
]
END = Finished(
    "mine", Path("checkpoints/mine"), 200, 240.0, {"step": 50, "nats_per_token": 2.25, "bits_per_char": 3.246}, "done"
)


def drawn(events, width=100):
    console = SafeConsole(file=io.StringIO(), width=width, force_terminal=False)
    reporter = LiveReporter(console)
    for event in events:
        reporter.listen(event)
    console.print(reporter.view())
    return console.file.getvalue()


def test_the_live_view_shows_the_figures_and_text_as_it_is():
    view = drawn(EVENTS)
    for shown in (
        "a notice with [/b] in it",
        "mine",
        "25%",
        "step 50/200",
        "0:01:00 elapsed",
        "0:03:00 left",
        "2.5000 nats  3.6067 bpc",
        "2.2500 nats  3.2460 bpc",
        "12,345 chars/s",
        "text with [/b] and [red] in it␛[2J",
    ):
        assert shown in view, shown
    assert "\x1b" not in view


def test_the_live_view_of_a_run_that_is_gone_on_with_knows_the_best_of_before():
    best = {"step": 30, "nats_per_token": 2.125, "bits_per_char": 3.066}
    begun, logged, evaluated = replace(EVENTS[1], best=best), EVENTS[2], EVENTS[3]
    for events in ([begun, logged], [begun, logged, evaluated]):
        assert re.search(r"best +2\.1250 nats  3\.0660 bpc +at step +30\b", drawn(events))
    better = replace(evaluated, nats_per_token=2.0)
    assert re.search(r"best +2\.0000 nats  3\.2460 bpc +at step +50\b", drawn([begun, logged, better]))


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_the_live_view_fits_its_terminal(width):
    assert all(len(line) <= width for line in drawn(EVENTS[1:], width).splitlines())


def test_the_live_view_before_there_is_anything_to_show():
    assert drawn([]).strip() == ""
    assert "starting" in drawn(EVENTS[:2])
    assert "packing" in drawn([Preparing("packing", 10**6, 2 * 10**6)])
    assert "1.0 MB" in drawn([Preparing("packing", 10**6, None)])


def test_plain_lines(capsys):
    reporter = PlainReporter()
    for event in [*EVENTS, END]:
        reporter.listen(event)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1].startswith("run mine: 1,234 parameters on cpu")
    assert lines[2].startswith("step 50   25%  train 2.5000 nats  epoch 0.50  12,345 chars/s")
    assert lines[3] == "step 50  validation 2.2500 nats  3.2460 bpc  best"
    assert lines[4].startswith("finished after 200 steps and 0:04:00: done. Best validation loss 2.2500 nats")


def test_words():
    assert clock(3725) == "1:02:05"
    assert clock(None) == "-:--:--"
    assert remaining(30, 0.25) == 90
    assert remaining(0, 0) is None
    assert printable("a\tb\nc\x1b[1m\x00\x7f\x9b") == "a\tb\nc␛[1m␀␡\ufffd"


def test_on_a_terminal_there_is_a_live_view(text_file):
    shown = on_a_terminal("train", text_file, *TINY, "--steps", 30, only="stderr")
    assert shown.code == 0
    assert shown.piped == ""
    assert "chars/s" in shown.screen
    assert "━" in shown.screen
    assert "\x1b[" in shown.screen


def test_no_color_is_honoured(text_file):
    coloured = on_a_terminal("train", text_file, *TINY, "--steps", 30)
    plain = on_a_terminal("train", text_file, *TINY, "--steps", 30, env={"NO_COLOR": "1"})
    assert "\x1b[36m" in coloured.screen
    assert "\x1b[36m" not in plain.screen


def test_a_pipe_that_closes_early_ends_quietly(trained):
    command = f"{sys.executable} -m charrnn sample --checkpoints {trained} --length 100000 | head -c 100"
    finished = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, timeout=60)
    assert len(finished.stdout) == 100
    assert finished.stderr == b""
    assert finished.returncode == 0
