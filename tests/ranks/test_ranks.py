"""Many processes that torchrun starts train one run, as one process would."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from random import SystemRandom

import pytest
from safetensors.torch import load_file

import charrnn
from charrnn.errors import UsageError
from charrnn.launch import Place, Share, read_place
from charrnn.plugins import plugins
from charrnn.training import stream_batches
from tests.conftest import TINY
from tests.forging import save_of
from tests.ranks.launching import TORCHRUN, environment, ours, torchrun
from tests.runs.test_same_bits import assert_same

PROGRAM = Path(__file__).with_name("ranks_program.py")
#: The schedule counts on nothing that a smaller budget changes.
SMALL = {"layers": 2, "hidden": 12, "embed": 8, "seq_len": 16, "batch_size": 8, "lr": 0.01, "dropout": 0.0}
SMALL |= {
    "schedule": "constant",
    "warmup": 0.0,
    "layer_norm": True,
    "random_offset": True,
    "ema": 0.9,
    "eval_every": 10,
}
EXACT = {**SMALL, "precision": "float64"}
TWENTY = {"corpus": "words.txt", "steps": 20}
STREAM = {"corpus": "shards", "stream": True, **SMALL, "dropout": 0.3, "val_fraction": 0.2}
DISTURBED = {**SMALL, "dropout": 0.2, "steps": 40}
MORE = {"resume": True}

#: A GRU-like cell with a parameter that its step does not use, which DistributedDataParallel has to be told of.
CELL = """
import torch
from charrnn import Cell, hookimpl


class Spare(Cell):
    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.read = torch.nn.Linear(input_size + hidden_size, hidden_size)
        self.spare = torch.nn.Linear(3, 3)

    def step(self, inputs, state):
        (hidden,) = state
        hidden = torch.tanh(self.read(torch.cat([inputs, hidden], -1)))
        return hidden, (hidden,)


@hookimpl
def register_cells(register):
    register("spare", Spare)
