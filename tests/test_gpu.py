"""On a GPU: the same losses as on a processor, the same bits after a stop, and runs that open anywhere."""

from __future__ import annotations

import json

import pytest
import torch

import charrnn
from charrnn.model import LanguageModel
from charrnn.settings import ModelSettings
from charrnn.training.chunk import chunk_loss
from tests.conftest import TINY
from tests.runs.test_same_bits import SMALL, TECHNIQUES, Die, Stop, assert_same, train_in_parts
from tests.test_compile import CELL, losses

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")

BUILT_IN = ["lstm", "gru", "rnn"]
#: cuDNN multiplies with ten bits of a factor's fraction (TF32).
CLOSE = 2e-3


@pytest.fixture(autouse=True)
def plain(own_directories, tmp_path, monkeypatch):
    """A plugin's cell, ``plain``, which the engine runs."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    source = CELL.replace("(Cell):\n", "(Cell):\n    recurrent_weights = ('mix.weight',)\n")
    (folder / "plain.py").write_text(source)
    monkeypatch.setenv("CHARRNN_PLUGINS_DIR", str(folder))
    monkeypatch.setenv("CHARRNN_LOAD_PLUGINS", "plain")


@pytest.mark.parametrize("more", [[], ["--recompute-every", 5]], ids=["kept", "recomputed"])
@pytest.mark.parametrize("cell", [*BUILT_IN, "plain"])
def test_losses_are_those_of_a_processor(cell, more, text_file, cli):
    for name, device in (("here", "cpu"), ("there", "cuda")):
        options = [text_file, *TINY, "--cell", cell, *more, "--steps", 30, "--name", name]
        assert cli("train", *options, "--device", device).code == 0
    assert losses("there") == pytest.approx(losses("here"), abs=CLOSE)


@pytest.mark.parametrize("cell", [*BUILT_IN, "plain"])
def test_what_it_trained_is_sampled_and_scored_on_either(cell, text_file, cli):
    assert cli("train", text_file, *TINY, "--cell", cell, "--steps", 30, "--name", "mine").code == 0
    assert cli("runs", "show", "mine", "--json").json()["device"] == "cuda"
    for more in ([], ["--dynamic"]):
        here, there = (cli("eval", "--json", "--device", device, *more).json() for device in ("cpu", "cuda"))
        assert there["nats_per_token"] == pytest.approx(here["nats_per_token"], abs=CLOSE)
    for more in (["--num", 3], ["--beam", 2]):
        sampled = cli("sample", "--length", 40, "--device", "cuda", *more)
        assert sampled.code == 0, sampled.err
        assert len(sampled.out) >= 40


@pytest.mark.parametrize(
    ("cell", "more"),
    [
        *((cell, TECHNIQUES) for cell in [*BUILT_IN, "plain"]),
        *((cell, {"zoneout": 0.1}) for cell in [*BUILT_IN, "plain"]),
        *((cell, {"compile": True}) for cell in BUILT_IN),
        ("lstm", {"optimizer": "rmsprop"}),
        ("lstm", {"optimizer": "sgd"}),
        ("lstm", {"precision": "bfloat16"}),
        ("gru", {"precision": "bfloat16", "compile": True}),
    ],
)
def test_stopping_and_resuming_gives_the_same_bits(cell, more, text_file):
    settings = {**SMALL, "steps": 40, "eval_every": 15, "cell": cell, **more}
    charrnn.train(text_file, name="whole", **settings)
    train_in_parts(text_file, [Stop(4), Die(23)], **settings)
    assert_same("parts", "whole")


@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop", "sgd"])
def test_a_run_goes_on_on_another_device(optimizer, text_file, cli):
    for name, devices in (("stayed", ["cpu"] * 3), ("moved", ["cuda", "cpu", "cuda"])):
        options = [text_file, *TINY, "--optimizer", optimizer, "--name", name]
        assert cli("train", *options, "--steps", 10, "--device", devices[0]).code == 0
        for steps, device in zip((20, 30), devices[1:], strict=True):
            resumed = cli("train", "--resume", "--name", name, "--steps", steps, "--device", device)
            assert resumed.code == 0, resumed.err
    assert losses("moved") == pytest.approx(losses("stayed"), abs=CLOSE)


@pytest.mark.parametrize("cell", [*BUILT_IN, "plain"])
def test_mixed_precision_keeps_the_range_of_float32(cell):
    torch.manual_seed(0)
    model = LanguageModel(ModelSettings(cell=cell, layers=2, hidden=32, embed=16, dropout=0.0), 20).cuda()
    ids = torch.randint(20, (33, 4), device="cuda")
    found = {}
    for name, autocast in (("float32", False), ("bfloat16", True)):
        model.zero_grad()
        with torch.autocast("cuda", torch.bfloat16, enabled=autocast):
            loss, state = chunk_loss(model, ids[:-1], ids[1:], model.initial_state(4))
        (loss * 1e-6).backward()  # smaller than anything that float16 holds
        found[name] = torch.cat([each.grad.flatten() for each in model.parameters()])
        assert {leaf.dtype for layer in state for leaf in layer} <= {torch.float32, torch.bfloat16}
    assert (found["bfloat16"] - found["float32"]).norm() < 0.05 * found["float32"].norm()


@pytest.mark.parametrize("cell", [*BUILT_IN, "plain"])
def test_mixed_precision_learns_what_float32_does(cell, text_file, cli):
    for precision in ("float32", "bfloat16"):
        options = [text_file, *TINY, "--cell", cell, "--steps", 60, "--lr", "0.01", "--name", precision]
        trained = cli("train", *options, "--precision", precision)
        assert trained.code == 0, trained.err
    assert losses("bfloat16") == pytest.approx(losses("float32"), abs=0.05)


@pytest.mark.parametrize("more", [{}, TECHNIQUES], ids=["plain", "techniques"])
@pytest.mark.parametrize("cell", BUILT_IN)
def test_recorded_steps_give_the_same_bits(cell, more, text_file):
    settings = {**SMALL, "steps": 70, "eval_every": 20, "cell": cell, **more}
    for name, recorded in (("asked-for", False), ("recorded", True)):
        charrnn.train(text_file, name=name, compile=recorded, **settings)
    assert_same("recorded", "asked-for")


def test_recorded_steps_of_a_plugin_s_cell_give_the_same_losses(text_file, program):
    options = [text_file, "--cell", "plain", *TINY, "--steps", 20, "--seq-len", 20]
    assert program("train", *options, "--name", "plainly").code == 0
    recorded = program("train", *options, "--name", "recorded", "--compile")
    assert recorded.code == 0, recorded.err
    assert "without it" not in recorded.err
    assert losses("recorded") == pytest.approx(losses("plainly"), abs=CLOSE)


def test_a_cell_that_cannot_be_recorded_is_told_of(text_file, program, tmp_path):
    source = CELL.replace("return hidden,", "float(hidden.sum())\n        return hidden,")
    (tmp_path / "plugins" / "plain.py").write_text(source)
    options = [text_file, "--cell", "plain", *TINY, "--steps", 5]
    assert program("train", *options).code == 0
    told = program("train", *options, "--compile")
    assert told.code == 2
    assert "--compile: the steps cannot be recorded for the GPU (" in told.err
    assert "Traceback" not in told.err


def test_a_live_run_shows_samples(text_file, program):
    trained = program("train", text_file, *TINY, "--steps", 20, "--json")
    events = [json.loads(line) for line in trained.out.splitlines()]
    assert {"started", "logged", "evaluated", "saved", "sampled", "finished"} <= {each["event"] for each in events}
    assert events[-1]["step"] == 20
