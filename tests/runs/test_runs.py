"""The run directory: whole at every moment, read without trust, and nobody else's is touched."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import torch

import charrnn
from charrnn.atomic import write_directory, write_file, write_named
from charrnn.runs.run import Run
from charrnn.runs.save import Save
from tests.conftest import TINY


@pytest.fixture
def mine(text_file, cli):
    assert cli("train", text_file, *TINY, "--steps", 12, "--name", "mine").code == 0
    return Run(Path("checkpoints/mine"))


def test_files_are_flushed_before_they_are_named(tmp_path, monkeypatch):
    """Power may go between any two of these calls; what has its name by then must be whole."""
    trace = []
    fsync, rename, replace = os.fsync, Path.rename, Path.replace

    def traced_fsync(handle):
        trace.append(("fsync", Path(f"/proc/self/fd/{handle}").readlink().name))
        fsync(handle)

    def traced(move):
        def moved(self, target):
            trace.append(("rename", target.name))
            return move(self, target)

        return moved

    monkeypatch.setattr(os, "fsync", traced_fsync)
    monkeypatch.setattr(Path, "rename", traced(rename))
    monkeypatch.setattr(Path, "replace", traced(replace))
    write_directory(tmp_path / "save", lambda folder: [(folder / name).write_text(name) for name in "ab"])
    write_file(tmp_path / "latest", b"save")
    assert trace == [
        ("fsync", "a"),
        ("fsync", "b"),
        ("fsync", ".save.unfinished"),
        ("rename", "save"),
        ("fsync", tmp_path.name),
        ("fsync", f".latest.{os.getpid()}-{threading.get_ident()}.unfinished"),
        ("rename", "latest"),
        ("fsync", tmp_path.name),
    ]


def test_a_directory_that_exists_is_left_as_it_was(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("kept")
    with pytest.raises(FileExistsError):
        write_directory(tmp_path / "there", lambda folder: None)
    assert (tmp_path / "there" / "file").read_text() == "kept"


def test_what_a_killed_process_left_is_in_nobody_s_way(tmp_path):
    (tmp_path / ".save.unfinished").symlink_to("nowhere")
    write_directory(tmp_path / "save", lambda folder: (folder / "a").write_text("a"))
    assert (tmp_path / "save" / "a").read_text() == "a"


def test_the_save_that_counts_is_there_until_another_one_does(mine, monkeypatch):
    before = mine.load()
    counted = (mine.path / "latest").read_text()
    state = {**before.state, "finished": False}

    def killed(path, content):
        if path.name == "latest":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("charrnn.runs.saves.write_file", killed)
        with pytest.raises(KeyboardInterrupt):
            mine.save(Save(before.weights, before.best, before.training, state), better=False)
    assert (mine.path / "latest").read_text() == counted
    assert mine.load().state == before.state
    # The next save of the same step works, and sweeps what the killed one left.
    mine.save(Save(before.weights, before.best, before.training, state), better=False)
    assert mine.load().state["finished"] is False
    assert len(list((mine.path / "saves").iterdir())) == 1


def test_rm_leaves_a_folder_alone_that_is_no_run(tmp_path, cli):
    project = tmp_path / "project"
    project.mkdir()
    (project / "config.json").write_text("{}")
    result = cli("runs", "rm", project, "--yes")
    assert result.code == 1
    assert "does not look like a run" in result.told
    assert (project / "config.json").exists()


@pytest.mark.parametrize(
    ("file", "content", "commands"),
    [
        ("latest", "../../etc", ["sample", "runs show mine", "train --resume --steps 20"]),
        ("state.json", '{"step": 3, "best": 3}', ["runs show mine", "train --resume --steps 20"]),
        ("state.json", "{", ["runs show mine"]),
        ("weights.safetensors", "{}", ["train --resume --steps 20"]),
        ("best.safetensors", None, ["sample"]),
        ("training.safetensors", "swapped", ["train --resume --steps 20"]),
        ("weights.safetensors", "swapped", ["train --resume --steps 20"]),
        ("alphabet.json", '"ab"', ["sample", "eval"]),
    ],
)
def test_damage_is_told(file, content, commands, mine, cli):
    folder = {"latest": mine.path, "alphabet.json": mine.tokenizer}.get(file, next((mine.path / "saves").iterdir()))
    path = folder / file
    if content is None:
        path.unlink()
    elif content == "swapped":
        other = "best.safetensors" if file == "training.safetensors" else "training.safetensors"
        shutil.copy(folder / other, path)
    else:
        path.write_text(content)
    for command in commands:
        result = cli(*command.split())
        assert result.code == 1, command
        assert "mine" in result.told or "damaged" in result.told


def test_a_larger_budget_is_evaluated_on_its_way(mine, cli):
    assert cli("train", "--resume", "--name", "mine", "--steps", 120).code == 0
    lines = [json.loads(line) for line in (mine.path / "metrics.jsonl").read_text().splitlines()]
    steps = [line["step"] for line in lines if line["kind"] == "validation"]
    assert len([step for step in steps if 12 < step < 120]) >= 8


def test_metrics_cut_short_are_gone_on_with(mine, cli):
    (mine.path / "metrics.jsonl").write_text("")
    assert cli("train", "--resume", "--steps", 40).code == 0
    for line in (mine.path / "metrics.jsonl").read_text().splitlines():
        json.loads(line)


def test_what_a_resumed_run_cannot_take_is_refused(mine, text_file, cli):
    for arguments in (["--preset", "best"], ["--init-from", "mine"]):
        assert "are for a new one" in cli("train", "--resume", *arguments).told
    assert "finished after 12 steps" in cli("train", "--resume", "--steps", 5).told
    assert cli("runs", "show", "mine", "--json").json()["settings"]["steps"] == 12
    assert cli("train", f"./{text_file.name}", "--resume", "--steps", 14).code == 0


def test_a_name_of_any_length_that_is_taken_makes_a_run(text_file, cli):
    assert cli("train", text_file, *TINY, "--steps", 1, "--name", "n" * 200).code == 0
    assert cli("runs", "rm", "n" * 200, "--yes").code == 0
    text_file = text_file.rename("ü" * 125 + ".txt")
    for _ in range(2):
        trained = cli("train", text_file, *TINY, "--steps", 1)
        assert trained.code == 0, trained.err
    assert sorted(path.name for path in Path("checkpoints").glob("[!.]*")) == ["ü" * 95, "ü" * 95 + "-2"]


def test_the_hint_names_another_checkpoints_directory(text_file, cli, monkeypatch):
    run = Run(Path("elsewhere/mine"))
    assert run.resume_command == "charrnn train --resume --name mine --checkpoints elsewhere"
    monkeypatch.setenv("CHARRNN_CHECKPOINTS", "elsewhere")
    assert run.resume_command == "charrnn train --resume --name mine"


#: A corpus that takes as long to read as a test wants it to.
SLOW = """
from charrnn import Corpus, hookimpl