"""

#: What two ranks do in one launch; "one-..." is there already, made by one process.
TRAININGS = [
    {"name": "two64", **TWENTY, **EXACT},
    {"name": "two32", **TWENTY, **SMALL},
    {"name": "sampling", **TWENTY, **SMALL, "samples": True},
    {"name": "two-accumulating", **TWENTY, **EXACT, "accumulate": 3},
    {"name": "two-spare", **TWENTY, **EXACT, "cell": "spare"},
    {"name": "two-first", **TWENTY, **EXACT, "steps": 7},
    {"name": "one-first", **MORE, "steps": 20},
    {"name": "whole", **TWENTY, **SMALL, "dropout": 0.3, "weight_drop": 0.2, "zoneout": 0.1},
    {"name": "parts", **TWENTY, **SMALL, "dropout": 0.3, "weight_drop": 0.2, "zoneout": 0.1, "stop": 7},
    {"name": "parts", **MORE},
    {"name": "stream-whole", **STREAM, "steps": 40},
    {"name": "stream-parts", **STREAM, "steps": 40, "stop": 25},
    {"name": "stream-parts", **MORE},
    {"name": "stream-one", **MORE, "steps": 40},
    {"name": "undisturbed", "corpus": "words.txt", **DISTURBED},
    {"name": "breaks", **STREAM, "steps": 40, "breaks": "stream"},
    {"name": "breaks-alone", **TWENTY, **SMALL, "breaks": "step"},
    # It waits for the other one less long than that does where nothing tells it of what broke.
    {"name": "met-again", **TWENTY, **SMALL, "env": {"CHARRNN_RANKS_SECONDS": "30"}},
    {"called": "late", "late": 11, "env": {"CHARRNN_RANKS_SECONDS": "10"}},
    {"name": "lanes", **TWENTY, **SMALL, "batch_size": 7},
    {"name": "no-data", "corpus": "words.txt", "stream": True, **SMALL, "steps": 2},
    {"name": "settings", **TWENTY, **SMALL, "of_rank": {"seed": [1, 2]}},
    {"name": "corpora", **SMALL, "steps": 2, "of_rank": {"corpus": ["words.txt", "other.txt"]}},
    {"name": "missing", **SMALL, "steps": 2, "of_rank": {"corpus": ["words.txt", "none.txt"]}},
    {"name": "diverges", **TWENTY, **SMALL, "lr": 90.0, "optimizer": "sgd", "clip": 0.0, "layer_norm": False},
    {"name": "two64", **MORE},
    {"name": "resumed-by-one", **TWENTY, **SMALL, "of_rank": {"resume": [False, True]}},
    {"name": "started-by-one", **TWENTY, "of_rank": {"init_from": [None, "one64"]}},
    {"called": "names", **MORE, "steps": 30, "of_rank": {"name": ["two32", "two64"]}},
    {"name": "vectors-by-one", **TWENTY, **SMALL, "of_rank": {"embeddings": ["vectors.txt", None]}},
    {"called": "steps", "name": "two32", **MORE, "of_rank": {"steps": [30, None]}},
    {"name": "piped", **SMALL, "steps": 2, "corpus": "-"},
    {"name": "three-lanes", **MORE, "steps": 40},
    {"name": "short", **SMALL, "steps": 2, "corpus": "short.txt"},
    {"name": "shorter", **SMALL, "steps": 2, "corpus": "shorter.txt"},
]


@pytest.fixture(scope="module")
def trained_by_two(tmp_path_factory, text):
    """A folder with the runs of TRAININGS, by two ranks, and what each rank got told; and those of one process."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "words.txt").write_text(text[:4200])
    (folder / "short.txt").write_text(text[:60])  # room for three lanes
    (folder / "shorter.txt").write_text("ab")  # and for one, as one is held back
    (folder / "other.txt").write_text(text[:4200].replace("a", "b"))
    (folder / "cell.py").write_text(CELL)
    (folder / "shards").mkdir()
    for number in range(5):
        (folder / "shards" / f"{number}.txt").write_text(text[number * 1500 : number * 1500 + 1600])
    (folder / "trainings.json").write_text(json.dumps(TRAININGS))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CHARRNN_CACHE", str(folder / "cache"))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setattr(stream_batches, "WINDOW_TOKENS", 1)
        charrnn.add_plugin("cell.py")
        charrnn.train(name="one64", **TWENTY, **EXACT)
        charrnn.train(name="one32", **TWENTY, **SMALL)
        charrnn.train(name="one-accumulating", **TWENTY, **EXACT, accumulate=3)
        charrnn.train(name="one-spare", **TWENTY, **EXACT, cell="spare")
        charrnn.train(name="one-first", **{**TWENTY, "steps": 7}, **EXACT)
        charrnn.train(name="stream-one", **STREAM, steps=25)
        charrnn.train(name="three-lanes", **TWENTY, **{**SMALL, "batch_size": 3})
        ended = torchrun(PROGRAM, "trainings.json")
        assert ended.code == 0, ended.err
        charrnn.train(name="two-first", resume=True, steps=20)
        shutil.copytree("checkpoints/stream-whole", "checkpoints/stream-two-one")
        charrnn.train(name="stream-two-one", resume=True, steps=50)
        plugins.cache_clear()
    return folder


def tensors(folder, run, name="weights"):
    return load_file(save_of(folder / "checkpoints" / run) / f"{name}.safetensors")


def state(folder, run):
    return json.loads((save_of(folder / "checkpoints" / run) / "state.json").read_text())


def largest_difference(folder, one, other):
    ours, theirs = tensors(folder, one), tensors(folder, other)
    assert ours.keys() == theirs.keys()
    return max((each - theirs[name]).abs().max().item() for name, each in ours.items())


