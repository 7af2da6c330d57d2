"""A save that is damaged is set aside, beside those that were before, and stays until a person deletes it."""

from __future__ import annotations

from pathlib import Path

from charrnn.runs.run import Run
from tests.conftest import TINY
from tests.forging import save_of

RUN = Path("checkpoints/mine")


def damage(content):
    path = save_of(RUN) / "training.safetensors"
    path.write_bytes(content)
    return path.parent.name


def test_a_save_that_is_damaged_twice_is_kept_twice(text_file, cli):
    train = ["train", "--resume", "--name", "mine", "--steps", 10]
    assert cli("train", text_file, *TINY, "--steps", 10, "--eval-every", 5, "--keep", 3, "--name", "mine").code == 0
    contents = [b"first", b"second", b"third"]
    for content in contents:
        name = damage(content)
        assert cli("runs", "verify", "mine", "--mend").code == 0
        assert cli(*train).code == 0
        assert save_of(RUN).name == name
    aside = Run(RUN).saves.aside()
    assert [path.name for path in aside] == [f".damaged-{name}", f".damaged-{name}-2", f".damaged-{name}-3"]
    assert [(path / "training.safetensors").read_bytes() for path in aside] == contents
    told = cli("runs", "verify", "mine")
    assert told.code == 0
    for path in aside:
        assert f"{path} was left behind, and does no harm" in told.out
