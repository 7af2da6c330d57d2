"""``charrnn runs plot``: the losses that were logged, where they belong, on any terminal and as pictures."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from charrnn.errors import RunError
from charrnn.runs.curves import loss_range, read_curves, thinned
from charrnn.runs.run import Run
from tests.forging import forge_config
from tests.terminal import on_a_terminal

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def evaluated(step, nats, bits=None):
    return {"kind": "validation", "step": step, "nats_per_token": nats, "bits_per_char": bits or nats, "seconds": step}


def logged(step, loss, epoch=0.0):
    return {"kind": "train", "step": step, "loss": loss, "epoch": epoch, "seconds": step / 10}


@pytest.fixture
def make(trained, tmp_path):
    """Make a run of which these lines were logged."""

    def run(name, *lines):
        path = tmp_path / "checkpoints" / name
        shutil.copytree(trained / "words", path)
        (path / "metrics.jsonl").write_bytes(
            b"".join(each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in lines)
        )
        return Run(path)

    return run


def signs(out):
    """What is drawn within the axes, row by row."""
    return [re.split("[│┤]", line)[1] for line in out.splitlines() if re.search("[│┤]", line)]


def test_a_plot_of_the_latest_run_fits_into_a_pipe_of_80_columns(trained, cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = cli("runs", "plot", "--checkpoints", trained)
    assert shown.code == 0
    assert shown.err == ""
    assert max(map(len, shown.out.splitlines())) < 80
    assert "\x1b" not in shown.out
    best = Run(trained / "words").state()["best"]["bits_per_char"]
    assert f"A words  validation {best:.4f} at best" in shown.out
    assert shown.out.startswith("bits per character\n")


def test_an_evaluation_stands_at_its_step_and_loss(make, cli):
    make("mine", evaluated(50, 4.0), evaluated(100, 3.0), evaluated(200, 2.0))
    rows = signs(cli("runs", "plot", "mine").out)
    width = max(map(len, rows))
    places = [(row, line.index("A")) for row, line in enumerate(rows) if "A" in line]
    assert [row for row, _ in places] == pytest.approx([0, (len(rows) - 1) / 2, len(rows) - 1], abs=0.5)
    assert [column for _, column in places] == pytest.approx([width / 4, width / 2, width - 1], abs=1)


def test_the_axes_are_labelled_with_what_they_show(make, cli):
    make("mine", evaluated(500, 4.0), evaluated(2000, 2.0))
    lines = cli("runs", "plot", "mine").out.splitlines()
    assert lines[1].startswith("4.0 ┤")
    assert [line[:3] for line in lines if "┤" in line] == ["4.0", "3.5", "3.0", "2.5", "2.0"]
    assert lines[-3].split()[0] == "0"
    assert lines[-3].split()[-1] == "2,000"


def test_bits_take_the_characters_of_a_token_into_account(make):
    run = make("mine", logged(10, 2.0), evaluated(10, 3.0, 2.16))

    def wide(config):
        for split in config["corpus"]["splits"].values():
            split["chars"] = 2 * split["tokens"]

    forge_config(run.path, wide)
    bits, nats = read_curves(run, "bits"), read_curves(run, "nats")
    assert bits.training == [(10, pytest.approx(2.0 / math.log(2) / 2))]
    assert bits.validation == [(10, 2.16)]
    assert nats.training == [(10, 2.0)]
    assert nats.validation == [(10, 3.0)]


def test_evaluations_lie_at_their_epochs_and_seconds(make):
    lines = [evaluated(each, 3.0) for each in (5, 15, 20, 25)]
    run = make("mine", logged(10, 3.0, 0.5), logged(20, 3.0, 1.5), *lines)
    assert [at for at, _ in read_curves(run, against="epochs").validation] == pytest.approx([0.25, 1.0, 1.5, 2.0])
    assert [at for at, _ in read_curves(run, against="seconds").validation] == [5, 15, 20, 25]
    assert [at for at, _ in read_curves(run, against="seconds").training] == [1.0, 2.0]


def test_the_fall_from_a_guess_does_not_press_the_rest_flat(make):
    losses = [logged(10, 8.0), logged(20, 3.2), logged(30, 3.1), logged(200, 2.5)]
    for name, evaluations, highest in (
        ("usual", [evaluated(20, 3.0)], 3.2),
        ("late", [evaluated(200, 3.0)], 3.2),
        ("never", [], 3.2),
        ("early", [evaluated(5, 9.0)], 9.0),
    ):
        run = make(name, *losses, *evaluations)
        assert loss_range([read_curves(run, "nats")]) == (2.5, highest), name


def test_training_is_drawn_thin_and_evaluations_as_they_are(make):
    training = [logged(step, 4.0 - step / 100 + (0.5 if step % 20 else -0.5)) for step in range(10, 210, 10)]
    run = make("mine", *training, evaluated(100, 3.0), evaluated(200, 2.0))
    (thin,) = thinned([read_curves(run, "nats")], 5)
    assert thin.training == [
        (pytest.approx(at), pytest.approx(4.0 - at / 100)) for at in (25.0, 65.0, 105.0, 145.0, 185.0)
    ]
    assert thin.validation == [(100, 3.0), (200, 2.0)]


def test_without_colours_runs_are_told_apart_by_letters(make, cli):
    make("one", logged(10, 3.0), logged(90, 2.0), evaluated(100, 2.0))
    make("two", logged(10, 5.0), logged(90, 4.0), evaluated(100, 4.0))
    shown = cli("runs", "plot", "one", "two").out
    drawn = "".join(signs(shown))
    assert drawn.count("A") == drawn.count("B") == 1
    assert drawn.count("a") > 20
    assert drawn.count("b") > 20
    assert not any("\u2800" <= each <= "\u28ff" for each in drawn)
    assert [line.split()[:2] for line in shown.splitlines()[-2:]] == [["A", "one"], ["B", "two"]]


def test_on_a_terminal_runs_are_told_apart_by_colour(make):
    make("one", logged(10, 3.0), logged(90, 2.0), evaluated(100, 2.0))
    make("two", logged(10, 5.0), logged(90, 4.0), evaluated(100, 4.0))
    shown = on_a_terminal("runs", "plot", "one", "two", env={"COLUMNS": "60"}).screen
    colours = {name: re.search(rf"((?:\x1b\[[0-9;]*m)+){name}", shown)[1] for name in ("A one", "B two")}
    assert colours["A one"] != colours["B two"]
    plain = COLOUR.sub("", shown)
    assert any("\u2800" <= each <= "\u28ff" for each in plain)
    assert max(map(len, plain.splitlines())) <= 60
    without = on_a_terminal("runs", "plot", "one", "two", env={"COLUMNS": "60", "NO_COLOR": "1"}).screen
    assert "aaa" in without


def test_a_terminal_without_utf8_gets_ascii(make, program):
    make("mine", logged(10, 3.0), logged(90, 2.0), evaluated(100, 2.0))
    shown = program("runs", "plot", env={"PYTHONIOENCODING": "ascii"}).out
    assert shown.isascii()
    assert "\\" not in shown
    assert "aaa" in shown


def test_a_line_that_a_kill_cut_short_is_left_out(make, cli):
    make("mine", evaluated(1, 3.0), evaluated(2, 2.0), b'{"kind": "validation", "step": 3, "nats_per_t')
    shown = cli("runs", "plot", "mine")
    assert shown.err == ""
    assert "validation 2.0000 at best" in shown.out


def test_other_lines_that_cannot_be_read_are_counted(make, cli):
    make("mine", evaluated(1, 3.0), b"\xff\xfe\n", b"[1]\n", {"kind": "validation", "step": "x"}, evaluated(2, 2.0))
    shown = cli("runs", "plot", "mine")
    assert shown.code == 0
    assert shown.told == "run 'mine': 2 lines of metrics.jsonl cannot be read, and left out"


def test_what_lies_before_the_start_or_beyond_all_numbers_is_not_drawn(make, cli):
    far = [logged(-(10**9), 2.5), logged(3, 1e305), logged(4, 2.5, epoch=-1.0), evaluated(-(10**9), 2.0)]
    run = make("mine", logged(1, 3.0), *far, logged(5, 2.5), evaluated(5, 2.0))
    curves = read_curves(run, "nats")
    assert curves.training == [(1, 3.0), (5, 2.5)]
    assert curves.validation == [(5, 2.0)]
    assert cli("runs", "plot", "mine").code == 0


def test_epochs_that_run_backwards_are_drawn_from_the_start_on(make, cli):
    run = make("mine", logged(5, 3.0, epoch=9.0), logged(6, 2.5, epoch=1.0), evaluated(10**9, 2.0))
    assert read_curves(run, "nats", "epochs").validation == [(0.0, 2.0)]
    assert cli("runs", "plot", "mine", "--against", "epochs").code == 0


def test_a_run_without_metrics_is_told_and_hides_no_other(make, cli):
    make("mine", evaluated(1, 3.0), evaluated(2, 2.0))
    make("young")
    alone = cli("runs", "plot", "young")
    assert alone.code == 1
    assert "run 'young' has no metrics yet" in alone.told
    for names in (["mine", "young"], ["young", "mine"]):
        both = cli("runs", "plot", *names)
        assert both.code == 0
        assert both.told.startswith("left out: run 'young' has no metrics yet")
        assert "A mine" in both.out
    (Run(make("gone").path).path / "metrics.jsonl").unlink()
    assert "has no metrics yet" in cli("runs", "plot", "gone").told


def test_epochs_that_were_not_logged_are_told(make, cli):
    make("mine", evaluated(1, 3.0))
    assert "has logged no epochs yet; plot it --against steps" in cli("runs", "plot", "--against", "epochs").told


def test_a_config_without_characters_is_damaged(make):
    run = make("mine", evaluated(1, 3.0))

    def uncounted(config):
        for split in config["corpus"]["splits"].values():
            split["chars"] = 0

    forge_config(run.path, uncounted)
    with pytest.raises(RunError, match="is damaged"):
        read_curves(run)


def test_one_evaluation_is_a_plot(make, cli):
    make("mine", evaluated(1, 3.0))
    assert "A" in "".join(signs(cli("runs", "plot", "mine").out))


def test_a_run_is_drawn_once(make, cli):
    make("mine", evaluated(1, 3.0))
    once = cli("runs", "plot", "mine", "checkpoints/mine", "./checkpoints/mine/")
    assert once.code == 0
    assert "B mine" not in once.out


def test_pictures_are_drawn_and_svg_is_the_same_each_time(make, program):
    make("$odd_{name}$", logged(10, 3.0), logged(90, 2.0), evaluated(50, 2.5), evaluated(100, 2.0))
    make("_two", logged(10, 5.0), logged(90, 4.0), evaluated(100, 4.0))
    command = ["runs", "plot", "$odd_{name}$", "_two"]
    first = program(*command, "--svg", "one.svg", "--png", "one.png")
    assert first.code == 0
    assert first.err.splitlines() == ["wrote one.png", "wrote one.svg"]
    assert first.out == ""
    assert program(*command, "--svg", "two.svg").code == 0
    content = Path("one.svg").read_bytes()
    assert content == Path("two.svg").read_bytes()
    assert b"<dc:date>" not in content
    assert b">$odd_{name}$, 2.0000 at best<" in content
    assert b">_two, 4.0000 at best<" in content
    assert Path("one.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_without_matplotlib_a_picture_is_refused_and_a_plot_is_not(make, cli, monkeypatch):
    make("mine", evaluated(1, 3.0))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    refused = cli("runs", "plot", "--svg", "mine.svg")
    assert refused.code == 2
    assert refused.told == "charrnn: --svg needs the matplotlib package: pip install matplotlib"
    assert cli("runs", "plot").code == 0


def test_a_plot_needs_neither_torch_nor_matplotlib(trained):
    probe = (
        "import sys; from charrnn.cli import main; main(sys.argv[1:]); "
        "print('HEAVY', [name for name in ['torch', 'datasets', 'matplotlib'] if name in sys.modules])"
    )
    for command in ("plot", "compare"):
        words = [sys.executable, "-c", probe, "runs", command, "--checkpoints", str(trained)]
        finished = subprocess.run(words, capture_output=True, text=True)
        assert finished.stdout.splitlines()[-1] == "HEAVY []", finished.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mien"], "did you mean 'mine'"),
        (["mine", "--png", "a", "--svg", "a"], "--png and --svg both write 'a'"),
        (["mine", "--svg", "gone/a.svg"], "--svg 'gone/a.svg' cannot be written: No such file or directory"),
        (["mine", "--png", "."], "--png '.' cannot be written: it is a folder"),
        (["mine", "--svg", "/"], "--svg '/' cannot be written: it is a folder"),
        (["mine", "--png", ""], "--png '.' cannot be written: it is a folder"),
        (["mine", "--unit", "bytes"], "'bits', 'nats'"),
        (["mine", "--against", "days"], "'steps', 'seconds', 'epochs'"),
    ],
)
def test_what_cannot_be_drawn_is_told(arguments, message, make, cli):
    make("mine", evaluated(1, 3.0))
    result = cli("runs", "plot", *arguments)
    assert result.code in (1, 2)
    assert message in result.told


def test_more_runs_than_letters_are_refused(make, cli):
    run = make("run-0", evaluated(1, 3.0))
    for number in range(1, 27):
        run.path.with_name(f"run-{number}").mkdir()
        for name in ("config.json", "metrics.jsonl"):
            shutil.copy(run.path / name, run.path.with_name(f"run-{number}") / name)
    names = [f"run-{number}" for number in range(27)]
    assert "27 runs are more than a plot can tell apart; name 26 at most" in cli("runs", "plot", *names).told
    assert cli("runs", "plot", *names[1:]).code == 0