def ends(folder, training):
    """How each rank's call ended."""
    return [json.loads((folder / f"ends-{rank}.json").read_text())[training] for rank in (0, 1)]


@pytest.mark.parametrize(
    ("one", "other", "most"),
    [
        ("one64", "two64", 1e-9),
        ("one32", "two32", 1e-5),
        ("one-accumulating", "two-accumulating", 1e-9),
        ("one-spare", "two-spare", 1e-9),
        ("one64", "two-first", 1e-9),  # seven steps by two ranks, the rest by one
        ("one64", "one-first", 1e-9),  # and the other way round
    ],
)
def test_ranks_take_the_steps_of_one_process(one, other, most, trained_by_two):
    assert largest_difference(trained_by_two, one, other) < most
    averages = tensors(trained_by_two, one, "training")
    for name, theirs in tensors(trained_by_two, other, "training").items():
        if name.startswith(("optimizer", "state", "average")):  # all lanes' state, whoever has it
            assert (theirs - averages[name]).abs().max() < most, name


def test_samples_are_the_first_ones_work_and_change_nothing(trained_by_two):
    assert ends(trained_by_two, "sampling") == [None, None]
    assert largest_difference(trained_by_two, "sampling", "two32") == 0


def test_validation_is_divided_and_summed_exactly(trained_by_two):
    for one, other in [("one64", "two64"), ("one-spare", "two-spare")]:
        best, theirs = state(trained_by_two, one)["best"], state(trained_by_two, other)["best"]
        assert theirs.pop("nats_per_token") == pytest.approx(best.pop("nats_per_token"), rel=1e-12)
        assert theirs["tokens"] == best["tokens"]


def test_the_loss_that_is_logged_is_that_of_all_lanes(trained_by_two):
    logged = [
        [json.loads(line)["loss"] for line in path.read_text().splitlines() if '"train"' in line]
        for path in (trained_by_two / "checkpoints" / run / "metrics.jsonl" for run in ("one64", "two64"))
    ]
    assert logged[0] == pytest.approx(logged[1], rel=1e-12)
    assert len(logged[0]) == 2


def test_as_many_ranks_go_on_to_the_same_bits_with_dropout_and_in_a_stream(trained_by_two, monkeypatch):
    monkeypatch.chdir(trained_by_two)
    assert_same("parts", "whole")
    assert_same("stream-parts", "stream-whole")


def test_a_stream_is_gone_on_with_by_another_number_of_ranks(trained_by_two):
    assert len(state(trained_by_two, "stream-whole")["position"]["windows"]) == 2
    for run, step, count in (("stream-one", 40, 2), ("stream-two-one", 50, 1)):
        found = state(trained_by_two, run)
        assert found["step"] == step
        assert len(found["position"]["windows"]) == count


def test_a_run_needs_nothing_of_the_ranks_that_trained_it(trained_by_two, cli, monkeypatch):
    monkeypatch.chdir(trained_by_two)
    assert cli("sample", "two64", "--length", 20).code == 0
    assert cli("eval", "two64", "--json").json()["nats_per_token"] > 0
    assert cli("score", "words.txt", "--run", "two64").code == 0
    assert cli("runs", "verify", "two64").code == 0
    assert cli("runs", "show", "two64", "--json").json()["ranks"] == 2