class Slow(Corpus):
    name = "slow"
    def __init__(self, settings):
        pass
    def splits(self):
        return ("train",)
    def read(self, split):
        with open("pipe") as pipe:
            yield from pipe
    def provenance(self):
        return {"source": "a pipe"}

@hookimpl
def register_corpora(register):
    register("slow", Slow)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_the_corpus_is_read_leaves_nothing(number, code, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "slow.py").write_text(SLOW)
    process = subprocess.Popen(
        [sys.executable, "-m", "charrnn", "train", "slow", "--plugin", "slow.py"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    with suppress(BrokenPipeError), (tmp_path / "pipe").open("w") as pipe:  # opens once the program reads
        process.send_signal(number)
        while process.poll() is None:  # a text without an end
            pipe.write("text\n" * 1000)
    _, told = process.communicate(timeout=60)
    assert process.returncode == code
    assert told == "charrnn: interrupted before training began; nothing is lost\n"
    assert not (tmp_path / "checkpoints").exists()


def test_a_closed_pipe_does_not_stop_training(text_file):
    command = f"{sys.executable} -m charrnn train {text_file} {' '.join(TINY)} --steps 30 --name mine --json | head -1"
    finished = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, timeout=60)
    assert finished.returncode == 0
    assert finished.stderr == b""
    assert Run(Path("checkpoints/mine")).state()["step"] == 30


def test_too_large_a_model_is_told(text_file, cli, monkeypatch):
    def no_memory(*_):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate")

    monkeypatch.setattr("charrnn.training.new.LanguageModel", no_memory)
    result = cli("train", text_file, *TINY)
    assert result.code == 1
    assert "not enough memory" in result.err.splitlines()[-1]


def test_paths_and_devices_from_python(text_file):
    session = charrnn.train(text_file, steps=2, layers=1, hidden=4, embed=2, name="mine")
    assert charrnn.train(resume=True, name="mine").run.name == session.run.name
    if not torch.cuda.is_available():
        with pytest.raises(charrnn.CharrnnError, match="no such device"):
            charrnn.load("mine", device="cuda")


def test_what_is_named_and_no_file_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_named(pipe, b"picture")
    assert os.read(reading, 100) == b"picture"
    assert pipe.is_fifo()
    os.close(reading)
