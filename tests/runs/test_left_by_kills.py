"""What a kill leaves in a run is no damage, and goes; what is missing is; who trains disturbs nobody who looks."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from charrnn.runs.run import Run
from charrnn.runs.verification import verify
from tests.conftest import TINY

#: The save of a finished run.
COUNTS = "00000012"


@pytest.fixture
def mine(text_file, cli):
    assert cli("train", text_file, *TINY, "--steps", 12, "--name", "mine").code == 0
    return Run(Path("checkpoints/mine"))


def later(run, steps=1):
    """The run's save, as it might be some steps later."""
    save = run.load()
    return replace(save, state={**save.state, "step": save.state["step"] + steps})


def killed(*_):
    raise KeyboardInterrupt


def test_a_save_that_never_counted_is_no_damage_and_its_steps_are_taken_again(mine, cli, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("charrnn.runs.saves.write_file", killed)
        with pytest.raises(KeyboardInterrupt):
            mine.save(later(mine), better=True)
    found = verify(mine)
    assert not found.damage
    assert list(found.whole) == [COUNTS, "00000013"]
    assert found.latest == COUNTS
    assert cli("train", "--resume", "--steps", 14).code == 0
    assert list(verify(mine).whole) == ["00000014"]


def test_a_first_save_that_never_counted_is_no_damage_either(text_file, cli, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("charrnn.runs.saves.write_file", killed)
        cli("train", text_file, *TINY, "--steps", 12, "--name", "mine")
    assert list((Path("checkpoints/mine/saves")).iterdir())
    assert cli("runs", "verify", "mine").code == 0
    assert "had saved nothing yet" in cli("train", "--resume", "--name", "mine").err
    assert cli("runs", "verify", "mine").code == 0


def test_what_names_the_save_is_missed_and_training_does_not_start_anew(mine, cli):
    (mine.path / "latest").unlink()
    assert "latest is missing" in cli("runs", "verify", "mine").out
    for command in ("sample mine", "train --resume --name mine --steps 20"):
        assert "what can still be used says: charrnn runs verify mine" in cli(*command.split()).told
    assert f"save {COUNTS} counts now" in cli("runs", "verify", "mine", "--mend").err
    assert cli("train", "--resume", "--name", "mine", "--steps", 20).code == 0


def test_a_save_under_another_s_name_is_noticed(mine):
    mine.save(later(mine), better=False, keep=2)
    (mine.path / f"saves/{COUNTS}").rename(mine.path / "saves/00000011")
    assert [each.path.name for each in verify(mine).damage] == ["state.json"]


def test_a_run_that_is_saved_while_it_is_looked_at_is_not_called_damaged(mine, monkeypatch):
    from charrnn.runs import verification

    looked = []

    def read_shapes(path):
        looked.append(path)
        if len(looked) <= 3:
            mine.save(later(mine), better=True)
        return look(path)

    look = verification.read_shapes
    monkeypatch.setattr(verification, "read_shapes", read_shapes)
    found = verify(mine)
    assert not found.damage
    assert list(found.whole) == ["00000015"]
    assert found.trains


def test_a_run_that_is_saved_while_it_is_read_is_read_again(mine, monkeypatch):
    from charrnn.runs import run as reading

    def saved_meanwhile(path):
        monkeypatch.setattr(reading, "read_tensors", read_tensors)
        mine.save(later(mine), better=True)
        return read_tensors(path)

    read_tensors = reading.read_tensors
    monkeypatch.setattr(reading, "read_tensors", saved_meanwhile)
    assert mine.best_weights()
    assert not (mine.path / f"saves/{COUNTS}").exists()


def test_a_run_that_was_killed_after_its_last_save_is_tidied_when_it_is_asked_to_go_on(mine, cli, monkeypatch):
    mine.save(later(mine), better=False, keep=2)
    with monkeypatch.context() as patch:
        patch.setattr("charrnn.atomic.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            mine.saves.prune(1)
    assert verify(mine).left
    assert "is finished after 13 steps" in cli("train", "--resume", "--name", "mine").told
    assert verify(mine).left == []
    assert list(verify(mine).whole) == ["00000013"]


def test_what_a_killed_process_left_is_named_and_goes_when_training_goes_on(mine, cli):
    left = [mine.path / ".latest.1-1.unfinished", mine.path / "saves/.00000020.unfinished/weights.safetensors"]
    left.append(mine.path / "saves/.removed-00000001/state.json")
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_text("a part")
    told = cli("runs", "verify", "mine")
    assert told.code == 0
    assert told.out.count("was left behind, and does no harm") == 3
    copy = shutil.copytree(mine.path, "checkpoints/copy")
    assert cli("train", "--resume", "--name", "mine", "--steps", 14).code == 0
    assert cli("runs", "verify", "copy", "--mend").code == 0
    for path in (mine.path, Path(copy)):
        assert not list(path.rglob(".*.unfinished")) + list(path.rglob(".removed-*"))