@pytest.mark.parametrize(
    ("training", "told"),
    [
        ("lanes", "--batch-size 7: 2 ranks take the same number of lanes each; give --batch-size 6 or 8"),
        ("no-data", "the corpus 'words' has 1 shard to stream, and 2 ranks need one each"),
        ("settings", "rank 1 has another --seed (2) than rank 0 (1)"),
        ("corpora", "rank 1 has another corpus"),
        ("diverges", "training diverged at step"),
        (
            "resumed-by-one",
            "rank 1 has another --resume (True) than rank 0 (not given); start all with the same command",
        ),
        ("started-by-one", "rank 1 has another --init-from (one64) than rank 0 (not given)"),
        ("names", "rank 1 has another --name (two64) than rank 0 (two32)"),
        ("vectors-by-one", "rank 1 has another --embeddings (not given) than rank 0 (a file)"),
        ("steps", "rank 1 has another --steps (not given) than rank 0 (30)"),
        ("piped", "'-' is one standard input for 2 ranks, of which each would read a part; write the text to a file"),
        ("three-lanes", "run 'three-lanes' has --batch-size 3, which a resumed run keeps, and 2 ranks take the same"),
        ("shorter", "the corpus holds only 1 token to learn from, and 2 ranks need one each"),
    ],
)
def test_what_cannot_be_is_told_by_one_rank_and_all_end(training, told, trained_by_two):
    first, second = ends(trained_by_two, training)
    assert told in first[1]
    assert first[0] != "PeerError"
    assert second[0] == "PeerError"


def test_lanes_that_a_short_text_cuts_are_cut_to_what_ranks_can_divide(trained_by_two, cli, monkeypatch):
    monkeypatch.chdir(trained_by_two)
    assert ends(trained_by_two, "short") == [None, None]
    assert cli("runs", "show", "short", "--json").json()["settings"]["batch_size"] == 2


def test_what_one_rank_alone_cannot_do_it_tells_itself(trained_by_two):
    first, second = ends(trained_by_two, "missing")
    assert first[0] == "PeerError"
    assert "there is no file 'none.txt'" in second[1]
    assert second[0] == "CorpusError"


def test_a_stream_that_breaks_for_one_rank_loses_nothing(trained_by_two):
    first, second = ends(trained_by_two, "breaks")
    assert first[0] == "PeerError"
    assert (
        "the hub cannot be reached. Everything up to step 32 is saved; go on with: charrnn train --resume" in second[1]
    )
    assert state(trained_by_two, "breaks")["step"] == 32


def test_a_rank_that_fails_alone_and_lives_on_keeps_nobody_waiting(trained_by_two):
    first, second = ends(trained_by_two, "breaks-alone")
    assert first[0] == "PeerError"
    assert second == ["PluginError", "the cell is broken"]
    assert ends(trained_by_two, "met-again") == [None, None]


def test_a_rank_that_packs_for_longer_than_others_wait_for_a_step_is_waited_for(trained_by_two):
    assert ends(trained_by_two, "late") == [None, None]


def test_no_connection_is_left_by_a_training_that_failed(trained_by_two):
    """Even while its error is held; whatever held the group longer, would end it with Python's lock in hand."""
    assert ends(trained_by_two, "threads left") == [{}, {}]


def test_a_finished_run_is_finished_for_every_rank(trained_by_two):
    assert ends(trained_by_two, "two64") == [None, None]


#: Ends one rank, in the first attempt, as nobody can prevent.
KILLS = """
import os, signal
from charrnn import hookimpl
from charrnn.training import learner

clip, calls = learner.clip_gradient, []

def patched(*what):
    calls.append(what)
    first = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
    if first and os.environ["RANK"] == os.environ["VICTIM"] and len(calls) == int(os.environ["STEP"]):
        os.kill(os.getpid(), signal.SIGKILL)
    return clip(*what)

learner.clip_gradient = patched

@hookimpl
def run_started(run):
    pass
"""


#: Says at which step to kill; it is drawn anew each time, and a test that fails says how to have it again.
KILLED_AT = "RANKS_KILLED_AT"


