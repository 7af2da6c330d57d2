"""A run of each released format opens, is measured as it was, and becomes one of this format when it is trained on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from charrnn.atomic import write_file
from charrnn.runs.migrations import FORMAT_VERSION
from charrnn.runs.run import Run
from charrnn.runs.verification import verify
from tests.golden.make import HERE, write_corpus
from tests.same_bits import figures, saved

FORMATS = sorted(int(path.name.removeprefix("format-")) for path in HERE.glob("format-*"))
RUN = Path("checkpoints/golden")


@pytest.fixture(params=FORMATS)
def version(request):
    shutil.copytree(HERE / f"format-{request.param}", RUN)
    write_corpus(Path())
    return request.param


@pytest.fixture
def old():
    """The run of the first format."""
    shutil.copytree(HERE / "format-1", RUN)
    write_corpus(Path())
    return Run(RUN)


def dying_after(writes):
    """Write so many files, and die at the next."""
    left = iter(range(writes))

    def write(path, content):
        if next(left, None) is None:
            raise KeyboardInterrupt
        write_file(path, content)

    return write


def test_a_run_of_each_format_is_kept():
    assert list(range(1, FORMAT_VERSION + 1)) == FORMATS


def test_it_opens_and_scores_what_it_scored(version, cli):
    best = json.loads((RUN / "metrics.jsonl").read_text().splitlines()[-1])
    assert Run(RUN).format == version
    assert cli("runs", "verify", "golden").code == 0
    assert cli("runs", "list", "--json").json()[0]["nats_per_token"] == best["nats_per_token"]
    assert cli("eval", "golden", "--json").json()["nats_per_token"] == pytest.approx(best["nats_per_token"], rel=1e-4)
    assert len(cli("sample", "golden", "--length", 20, "--seed", 1).out) >= 20
    assert Run(RUN).format == version, "whoever only reads changes nothing"


def test_it_goes_on_and_becomes_one_of_this_format(version, cli):
    before = figures(RUN)
    assert cli("train", "--resume", "--name", "golden", "--steps", 40).code == 0
    run = Run(RUN)
    assert run.format == FORMAT_VERSION
    assert run.state()["step"] == 40
    assert figures(RUN)[: len(before)] == before
    assert not verify(run).damage
    assert cli("sample", "golden", "--length", 5).code == 0
    assert "is finished after 40 steps" in cli("train", "--resume", "--name", "golden").told


def test_killed_at_any_write_of_the_upgrade_it_is_still_readable_and_goes_on(old, cli, monkeypatch):
    goes_on = ["train", "--resume", "--name", "golden", "--steps", "40"]
    shutil.copytree(RUN, "checkpoints/whole")
    assert cli(*goes_on).code == 0
    wanted = saved(RUN)
    killed_at = []
    for writes in range(10):
        shutil.rmtree(RUN)
        shutil.copytree("checkpoints/whole", RUN)
        dies = dying_after(writes)
        with monkeypatch.context() as patch:
            for module in ("run", "saves", "taking_up"):
                patch.setattr(f"charrnn.runs.{module}.write_file", dies)
            cli(*goes_on)
        if Run(RUN).state()["step"] > 20:
            break
        killed_at.append(Run(RUN).format)
        assert not verify(Run(RUN)).damage
        assert cli("sample", "golden", "--length", 5).code == 0
        assert cli("eval", "golden").code == 0
        assert cli(*goes_on).code == 0
        assert saved(RUN) == wanted
        assert not verify(Run(RUN)).damage
    assert killed_at[0] == 1
    assert killed_at[-1] == FORMAT_VERSION
    assert len(killed_at) >= 5, "a manifest, what names it, the config twice, and the first save"


def test_what_the_first_format_left_half_removed_is_no_hindrance(old, cli):
    """It removed an old save in place, file by file, and its kill left a part."""
    half = RUN / "saves" / "00000010"
    half.mkdir()
    shutil.copy(next((RUN / "saves").glob("*/weights.safetensors")), half)
    assert cli("train", "--resume", "--name", "golden", "--steps", 30).code == 0
    assert not verify(Run(RUN)).damage


def test_a_run_of_the_first_format_that_had_saved_nothing_starts_anew(old, cli):
    shutil.rmtree(RUN / "saves")
    for name in ("latest", "model.safetensors"):
        (RUN / name).unlink()
    assert "saved nothing yet" in cli("sample", "golden").told
    assert cli("train", "--resume", "--name", "golden").code == 0
    assert Run(RUN).format == FORMAT_VERSION
    assert figures(RUN) == figures(HERE / "format-1")


def test_a_format_of_the_future_is_left_alone(old, cli):
    config = json.loads((RUN / "config.json").read_text())
    (RUN / "config.json").write_text(json.dumps({**config, "format_version": FORMAT_VERSION + 1}))
    told = cli("train", "--resume", "--name", "golden", "--steps", 40).told
    assert f"has format_version {FORMAT_VERSION + 1}, and this charrnn reads 1 to {FORMAT_VERSION}" in told
    assert "use the charrnn that wrote it" in told
