"""What ``charrnn tune`` promises."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from charrnn_tune.ranges import known_ranges

import charrnn
from charrnn.errors import DivergedError, RunError
from charrnn.plugins import plugins
from charrnn.settings import TrainSettings
from charrnn.training.events import Evaluated

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def losses(monkeypatch):
    """Let trials have the losses that a test gives, one list a trial; an error in one is raised."""
    trials: list[list[object]] = []
    asked: list[dict[str, object]] = []

    def train(*_, listen, **settings):
        asked.append(settings)
        for step, loss in enumerate(trials[len(asked) - 1], start=1):
            if isinstance(loss, BaseException):
                raise loss
            if callable(loss):
                loss()
                continue
            listen(Evaluated(step, loss, loss, best=True, seconds=0.0))

    monkeypatch.setattr(charrnn, "train", train)

    def give(*each: list[object]) -> list[dict[str, object]]:
        trials.extend(each)
        return asked

    return give


def test_the_help_imports_nothing_heavy():
    program = (
        "import sys; from charrnn.cli import main; main(['--help'])\n"
        "print([name for name in ('torch', 'numpy', 'pydantic', 'optuna') if name in sys.modules])"
    )
    env = {**os.environ, "CHARRNN_PLUGINS_DIR": str(ROOT), "CHARRNN_LOAD_PLUGINS": "charrnn_tune"}
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env)
    assert "Search the hyperparameters that suit a corpus." in found.stdout
    assert found.stdout.splitlines()[-1] == "[]"


def test_the_entry_point_leads_to_the_plugin():
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["charrnn"]
    assert callable(import_module(points["tune"]).register_commands)


def test_every_range_holds_what_its_setting_takes():
    for name, within in known_ranges().items():
        for value in within.get("choices") or (within["low"], within["high"]):
            assert getattr(TrainSettings.model_validate({name: value}), name) == value


def test_train_takes_what_was_found(cli, tune):
    shown = tune("--trials", 2, "--trial-steps", 5, "--over", "lr,cell,layer-norm", "--tokenizer", "byte")
    assert shown.code == 0, shown.err
    assert not Path("checkpoints").exists()
    found = tomllib.loads(Path("tuned.toml").read_text())
    assert {"lr", "cell", "layer_norm"} < found.keys()
    assert found["hidden"] == 8
    assert found["tokenizer"] == "byte"
    assert not {"steps", "time", "epochs"} & found.keys()
    typed = shown.out.splitlines()[-1].removeprefix("train with it: charrnn ").split()
    assert cli(*typed, "--steps", 2, "--name", "tuned").code == 0
    trained = charrnn.load("tuned").run.config.settings
    assert {name: getattr(trained, name) for name in found} == found


def test_the_file_names_the_plugins_that_it_needs(cli, tune):
    Path("mine.py").write_text(
        "from charrnn import hookimpl\n"
        "from charrnn.cells.gru import GRU\n\n\n"
        "class Mine(GRU):\n    pass\n\n\n"
        "@hookimpl\n"
        "def register_cells(register):\n    register('mine', Mine)\n"
    )
    shown = tune("--trials", 1, "--trial-steps", 1, "--over", "lr", "--cell", "mine", "--plugin", "mine.py")
    assert shown.code == 0, shown.err
    plugins.cache_clear()
    shown = cli("train", "words.txt", "--config", "tuned.toml", "--steps", 1, "--name", "tuned")
    assert shown.code == 0, shown.err


def test_a_study_goes_on_and_counts_its_trials(tune, losses):
    asked = losses([3.0], [2.0], [2.5])
    assert tune("--trials", 2, "--trial-steps", 5, "--over", "lr").code == 0
    assert tune("--trials", 2, "--trial-steps", 5, "--over", "lr").code == 0
    assert len(asked) == 2
    shown = tune("--trials", 3, "--trial-steps", 5, "--over", "lr", "--json")
    assert [each["bits_per_char"] for each in shown.json()["trials"]] == [3.0, 2.0, 2.5]
    assert shown.json()["settings"] == {"lr": asked[1]["lr"]}
    assert len({each["lr"] for each in asked}) == 3
    assert tomllib.loads(Path("tuned.toml").read_text())["lr"] == asked[1]["lr"]


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


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (["--over", "lr,cell"], "searches over lr 0.0003 to 0.03, not lr 0.0003 to 0.03, cell lstm|gru"),
        (["--over", "lr", "--seed", 3], "fixes"),
        (["--over", "lr", "--trial-steps", 6], "has trials of steps 5, not steps 6"),
    ],
)
def test_another_study_in_the_file_is_told(tune, losses, other, told):
    losses([3.0])
    assert tune("--trials", 1, "--trial-steps", 5, "--over", "lr").code == 0
    shown = tune("--trials", 1, "--trial-steps", 5, *other)
    assert shown.code == 2
    assert told in shown.told


def test_the_same_study_goes_on_from_another_directory(tune, cli, losses, monkeypatch):
    asked = losses([3.0])
    assert tune("--trials", 1, "--trial-steps", 5, "--over", "lr").code == 0
    Path("below").mkdir()
    monkeypatch.chdir("below")
    files = ["--study", "../tuned.db", "--output", "../tuned.toml"]
    shown = tune("--trials", 1, "--trial-steps", 5, "--over", "lr", *files, corpus="../words.txt")
    assert shown.code == 0, shown.err
    assert len(asked) == 1


def test_a_corpus_s_name_steers_no_terminal_and_breaks_no_file(tune, losses):
    Path("a\x1b[31m\x08.txt").write_text("words " * 100)
    losses([3.0])
    shown = tune("--trials", 1, "--trial-steps", 5, "--over", "lr", corpus="a\x1b[31m\x08.txt")
    assert shown.code == 0, shown.err
    assert "\x1b" not in shown.out
    assert "lr" in tomllib.loads(Path("tuned.toml").read_text())


def test_another_text_under_the_same_name_is_told(tune):
    assert tune("--trials", 1, "--trial-steps", 2, "--over", "lr").code == 0
    Path("words.txt").write_text("something else entirely, " * 100)
    shown = tune("--trials", 2, "--trial-steps", 2, "--over", "lr")
    assert shown.code == 2
    assert "is another than when the study began" in shown.told


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
        "from charrnn.training.trainer import Trainer\n"
        "step, calls = Trainer._step, []\n"
        "def stopped(self, lr):\n"
        "    calls.append(lr)\n"
        "    if len(calls) == 5: os.kill(os.getpid(), signal.SIGINT)\n"
        "    return step(self, lr)\n"
        "Trainer._step = stopped\n"
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


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--trials", 1, "--trial-steps", 1, "--over", "lr,drop-out"],
            "--over 'drop_out': no setting with a range is called so; did you mean 'dropout'",
        ),
        (["--trials", 1, "--trial-steps", 1, "--over", "hidden"], "--over hidden: it is fixed by a flag of its own"),
        (["--trials", 1], "how long is a trial?"),
        ([], "how long is the search?"),
        (["--trials", 1, "--time", "1m"], "how long is the search?"),
        (["--time", "1m", "--trial-time", "2m"], "--trial-time 120s: is longer than the whole"),
        (["--trials", 1, "--trial-steps", 1, "--output", "words.txt"], "charrnn tune did not write it"),
        (["--trials", 1, "--trial-steps", 1, "--study", "words.txt"], "--study 'words.txt': is no study"),
        (
            ["--trials", 1, "--trial-steps", 1, "--output", "best.db"],
            "--output 'best.db': is where the trials",
        ),
        (["--trials", 1, "--trial-steps", 1, "--output", "a", "--study", "./a"], "--output 'a': is where the trials"),
        (["--trials", 1, "--trial-steps", 1, "--study", "\udcff.db"], "'\\udcff.db': is no UTF-8"),
        (["--trials", 1, "--trial-steps", 1, "--over", "lr", "--tied"], "tied"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(tune, arguments, told):
    shown = tune(*arguments)
    assert shown.code == 2
    assert told in shown.told
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("line", re.findall(r"^\$ charrnn (tune .*)$", README, flags=re.MULTILINE))
def test_every_command_of_the_readme_runs(cli, line):
    """Each as it stands, but for a budget of a moment in the place of minutes."""
    short = re.sub(r"--time \S+( --trial-time \S+)?", "--trials 1 --trial-steps 1", line)
    shown = cli(*shlex.split(short if "--preset" in short else f"{short} --preset tiny"))
    assert shown.code == 0, shown.err
    assert re.search(r"^train with it: charrnn train words.txt --config \S+$", shown.out, flags=re.MULTILINE)


def test_the_readme_lists_every_range():
    listed = re.findall(r"^\| `(\S+)` \| (.+?) \|", README, flags=re.MULTILINE)
    assert listed == [(name, _written(each)) for name, each in known_ranges().items()]


def _written(within):
    if "choices" in within:
        return ", ".join(f"`{str(each).lower()}`" for each in within["choices"])
    how = ", by logarithm" if within["log"] else f", in steps of {within['step']}" if within["step"] else ""
    return f"{within['low']:g} to {within['high']:g}{how}"