@pytest.mark.parametrize("victim", [0, 1])
def test_a_rank_that_is_killed_is_started_again_and_every_step_is_done(victim, trained_by_two, monkeypatch):
    monkeypatch.chdir(trained_by_two)
    step = int(os.environ.get(KILLED_AT) or SystemRandom().randint(1, DISTURBED["steps"]))
    again = f"rank {victim} was killed at step {step}; {KILLED_AT}={step} does so again"
    (trained_by_two / "kills.py").write_text(KILLS)
    (trained_by_two / "settings.toml").write_text(
        "\n".join(f"{name.replace('_', '-')} = {json.dumps(value)}" for name, value in DISTURBED.items())
    )
    train = ["-m", "charrnn", "--plugin", "kills.py", "train", "words.txt", "--config", "settings.toml"]
    env = {"VICTIM": str(victim), "STEP": str(step)}
    killed = f"killed-{victim}"
    shutil.rmtree(Path("checkpoints", killed), ignore_errors=True)  # of the same test, where it is repeated
    ended = torchrun(*train, "--name", killed, options=["--max-restarts", "1"], env=env)
    assert ended.code == 0, f"{again}\n{ended.err}"
    assert "exitcode: -9" in ended.err, f"nobody was killed: {again}"
    assert len(ours(ended)) <= 1, again
    assert state(trained_by_two, killed)["finished"], again
    try:
        assert_same(killed, "undisturbed")
    except AssertionError as error:
        raise AssertionError(again) from error


@pytest.mark.parametrize(("number", "send"), [(signal.SIGTERM, os.kill), (signal.SIGINT, os.killpg)])
def test_torchrun_that_is_asked_to_stop_saves_what_its_ranks_have_learned(number, send, text_file):
    """By SIGTERM, or by Ctrl-C, which a terminal sends to all in front of it."""
    train = ["-m", "charrnn", "train", str(text_file), *TINY, "--time", "10m", "--eval-every", "5"]
    train += ["--name", "mine", "--json"]
    process = subprocess.Popen(
        [*TORCHRUN, *train],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    )
    while '"sampled"' not in process.stdout.readline():
        assert process.poll() is None
    send(process.pid, number)
    _, told = process.communicate(timeout=60)
    (line,) = [each for each in told.splitlines() if each.startswith("charrnn: ")]
    assert line.startswith("charrnn: interrupted at step ")
    assert line.endswith("go on with: charrnn train --resume --name mine")
    assert state(Path.cwd(), "mine")["step"] > 0


def test_another_command_than_train_is_refused_in_one_line():
    ended = torchrun("-m", "charrnn", "sample")
    assert ended.code != 0
    assert ours(ended) == ["charrnn: torchrun starts 2 processes of 'charrnn sample', which needs one; leave it out"]
    assert "exitcode  : 2" in ended.err


@pytest.mark.parametrize("arguments", [["train", "--help"], ["--version"]])
def test_a_question_to_all_is_answered_once(arguments, cli):
    ended = torchrun("-m", "charrnn", *arguments)
    assert (ended.code, ended.out.split()) == (0, cli(*arguments).out.split())


def test_a_rendezvous_to_which_nobody_comes_is_told_in_one_line(text_file, program):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    env = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    ended = program("train", text_file, env={**env, "CHARRNN_RANKS_SECONDS": "1"})
    assert ended.code == 1
    assert f"the 2 processes of this launch have not met at 127.0.0.1:{port} in 1 seconds" in ended.told
    assert "RANK='one'" in program("train", text_file, env={**env, "RANK": "one"}).told
    assert "LOCAL_RANK=3 of LOCAL_WORLD_SIZE=1" in program("train", text_file, env={**env, "LOCAL_RANK": "3"}).told


def test_shares_are_all_of_it_and_none_twice(monkeypatch):
    for of in range(1, 9):
        for count in range(40):
            parts = [range(count)[Share(number, of).slice(count)] for number in range(of)]
            assert [each for part in parts for each in part] == list(range(count))
            assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert read_place() == Place()
    for name, value in {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    assert read_place() == Place(rank=3, size=4, local_rank=1, local_size=2, launched=True)
    monkeypatch.setenv("RANK", "4")
    with pytest.raises(UsageError, match="RANK=4 of WORLD_SIZE=4"):
        read_place()
