"""A run goes on where it stopped; what it is does not change on the way."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from unittest.mock import Mock

import pytest

import charrnn
from charrnn.atomic import write_directory
from charrnn.errors import UsageError
from charrnn.layers import flag
from charrnn.settings import INHERITED, TrainSettings
from charrnn.training.resume import MAY_CHANGE
from tests.conftest import TINY
from tests.forging import forge_config, put

#: For each setting, a value other than the small run's; what may change is in MAY_CHANGE.
OTHER = {
    "column": "text",
    "template": "{text}",
    "filter": {"lang": "en"},
    "encoding": "latin-1",
    "errors": "ignore",
    "separator": "--",
    "newlines": "fold",
    "normalize": "nfc",
    "max_bytes": 1000,
    "corpus_options": {"part": "one"},
    "tokenizer": "byte",
    "tokenizer_options": {"vocab_size": 300},
    "stream": True,
    "shuffle_buffer": 7,
    "sample_bytes": 1000,
    "cell": "gru",
    "cell_options": {"activation": "relu"},
    "layers": 2,
    "hidden": 99,
    "embed": 9,
    "layer_norm": True,
    "residual": True,
    "tied": True,
    "orthogonal": True,
    "dropout": 0.5,
    "variational": True,
    "weight_drop": 0.5,
    "zoneout": 0.5,
    "optimizer": "sgd",
    "lr": 0.5,
    "schedule": "linear",
    "warmup": 0.5,
    "weight_decay": 0.5,
    "clip": 5.0,
    "clip_value": 0.5,
    "ema": 0.5,
    "seq_len": 17,
    "batch_size": 9,
    "accumulate": 2,
    "random_offset": True,
    "val_fraction": 0.5,
    "eval_tokens": 100,
    "precision": "float64",
    "recompute_every": 4,
    "compile": True,
    "seed": 7,
}


def test_a_finished_run_says_so_and_more_budget_goes_on(text_file, cli):
    cli("train", text_file, *TINY, "--steps", 3, "--name", "mine")
    done = cli("train", "--resume", "--name", "mine")
    assert done.code == 0
    assert "finished after 3 steps" in done.told
    assert cli("train", "--resume", "--steps", 6).code == 0
    assert cli("runs", "show", "mine", "--json").json()["state"]["step"] == 6
    assert cli("runs", "show", "mine", "--json").json()["settings"]["steps"] == 6


@pytest.mark.parametrize("budget", [("--steps", 3, 6), ("--epochs", 0.01, 0.02), ("--time", "1s", "2s")])
def test_more_budget_goes_on_though_the_first_to_ask_for_it_was_killed(budget, text_file, cli, monkeypatch):
    flag, little, more = budget
    cli("train", text_file, *TINY, flag, little, "--name", "mine")
    before = cli("runs", "show", "mine", "--json").json()["state"]["step"]
    assert "is finished" in cli("train", "--resume").told
    with monkeypatch.context() as patch:
        patch.setattr("charrnn.runs.saves.write_directory", Mock(side_effect=KeyboardInterrupt))
        assert cli("train", "--resume", flag, more).code == 130
    assert cli("train", "--resume").code == 0
    assert cli("runs", "show", "mine", "--json").json()["state"]["step"] > before
    assert "is finished" in cli("train", "--resume").told


def test_a_resumed_run_keeps_what_it_is(text_file, cli):
    cli("train", text_file, *TINY, "--steps", 3, "--name", "mine")
    refused = cli("train", "--resume", "--hidden", 99)
    assert refused.code == 2
    assert "--hidden 99: run 'mine' has 16, which a resumed run keeps" in refused.told
    assert "was trained on" in cli("train", "other.txt", "--resume").told
    assert cli("train", text_file, "--resume", "--steps", 4).code == 0


def test_each_setting_may_change_or_is_refused_by_its_name(text_file, cli):
    assert OTHER.keys() ^ TrainSettings.model_fields.keys() == MAY_CHANGE, "a setting is one or the other"
    cli("train", text_file, *TINY, "--steps", 3, "--name", "mine")
    config = Path("checkpoints/mine/config.json").read_bytes()
    for name, value in OTHER.items():
        with pytest.raises(UsageError) as refused:
            charrnn.train(resume=True, name="mine", steps=9, **{name: value})
        assert str(refused.value).startswith(f"{flag(name)} {value}: run 'mine' has ")
        another = str(refused.value).partition("leave the flag out, or ")[2]
        if another == "train a new run":
            with pytest.raises(UsageError, match="takes its weights as they are"):
                charrnn.train(text_file, init_from="mine", steps=1, name="other", **{name: value})
        else:
            assert another == "start a new run with: charrnn train CORPUS --init-from mine"
            assert name not in INHERITED
    assert Path("checkpoints/mine/config.json").read_bytes() == config


def test_what_may_change_is_gone_on_with_and_kept(text_file, cli):
    cli("train", text_file, *TINY, "--steps", 4, "--eval-every", 2, "--name", "mine")
    changes = {"steps": 16, "eval_every": 5, "patience": 7, "save_every": 9.0, "keep": 2, "threads": 1}
    flags = [word for name, value in changes.items() for word in (flag(name), value)]
    assert cli("train", "--resume", "--device", "cpu", *flags).code == 0
    lines = [json.loads(line) for line in Path("checkpoints/mine/metrics.jsonl").read_text().splitlines()]
    assert [each["step"] for each in lines if each["kind"] == "validation"] == [2, 4, 5, 10, 15, 16]
    kept = cli("runs", "show", "mine", "--json").json()["settings"]
    assert {name: kept[name] for name in changes} == changes
    assert kept["device"] == "cpu"
    # Another kind of budget takes the place of the one before.
    assert cli("train", "--resume", "--epochs", 1).code == 0
    kept = cli("runs", "show", "mine", "--json").json()
    assert (kept["settings"]["steps"], kept["settings"]["epochs"]) == (None, 1)
    assert kept["state"]["step"] > 16


@pytest.mark.parametrize("place", [("threads",), ("settings", "threads")])
def test_a_run_s_threads_are_taken_as_far_as_there_are_cores(place, text_file, cli, monkeypatch):
    monkeypatch.setattr("charrnn.training.resume.usable_cores", lambda processes: 2 // processes)
    taken = []
    monkeypatch.setattr("torch.set_num_threads", taken.append)
    cli("train", text_file, *TINY, "--steps", 3, "--name", "mine")

    def resumed(*more):
        taken.clear()
        result = cli("train", "--resume", *more)
        assert result.code == 0
        return taken[0], result.err.count(
            "was trained with 1024 threads, and goes on with 2, for which there are cores"
        )

    forge_config(Path("checkpoints/mine"), put(*place, value=1024))
    assert resumed("--steps", 4) == (2, 1)
    assert cli("runs", "show", "mine", "--json").json()["threads"] == 2
    forge_config(Path("checkpoints/mine"), put(*place, value=1024))
    assert resumed("--steps", 5, "--threads", 3) == (3, 0)
    forge_config(Path("checkpoints/mine"), put("settings", "threads", value=2))
    assert resumed("--steps", 6) == (2, 0)


def test_as_many_saves_are_kept_as_were_asked_for(text_file, cli):
    def kept():
        saves = Path("checkpoints/mine/saves")
        return sorted(json.loads((each / "state.json").read_text())["step"] for each in saves.iterdir())

    small = [*TINY, "--eval-every", 2, "--name", "mine"]
    assert cli("train", text_file, *small, "--steps", 8).code == 0
    assert kept() == [8]
    assert cli("train", "--resume", "--steps", 16, "--keep", 4).code == 0
    assert len(kept()) == 4
    assert kept()[0] >= 10
    assert kept()[-1] == 16
    assert cli("train", "--resume", "--steps", 18, "--keep", 1).code == 0
    assert kept() == [18]


def test_a_run_without_a_save_starts_anew(text_file, cli, monkeypatch):
    def full(path, fill):
        if path.name != "mine":
            raise OSError(28, "No space left on device")
        write_directory(path, fill)

    with monkeypatch.context() as patch:
        patch.setattr("charrnn.runs.saves.write_directory", full)
        assert cli("train", text_file, *TINY, "--steps", 3, "--name", "mine").code == 1
    assert "finished save" in cli("sample").told
    resumed = cli("train", "--resume", "--name", "mine")
    assert resumed.code == 0
    assert "had saved nothing yet" in resumed.err


def test_the_corpus_is_packed_again_where_the_cache_is_gone_and_a_change_is_noticed(
    text_file, cli, monkeypatch, tmp_path
):
    cli("train", text_file, *TINY, "--steps", 3, "--name", "mine")
    first = cli("eval", "--json").json()
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "empty"))
    assert cli("eval", "--json").json() == first
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "empty too"))
    text_file.write_text(text_file.read_text().replace("a", "b"))
    assert "has changed since run 'mine' was trained" in cli("eval").told


def test_init_from_starts_with_the_weights_of_a_run(text_file, tmp_path, cli):
    cli("train", text_file, *TINY, "--steps", 80, "--lr", "0.01", "--name", "first")
    scored = cli("eval", "first", "--json").json()
    assert cli("train", text_file, "--init-from", "first", "--steps", 1, "--lr", "1e-9", "--name", "second").code == 0
    again = cli("eval", "second", "--json").json()
    assert again["nats_per_token"] == pytest.approx(scored["nats_per_token"], abs=1e-4)
    assert cli("runs", "show", "second", "--json").json()["origin"]["run"] == "first"
    assert "the weights of run first at step" in cli("runs", "show", "second").out
    refused = cli("train", text_file, "--init-from", "first", "--hidden", 17)
    assert "run 'first' has 16" in refused.told


def test_patience_stops_early(text_file, cli):
    result = cli(
        "train", text_file, *TINY, "--steps", 500, "--lr", "1e-9", "--eval-every", 2, "--patience", 3, "--name", "mine"
    )
    assert result.code == 0
    assert "(--patience)" in result.err
    assert "a larger --patience goes on" in cli("train", "--resume", "--steps", 600).told
    assert cli("train", "--resume", "--patience", 4).code == 0
    assert cli("runs", "show", "mine", "--json").json()["state"]["step"] < 100


def test_the_latest_run_is_the_one_saved_last(text_file, cli):
    for name in ("old", "new"):
        cli("train", text_file, *TINY, "--steps", 2, "--name", name)
    before = time.time_ns() + 10**9
    os.utime("checkpoints/old/latest", ns=(before, before))
    assert cli("eval", "--json").json()["run"] == "old"


def test_damaged_weights_are_told(text_file, cli):
    cli("train", text_file, *TINY, "--steps", 2, "--name", "mine")
    save = next(Path("checkpoints/mine/saves").iterdir())
    (save / "best.safetensors").write_bytes(b"damage")
    assert "is damaged" in cli("sample").told
    (save / "best.safetensors").write_bytes((save / "training.safetensors").read_bytes())
    assert "best.safetensors is damaged" in cli("sample").told
