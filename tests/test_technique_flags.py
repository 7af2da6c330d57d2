"""Each technique's flag reaches the training."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

import charrnn
from charrnn.training.events import Logged
from tests.conftest import TINY


@pytest.mark.parametrize(
    ("clipping", "share"),
    [
        ({"clip": 0}, 0),
        ({"clip": 1e-9}, 1),
        ({"clip": 0, "clip_value": 1e-9}, 1),
        ({"clip": 0, "clip_value": 1e9}, 0),
        ({"clip": 1e9, "clip_value": 1e-9}, 1),
    ],
    ids=str,
)
def test_the_share_of_steps_whose_gradient_was_cut_is_logged(clipping, share, text_file):
    told = []
    shape = {"layers": 1, "hidden": 16, "embed": 8, "seq_len": 16, "batch_size": 8}
    charrnn.train(text_file, **shape, steps=10, **clipping, listen=told.append)
    [event] = [each for each in told if isinstance(each, Logged)]
    assert event.clipped == share
    assert event.grad_norm > 1e-6


@pytest.mark.parametrize(
    "flags",
    [
        ["--weight-drop", "0.5"],
        ["--dropout", "0.5"],
        ["--dropout", "0.5", "--variational"],
        ["--zoneout", "0.5"],
        ["--random-offset"],
        ["--ema", "0.9"],
        ["--layer-norm"],
        ["--residual"],
        ["--tied"],
        ["--orthogonal"],
        ["--clip-value", "1e-4"],
    ],
    ids=" ".join,
)
def test_each_technique_changes_what_is_learned(flags, text_file, cli):
    """Beside the run without its last flag."""
    train = ["train", text_file, *TINY, "--embed", 16, "--steps", 4, "--optimizer", "sgd", "--lr", "0.1"]
    without = flags[: -1 if flags[-1].startswith("--") else -2]
    for name, chosen in (("with", flags), ("without", without)):
        assert cli(*train, *chosen, "--name", name).code == 0
    one, other = (load_file(f"checkpoints/{name}/model.safetensors") for name in ("with", "without"))
    assert any(not torch.equal(one[name], other[name]) for name in one.keys() & other.keys())


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--variational"], "--variational does nothing without --dropout, which is 0"),
        (["--variational", "--dropout", "0.1"], None),
        (["--residual"], "--residual does nothing for one layer of 16 features on an embedding of 8"),
        (["--residual", "--embed", 16], None),
        (["--residual", "--layers", 2], None),
    ],
    ids=str,
)
def test_a_setting_that_changes_nothing_is_told_of(flags, told, text_file, cli):
    trained = cli("train", text_file, *TINY, "--steps", 1, "--preset", "quick", *flags)
    assert trained.code == 0
    lines = [line for line in trained.err.splitlines() if "does nothing" in line]
    assert len(lines) == (told is not None)
    assert all(told in line for line in lines)


def test_a_flag_switches_off_what_a_file_switches_on(text_file, tmp_path, cli):
    file = tmp_path / "normed.toml"
    file.write_text("layer-norm = true\ntied = true\n")
    tiny = [each for each in TINY if each != "--no-layer-norm"]
    train = ["train", text_file, *tiny, "--embed", 16, "--steps", 1, "--config", file]
    assert cli(*train, "--name", "normed").code == 0
    assert cli(*train, "--name", "plain", "--no-layer-norm", "--no-tied").code == 0
    normed, plain = (cli("runs", "show", name, "--json").json()["settings"] for name in ("normed", "plain"))
    assert normed["layer_norm"]
    assert normed["tied"]
    assert not plain["layer_norm"]
    assert not plain["tied"]
