"""``charrnn runs verify``: what is damaged, what it harms, what can still be used, and what can be mended."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.runs.mending import mend
from charrnn.runs.run import Run
from charrnn.runs.saves import Saves
from charrnn.runs.seal import BrokenSealError, seal, unseal
from charrnn.runs.verification import verify
from tests.conftest import TINY


@pytest.fixture(scope="module")
def made(tmp_path_factory, text):
    """A run of two saves."""
    import charrnn

    folder = tmp_path_factory.mktemp("made")
    (folder / "words.txt").write_text(text)
    sizes = {"layers": 1, "hidden": 8, "embed": 4, "seq_len": 16, "batch_size": 8}
    charrnn.train(
        folder / "words.txt", name="mine", checkpoints=folder, steps=30, eval_every=10, keep=2, seed=1, **sizes
    )
    return folder / "mine"


@pytest.fixture
def mine(made):
    shutil.copytree(made, "checkpoints/mine")
    return Run(Path("checkpoints/mine"))


def damage(path, at=-5):
    """Change one byte."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_a_whole_run_is_told_as_that(mine, cli):
    result = cli("runs", "verify", "mine")
    assert result.code == 0
    assert result.out.startswith("run mine: whole: ")
    (found,) = cli("runs", "verify", "--json").json()
    assert (found["damage"], found["generates"], found["trains"]) == ([], True, True)
    assert list(found["whole_saves"].values()) == [20, 30]


@pytest.mark.parametrize(
    ("file", "generates", "trains", "goes_on"),
    [
        ("config.json", False, False, False),
        ("tokenizer/alphabet.json", False, False, False),
        ("latest", False, False, True),
        ("metrics.jsonl", True, True, True),
        ("model.safetensors", True, True, True),
        ("saves/30/weights.safetensors", True, False, True),
        ("saves/30/training.safetensors", True, False, True),
        ("saves/30/state.json", True, False, True),
        ("saves/30/best.safetensors", False, False, True),
        ("saves/30/manifest.json", False, False, True),
        ("saves/20/weights.safetensors", True, True, True),
    ],
)
def test_damage_is_found_told_and_mended_as_far_as_may_be(file, generates, trains, goes_on, mine, cli):
    steps = {str(each.state()["step"]): each.path for each in mine.saves.all()}
    folder, _, rest = file.partition("/")
    path = steps[rest.partition("/")[0]] / rest.partition("/")[2] if folder == "saves" else mine.path / file
    damage(path)
    result = cli("runs", "verify", "mine", "--json")
    assert result.code == 1
    (found,) = result.json()
    assert str(path) in [each["file"] for each in found["damage"]]
    assert (found["generates"], found["trains"]) == (generates, trains)
    assert (cli("sample", "mine", "--length", 3).code == 0) == generates
    shown = cli("runs", "verify", "mine").out
    assert str(path) in shown
    assert ("train --resume: goes on from step 30" in shown) == trains
    assert ("--mend takes it" in shown) == (goes_on and not trains)
    mended = cli("runs", "verify", "mine", "--mend")
    again = cli("train", "--resume", "--name", "mine", "--steps", 34, "--keep", 2)
    assert (again.code == 0) == goes_on, mended.err
    if goes_on and file != "metrics.jsonl":
        assert cli("runs", "verify", "mine").code == 0


def test_the_newest_whole_save_counts_after_mending_and_the_damaged_one_is_kept(mine):
    newest = mine.saves.latest().path
    damage(newest / "training.safetensors")
    lines = list(mend(mine))
    assert any("training goes on from step 20" in line for line in lines)
    assert mine.state()["step"] == 20
    assert (newest.parent / f".damaged-{newest.name}" / "training.safetensors").exists()
    assert list(mend(mine)) == []


def test_the_best_weights_come_back_from_their_other_place(mine, cli):
    before = cli("eval", "mine", "--json").out
    path = mine.saves.latest().path / "best.safetensors"
    damage(path)
    assert cli("sample", "mine").code == 1
    assert f"{path} was made again from model.safetensors" in cli("runs", "verify", "mine", "--mend").err
    assert cli("eval", "mine", "--json").out == before


def test_what_a_killed_process_left_does_no_harm_and_is_swept(mine, cli):
    (mine.path / ".latest.1-1.unfinished").write_text("0000")
    (mine.path / "saves" / ".00000040.unfinished").mkdir()
    result = cli("runs", "verify", "mine")
    assert result.code == 0
    assert result.out.count("was left behind, and does no harm") == 2
    assert cli("runs", "verify", "mine", "--mend").err.count("was removed") == 2
    assert "left behind" not in cli("runs", "verify", "mine").out


