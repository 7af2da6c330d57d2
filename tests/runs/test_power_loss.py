"""The power may go at any moment, and what was not flushed with it: the run is whole, and goes on to the same bits."""

from __future__ import annotations

import hashlib
import os
import random
import shutil

import pytest

import charrnn
from charrnn.runs.run import Run
from charrnn.runs.verification import verify
from charrnn.training.events import Saved
from tests.crashes.power import Disk
from tests.same_bits import figures, saved

#: States that are drawn for each moment, beside the one in which all is lost that may be.
_DRAWN = 3
SETTINGS = {"layers": 1, "hidden": 8, "embed": 4, "seq_len": 16, "batch_size": 8, "steps": 30, "eval_every": 10}


@pytest.fixture
def words(tmp_path, text):
    path = tmp_path / "words.txt"
    path.write_text(text[:3000])
    return path


def fingerprint(folder):
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path.relative_to(folder)).encode() + b"\0")
        if path.is_file():
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def states(disk, folder):
    """Write each state that the disk may be in at any moment; yields the folder, and the step promised then."""
    chance = random.Random(1)
    seen = set()
    for moment in disk.moments:
        for drawn in range(1 + _DRAWN):
            if drawn:
                moment.lose_some(folder, chance)
            else:
                moment.lose_all(folder)
            mark = (fingerprint(folder), moment.promised)
            if mark not in seen:
                seen.add(mark)
                yield folder, moment.promised
            shutil.rmtree(folder)


@pytest.mark.parametrize("keep", [1, 2])
def test_whatever_is_lost_what_was_said_to_be_saved_is_not(keep, words, tmp_path, monkeypatch):
    """A run of three saves, of which the second was interrupted by the end of its process."""
    (tmp_path / "disk").mkdir()
    runs = tmp_path / "disk" / "runs"  # not there yet: it is made with the first run
    disk = Disk(tmp_path / "disk")

    def heard(event):
        if isinstance(event, Saved):
            disk.promised = event.step
            if event.step == 20 and not stopped:
                stopped.append(event)
                raise KeyboardInterrupt

    stopped = []
    with monkeypatch.context() as patch:
        disk.watch(patch)
        with pytest.raises(KeyboardInterrupt):
            charrnn.train(words, name="mine", checkpoints=runs, listen=heard, keep=keep, **SETTINGS)
        charrnn.train(resume=True, name="mine", checkpoints=runs, listen=heard)
    disk.close()
    went_on = {}
    for folder, promised in states(disk, tmp_path / "after"):
        path = folder / "runs" / "mine"
        if not path.exists():
            assert promised == 0
            continue
        found = verify(Run(path))
        assert found.damage == []
        step = (Run(path).state() or {"step": 0})["step"]
        assert step >= promised
        if step not in went_on:
            went_on[step] = path
            charrnn.train(resume=True, name="mine", checkpoints=path.parent)
            assert figures(path) == figures(runs / "mine")
            assert saved(path) == saved(runs / "mine")
    assert sorted(went_on) == [0, 10, 20, 30]


def test_a_disk_keeps_what_was_flushed_and_may_forget_what_was_not(tmp_path, monkeypatch):
    """The disk itself is tested too: a write that is not flushed, and a name that is not, are seen to be lost."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "old").write_text("old")
    disk = Disk(root)
    with monkeypatch.context() as patch:
        disk.watch(patch)
        (root / "new").write_text("half, whole")
        with (root / "new").open() as file:
            os.fsync(file.fileno())
        (root / "new").replace(root / "old")
        os.mkdir(root / "more")  # noqa: PTH102
        (root / "more" / "late").write_text("late")
        os.unlink(root / "old")  # noqa: PTH108
    disk.close()
    last = disk.moments[-1]
    last.lose_all(tmp_path / "lost")
    assert {path.name: path.read_text() for path in (tmp_path / "lost").iterdir()} == {"old": "old"}
    found = set()
    for seed in range(200):
        last.lose_some(tmp_path / "some", random.Random(seed))
        late = tmp_path / "some/more/late"
        found.add(("old" if (tmp_path / "some/old").exists() else "") and (tmp_path / "some/old").read_text())
        found.add(late.read_text() if late.exists() else "no late")
        shutil.rmtree(tmp_path / "some")
    assert found >= {"old", "half, whole", "", "no late", "late", "la"}
