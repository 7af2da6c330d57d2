"""A disk that is full or cannot be written to: one line says so, and what was saved before is whole."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import charrnn
from charrnn.runs.run import Run
from charrnn.runs.verification import verify
from tests.conftest import TINY
from tests.same_bits import figures, saved
from tests.unprivileged import needs_to_be_refused, unprivileged

RUN = Path("checkpoints/mine")
SIZES = {"layers": 1, "hidden": 16, "embed": 8, "seq_len": 16, "batch_size": 8}
SETTINGS = {**SIZES, "steps": 40, "eval_every": 5, "keep": 5}


@pytest.fixture
def mounting():
    """Run Python in a namespace of its own, in which it may mount."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    try:
        subprocess.run([*unshare, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"nothing may be mounted here: {error}")

    def call(source, *arguments):
        command = [*unshare, sys.executable, "-c", textwrap.dedent(source), *map(str, arguments)]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert finished.returncode == 0, finished.stderr
        return [json.loads(line) for line in finished.stdout.splitlines()]

    return call


#: Trains a run on disks of different sizes until it is full, looks at it, makes room, and lets it go on.
FILLING = """
    import json, shutil, subprocess, sys
    from pathlib import Path
    import charrnn
    from charrnn.runs.run import Run
    from charrnn.runs.verification import verify

    corpus, settings, disk, kept = sys.argv[1], json.loads(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
    for kilobytes in map(int, sys.argv[5:]):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", disk], check=True)
        try:
            charrnn.train(corpus, name="mine", checkpoints=disk, **settings)
            told = ""
        except charrnn.CharrnnError as error:
            told = str(error)
        run = Run(disk / "mine")
        found = verify(run)
        step = (run.state() or {"step": 0})["step"]
        subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
        charrnn.train(resume=True, name="mine", checkpoints=disk)
        shutil.copytree(disk / "mine", kept / str(kilobytes))
        damage = [each.problem for each in found.damage]
        print(json.dumps({"kilobytes": kilobytes, "told": told, "damage": damage, "step": step}))
        subprocess.run(["umount", disk], check=True)
"""


def test_a_full_disk_costs_no_save_and_the_run_goes_on_once_there_is_room(mounting, text_file, tmp_path):
    charrnn.train(text_file, name="mine", **SETTINGS)
    (tmp_path / "disk").mkdir()
    (tmp_path / "kept").mkdir()
    sizes = range(100, 500, 28)
    found = mounting(FILLING, text_file, json.dumps(SETTINGS), tmp_path / "disk", tmp_path / "kept", *sizes)
    full = [each for each in found if each["told"]]
    assert len(full) >= 8
    for each in full:
        assert "No space left on device" in each["told"], each
        assert "--resume" in each["told"], each
        assert "\n" not in each["told"]
    assert len({each["step"] for each in full}) >= 4, "the disk should have been full at different steps"
    for each in found:
        assert each["damage"] == []
        assert figures(tmp_path / "kept" / str(each["kilobytes"])) == figures(RUN)
        assert saved(tmp_path / "kept" / str(each["kilobytes"])) == saved(RUN)


#: Calls the command line where the runs can only be read.
READ_ONLY = """
    import contextlib, io, json, subprocess, sys
    from charrnn.cli import main

    subprocess.run(["mount", "--bind", "checkpoints", "checkpoints"], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", "checkpoints"], check=True)
    for command in json.loads(sys.argv[1]):
        with contextlib.redirect_stderr(io.StringIO()) as told, contextlib.redirect_stdout(io.StringIO()):
            code = main(command)
        print(json.dumps({"code": code, "told": told.getvalue().splitlines()}))
"""


def test_a_run_that_can_only_be_read_is_read_and_refuses_the_rest_in_a_line(mounting, text_file):
    charrnn.train(text_file, name="mine", **SETTINGS)
    reading = [["sample", "mine", "--length", "5"], ["eval", "mine"], ["runs", "verify"], ["runs", "show", "mine"]]
    writing = [
        ["train", "--resume", "--name", "mine", "--steps", "50"],
        ["runs", "verify", "mine", "--mend"],
        ["runs", "rm", "mine", "--yes"],
        ["train", str(text_file), *TINY, "--steps", "3", "--name", "other"],
    ]
    before = {path: path.read_bytes() for path in RUN.rglob("*") if path.is_file()}
    found = mounting(READ_ONLY, json.dumps([*reading, *writing]))
    for command, each in zip([*reading, *writing], found, strict=True):
        assert each["code"] == (command in writing), (command, each)
        if command in writing:
            assert "Read-only file system" in each["told"][-1], (command, each)
    assert {path: path.read_bytes() for path in RUN.rglob("*") if path.is_file()} == before


@needs_to_be_refused
def test_a_directory_without_permission_is_told_in_a_line(text_file):
    charrnn.train(text_file, name="mine", **SETTINGS)
    RUN.chmod(0o500)
    try:
        told = unprivileged("train", "--resume", "--name", "mine", "--steps", 50)
    finally:
        RUN.chmod(0o700)
    assert told.startswith("charrnn: run 'mine' cannot be written: Permission denied. ")
    assert not verify(Run(RUN)).damage


@pytest.mark.parametrize("limit", [3_000, 12_000])
def test_a_file_that_may_not_grow_is_told_in_a_line(limit, text_file, cli):
    """What no right is needed for: a limit on the size of a file, which some file of a save is above."""
    charrnn.train(text_file, name="mine", **SETTINGS)
    sizes = [path.stat().st_size for path in RUN.rglob("*.safetensors")]
    assert any(size > limit for size in sizes)
    command = [sys.executable, "-m", "charrnn", "train", "--resume", "--name", "mine", "--steps", "60"]
    refused = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert refused.returncode == 1, refused.stderr
    told = refused.stderr.splitlines()[-1]
    assert told.startswith("charrnn: run 'mine' cannot be written: File too large. What was saved before is whole; ")
    assert "Traceback" not in refused.stderr
    found = verify(Run(RUN))
    assert not found.damage
    assert found.trains
    assert cli("train", "--resume", "--name", "mine", "--steps", 60).code == 0
    charrnn.train(text_file, name="whole", **{**SETTINGS, "steps": 60})
    assert [line["step"] for line in figures(RUN)] == [line["step"] for line in figures(Path("checkpoints/whole"))]


def test_metrics_that_cannot_be_written_are_told_in_a_line(text_file, cli):
    charrnn.train(text_file, name="mine", **SETTINGS)
    shutil.move(RUN / "metrics.jsonl", "elsewhere")
    (RUN / "metrics.jsonl").mkdir()
    refused = cli("train", "--resume", "--name", "mine", "--steps", 60)
    assert refused.code == 1
    assert "metrics.jsonl cannot be written: Is a directory" in refused.err.splitlines()[-1]
    (RUN / "metrics.jsonl").rmdir()
    shutil.move("elsewhere", RUN / "metrics.jsonl")
    assert not verify(Run(RUN)).damage
    assert cli("train", "--resume", "--name", "mine", "--steps", 60).code == 0


def test_metrics_for_which_there_is_no_room_are_told_in_a_line(text_file, cli, monkeypatch):
    charrnn.train(text_file, name="mine", **SETTINGS)
    flush = os.fsync

    def full(handle):
        if Path(f"/proc/self/fd/{handle}").readlink().name == "metrics.jsonl":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        refused = cli("train", "--resume", "--name", "mine", "--steps", 60)
    assert refused.code == 1
    told = refused.err.splitlines()[-1]
    assert "metrics.jsonl cannot be written: No space left on device; make room or mend it, then --resume" in told
    assert verify(Run(RUN)).trains
    assert not verify(Run(RUN)).damage
    assert cli("train", "--resume", "--name", "mine", "--steps", 60).code == 0