def test_every_run_is_verified_where_none_is_named(mine, cli):
    shutil.copytree(mine.path, "checkpoints/other")
    damage(Path("checkpoints/other/config.json"))
    result = cli("runs", "verify")
    assert result.code == 1
    assert "run mine: whole" in result.out
    assert "run other: damaged" in result.out
    assert "no runs in" in cli("runs", "verify", "--checkpoints", "empty").err


def test_a_run_that_cannot_be_mended_keeps_no_other_from_it(mine, cli):
    shutil.copytree(mine.path, "checkpoints/other")
    shutil.copytree(mine.path, "checkpoints/third")
    damage(Path("checkpoints/other/config.json"))
    with Run(Path("checkpoints/third")).locked():
        damage(mine.path / "latest", at=3)
        result = cli("runs", "verify", "--mend")
    assert result.code == 1
    assert "save 00000030 counts now" in result.err
    assert "run 'other' is not mended: checkpoints/other/config.json is damaged: " in result.err
    assert "run 'third' is not mended: run 'third' is in use by " in result.err
    assert "run mine: whole" in result.out
    assert "run other: damaged" in result.out


@pytest.mark.parametrize("mended", [[], ["--mend"]])
def test_a_run_that_cannot_be_read_keeps_no_other_from_being_looked_at(mended, mine, cli, monkeypatch):
    shutil.copytree(mine.path, "checkpoints/other")
    look = Saves.all

    def denied(saves):
        if saves.directory.parent.name == "other":
            raise PermissionError(13, "Permission denied", str(saves.directory))
        return look(saves)

    monkeypatch.setattr(Saves, "all", denied)
    result = cli("runs", "verify", *mended)
    assert result.code == 1
    assert "run mine: whole" in result.out
    assert "checkpoints/other/saves cannot be read: Permission denied" in result.out
    told = (
        "run 'other' is not mended: checkpoints/other/saves cannot be mended: Permission denied; mend its permissions"
    )
    assert (told in result.err) == bool(mended)


def test_all_that_is_damaged_is_told_at_once(mine, cli):
    for name in ("latest", "metrics.jsonl", "model.safetensors"):
        damage(mine.path / name, at=5)
    result = cli("runs", "verify", "mine")
    assert {Path(each["file"]).name for each in cli("runs", "verify", "mine", "--json").json()[0]["damage"]} == {
        "latest",
        "metrics.jsonl",
        "model.safetensors",
    }
    assert result.code == 1


def test_metrics_that_are_damaged_are_told_of_and_training_goes_on(mine, cli):
    damage(mine.path / "metrics.jsonl", at=5)
    result = cli("train", "--resume", "--name", "mine", "--steps", 34)
    assert result.code == 0
    assert "metrics.jsonl is not what was saved" in result.err


def test_as_many_saves_are_kept_as_are_asked_for(text_file, cli):
    arguments = ["train", text_file, *TINY, "--steps", 40, "--eval-every", 10, "--name", "mine", "--keep", 3]
    assert cli(*arguments).code == 0
    assert [each.state()["step"] for each in Saves(Path("checkpoints/mine"), sealed=True).all()] == [20, 30, 40]
    assert cli("train", "--resume", "--steps", 50, "--keep", 1).code == 0
    assert [each.state()["step"] for each in Saves(Path("checkpoints/mine"), sealed=True).all()] == [50]
    assert verify(Run(Path("checkpoints/mine"))).damage == []


JSON = st.dictionaries(
    st.text().filter(lambda key: key != "seal"), st.none() | st.integers(-(10**9), 10**9) | st.text(), max_size=5
)


@given(JSON)
def test_what_was_sealed_is_read(content):
    assert unseal(seal(content))[0] == content


@given(JSON, st.data())
def test_no_byte_of_what_was_sealed_can_change(content, data):
    sealed = bytearray(seal(content))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    try:
        read, found = unseal(bytes(sealed))
    except ValueError:
        return
    assert not found, "a changed file keeps no seal that fits"
    assert read != content or "seal" not in bytes(sealed).decode()


@pytest.mark.parametrize("value", ["null", "false", "0", "[]", "{}", '""', '"0"', "1"])
def test_what_is_no_seal_is_a_broken_one(value):
    sealed = seal({"step": 1})
    broken = re.sub(rb'"[0-9a-f]{64}"', value.encode(), sealed)
    assert broken != sealed
    with pytest.raises(BrokenSealError, match="changed since it was written"):
        unseal(broken)


def test_another_s_seal_is_told():
    sealed = seal({"step": 1}).replace(b'"step": 1', b'"step": 2')
    with pytest.raises(BrokenSealError, match="changed since it was written"):
        unseal(sealed)
