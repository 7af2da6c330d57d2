"""Damage is noticed, whatever byte of whatever file it is in; nobody is given anything but what was saved."""

from __future__ import annotations

import random
import shutil
from itertools import combinations
from pathlib import Path

import pytest

import charrnn
from charrnn.errors import CharrnnError
from charrnn.runs.run import Run
from charrnn.runs.verification import verify
from tests.same_bits import saved

FLIPS = 1000
#: What is for people, and who trains at the moment.
UNWATCHED = {"README.md", ".lock", ".owner"}


@pytest.fixture(scope="module")
def made(tmp_path_factory, text):
    """A run of two saves."""
    folder = tmp_path_factory.mktemp("damage")
    (folder / "words.txt").write_text(text[:4000])
    sizes = {"layers": 1, "hidden": 8, "embed": 4, "seq_len": 16, "batch_size": 8}
    charrnn.train(folder / "words.txt", name="mine", checkpoints=folder, steps=20, eval_every=10, keep=2, **sizes)
    assert len(list((folder / "mine/saves").iterdir())) == 2
    return folder / "mine"


@pytest.fixture
def mine(made):
    return shutil.copytree(made, Path("checkpoints/mine"))


def files(run):
    return sorted(path for path in run.rglob("*") if path.is_file() and path.name not in UNWATCHED)


def flips(run):
    """Flip a bit of a thousand random bytes, one at a time: of any byte, and of any file, the small ones too."""
    chance = random.Random(1)
    paths = files(run)
    sizes = [path.stat().st_size for path in paths]
    for number in range(FLIPS):
        path = chance.choices(paths, sizes)[0] if number % 2 else chance.choice(paths)
        content = path.read_bytes()
        damaged = bytearray(content)
        at = chance.randrange(len(content))
        damaged[at] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        yield number, f"{path.relative_to(run)}, byte {at}"
        path.write_bytes(content)


def sampled(run):
    return charrnn.load(run).generate(length=30, seed=1)


def gone_on_with(run):
    """What a copy of the run saves after some more steps."""
    copy = shutil.copytree(run, Path("copy/mine"))
    try:
        charrnn.train(resume=True, name="mine", checkpoints="copy", steps=24)
        return saved(copy)
    finally:
        shutil.rmtree("copy")


def refused_or(wanted, what, run):
    try:
        return what(run) == wanted
    except CharrnnError:
        return True


def test_a_thousand_flipped_bits_are_noticed_each(mine):
    assert not verify(Run(mine)).damage
    missed = [where for _, where in flips(mine) if not verify(Run(mine)).damage]
    assert not missed
    assert not verify(Run(mine)).damage


def test_a_damaged_run_is_refused_or_gives_what_an_undamaged_one_gives(mine):
    text, state = sampled(mine), gone_on_with(mine)
    wrong = []
    for number, where in flips(mine):
        if number % 12 == 0 and not refused_or(text, sampled, mine):
            wrong.append(f"sample: {where}")
        if number % 30 == 0 and not refused_or(state, gone_on_with, mine):
            wrong.append(f"train --resume: {where}")
    assert not wrong


def test_damage_is_told_in_lines_by_the_command_line(mine, cli):
    for number, where in flips(mine):
        if number % 100 == 0:
            told = cli("runs", "verify", "mine")
            assert told.code == 1, where
            assert told.out.startswith("run mine: damaged\n")
            assert told.err == ""
            for command in (["sample", "mine", "--length", 3], ["runs", "show", "mine"], ["runs", "list"]):
                assert "Traceback" not in cli(*command).err


@pytest.mark.parametrize("left", [lambda size: size - 1, lambda size: size // 2, lambda size: 0])
def test_a_file_that_was_cut_short_is_noticed(left, mine):
    for path in files(mine):
        content = path.read_bytes()
        path.write_bytes(content[: left(len(content))])
        assert verify(Run(mine)).damage, path
        path.write_bytes(content)


def test_a_byte_too_many_is_noticed(mine):
    for path in files(mine):
        content = path.read_bytes()
        path.write_bytes(content + b"\n")
        # Metrics grow while a run is trained; what comes after those that were saved is cut off when it goes on.
        assert bool(verify(Run(mine)).damage) == (path.name != "metrics.jsonl"), path
        path.write_bytes(content)


def test_a_file_that_is_gone_is_missed(mine):
    for path in files(mine):
        path.rename("elsewhere")
        assert verify(Run(mine)).damage, path
        Path("elsewhere").rename(path)


def test_a_file_in_another_s_place_is_noticed(mine):
    for one, other in combinations(files(mine), 2):
        contents = one.read_bytes(), other.read_bytes()
        if contents[0] != contents[1]:
            one.write_bytes(contents[1])
            other.write_bytes(contents[0])
            assert verify(Run(mine)).damage, (one, other)
            one.write_bytes(contents[0])
            other.write_bytes(contents[1])


def test_saves_in_each_other_s_place_are_noticed(mine):
    one, other = sorted((mine / "saves").iterdir())
    one.rename("elsewhere")
    other.rename(one)
    Path("elsewhere").rename(other)
    assert verify(Run(mine)).damage


@pytest.mark.parametrize("name", ["special_tokens.json", ".hidden", "below/alphabet.json"])
def test_a_file_that_the_tokenizer_did_not_save_is_noticed(name, mine):
    path = mine / "tokenizer" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}")
    assert [damage.path for damage in verify(Run(mine)).damage] == [path]


def test_a_folder_in_a_file_s_place_is_noticed(mine):
    for path in files(mine):
        path.rename("elsewhere")
        path.mkdir()
        assert verify(Run(mine)).damage, path
        path.rmdir()
        Path("elsewhere").rename(path)
