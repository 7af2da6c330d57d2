"""A stranger's run cannot hurt: whatever it says is refused in one line, before anything is allocated."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.forging import forge_config, forge_state, hollow_tensors, put, reseal, save_of
from tests.limits import MOST_WITH_TORCH, opened


@pytest.fixture
def run(trained):
    shutil.copytree(trained / "words", "checkpoints/words")
    return Path("checkpoints/words")


ANY_FILE = {"size": 1, "sha256": "0" * 64}
HOSTILE_CONFIGS = {
    "a billion features": put("settings", "hidden", value=10**9),
    "negative layers": put("settings", "layers", value=-1),
    "as many features as may be": put("settings", "hidden", value=65536),
    "all layers that may be": put("settings", "layers", value=64),
    "a vocabulary of ten million": put("tokenizer", "vocab_size", value=10_000_000),
    "a context beyond the vocabulary": put("tokenizer", "context", value=10**6),
    "a file out of the directory": put(
        "tokenizer", "files", value={"../../etc/passwd": {"size": 1, "sha256": "0" * 64}}
    ),
    "an absolute file": put("tokenizer", "files", value={"/etc/passwd": {"size": 1, "sha256": "0" * 64}}),
    "a plugin's path": put("plugins", "cell", "plugin", value="/tmp/evil.py"),
    "a plugin to load": put("plugin", value="evil.py"),
    "a cell of a path": put("settings", "cell", value="../evil:Cell"),
    "no number": put("settings", "lr", value="nan"),
    "an unknown key": put("settings", "command", value="rm"),
    "a seed beyond bounds": put("settings", "seed", value=10**30),
    "tokens that are not there": put("corpus", "train", "stop", value=10**12),
    "a split that counts text": put("corpus", "splits", "train", "chars", value="many"),
    "many threads": put("threads", value=10**6),
    "a later format": put("format_version", value=99),
    "a gradient beyond single precision": put("settings", "clip_value", value=1e300),
    "a decay beyond single precision": put("settings", "weight_decay", value=1e300),
    "an endless name of a setting": put("corpus", "x" * 100_000, value=1),
    "an endless address": put("corpus", "address", value="x" * 10_000),
}


@pytest.mark.parametrize("change", HOSTILE_CONFIGS.values(), ids=HOSTILE_CONFIGS.keys())
def test_a_hostile_config_is_refused(change, run):
    forge_config(run, change)
    code, said = opened("sample", "words", "--length", 5)
    assert code == 1
    assert len(said.splitlines()) == 1
    assert said.startswith("charrnn: ")


MISSING_CELLS = {
    "a package": ("nice", "evil-package", "in evil-package 6.6.6, which is to be installed only if you trust it"),
    "a file": ("evil", "", "it was a file, which is to be given by --plugin only if you trust it"),
    "charrnn itself": ("builtin", "charrnn-cli", "needs the cell 'nicecell' of charrnn 6.6.6 itself, and charrnn"),
}


@pytest.mark.parametrize(("plugin", "distribution", "told"), MISSING_CELLS.values(), ids=MISSING_CELLS.keys())
def test_no_command_is_told_that_would_run_a_stranger_s_code(plugin, distribution, told, run):
    record = {"name": "nicecell", "plugin": plugin, "distribution": distribution, "version": "6.6.6"}

    def forge(content):
        content["settings"]["cell"] = "nicecell"
        content["plugins"]["cell"] = record

    forge_config(run, forge)
    code, said = opened("sample", "words", "--length", 5)
    assert code == 1
    assert told in said
    assert not re.search(r"pip|==|evil\.py", said)


def test_what_is_left_out_is_told_in_a_line_that_somebody_reads(run):
    forge_config(run, put("corpus", "x" * 100_000, value=1))
    _, said = opened("runs", "compare")
    assert "left out: " in said
    assert all(len(line) < 1000 for line in said.splitlines())


RAW_CONFIGS = {
    "nothing": b"",
    "100 MB of nested JSON": b'{"settings":' * 8_000_000,
    "100 MB of brackets": b"[" * 100_000_000,
    "100 MB of text": b'{"format_version": "' + b"x" * 100_000_000 + b'"}',
    "a key twice": b'{"format_version": 2, "format_version": 1}',
    "no number": b'{"format_version": NaN}',
    "a number of many digits": b'{"format_version": ' + b"1" * 100_000 + b"}",
    "another encoding": '{"format_version": 2}'.encode("utf-16"),
    "a list": b"[1]",
    "an escape sequence": b'{"format_version": "\\u001b]0;owned\\u0007"}',
}


@pytest.mark.parametrize("content", RAW_CONFIGS.values(), ids=RAW_CONFIGS.keys())
def test_what_is_no_config_is_refused(content, run):
    (run / "config.json").write_bytes(content)
    for command in (["sample", "words"], ["runs", "show", "words"]):
        code, said = opened(*command)
        assert code == 1
        assert len(said.splitlines()) == 1
        assert "\x1b" not in said
    code, said = opened("runs", "list")
    assert code == 0
    assert "damaged" in said


@pytest.mark.parametrize("name", ["config.json", "latest", "metrics.jsonl"])
def test_a_pipe_or_a_device_in_a_file_s_place_is_not_waited_for(name, run):
    (run / name).unlink()
    os.mkfifo(run / name)
    for command in (["sample", "words", "--length", 5], ["runs", "plot", "words"], ["runs", "verify", "words"]):
        code, _ = opened(*command)
        assert code in (0, 1)
    (run / name).unlink()
    (run / name).symlink_to("/dev/zero")
    for command in (["sample", "words", "--length", 5], ["runs", "plot", "words"], ["runs", "verify", "words"]):
        code, _ = opened(*command)
        assert code in (0, 1)


HOSTILE_STATES = {
    "a step that is text": put("step", value="many"),
    "a negative step": put("step", value=-1),
    "a step beyond bounds": put("step", value=10**30),
    "a step that no save is called after": put("step", value=10**15),
    "a best without a loss": put("best", value={"step": 1}),
    "an unknown key": put("command", value="rm"),
    "metrics of negative length": put("metrics_bytes", value=-1),
    "no window": put("window", value=None),
    "a loss that is text": put("best", "nats_per_token", value="low"),
    "a place before the text": put("position", value=-6),
    "a place that is text": put("position", value="x"),
    "a window before the stream": put("position", value={"windows": [[0, -1, 0, 0]], "chunk": 0}),
    "a window without a token": put("position", value={"windows": [[0, 0, 0]], "chunk": 0}),
    "no window to read": put("position", value={"windows": [], "chunk": 0}),
}


@pytest.mark.parametrize("change", HOSTILE_STATES.values(), ids=HOSTILE_STATES.keys())
def test_a_hostile_state_is_refused(change, run):
    forge_state(run, change)
    for command in (["runs", "show", "words"], ["runs", "verify", "words"]):
        code, said = opened(*command)
        assert code == 1
        assert "state.json is damaged" in said


def test_a_run_that_counts_other_tokens_than_the_cache_holds_is_refused(run):
    def longer(content):
        content["corpus"]["splits"]["train"]["tokens"] += 100
        content["corpus"]["validation"]["stop"] += 100

    forge_config(run, longer)
    code, said = opened("eval", "words")
    assert code == 1
    assert "is damaged: its split 'train' is not that of" in said


def test_weights_that_the_config_does_not_ask_for_are_not_read(run):
    hollow_tensors(save_of(run) / "best.safetensors", {"embedding.weight": [10**6, 10**5]})
    reseal_without_reading(run)
    code, said = opened("sample", "words", "--length", 5)
    assert code == 1
    assert "far larger than its config asks for" in said


def test_weights_larger_than_the_memory_are_not_read(run):
    """A config and a header that agree, on a model that no machine holds."""
    forge_config(run, lambda content: content["settings"].update(hidden=65536, layers=64, embed=65536))
    hollow_tensors(save_of(run) / "best.safetensors", {"embedding.weight": [10**6, 10**6]})
    reseal_without_reading(run)
    code, said = opened("sample", "words", "--length", 5)
    assert code == 1
    assert "GB of memory at least" in said


def test_training_does_not_go_on_with_another_s_weights(run):
    hollow_tensors(save_of(run) / "weights.safetensors", {"embedding.weight": [10**6, 10**5]})
    reseal_without_reading(run)
    code, said = opened("train", "--resume", "--name", "words", "--steps", 70, most=MOST_WITH_TORCH)
    assert code == 1
    assert "the weights have" in said.splitlines()[-1]


def test_training_state_far_larger_than_the_model_is_not_read(run):
    hollow_tensors(save_of(run) / "training.safetensors", {"optimizer.0.exp_avg": [10**6, 10**5]})
    reseal_without_reading(run)
    code, said = opened("train", "--resume", "--name", "words", "--steps", 70, most=MOST_WITH_TORCH)
    assert code == 1
    assert "far larger than the model" in said.splitlines()[-1]


def test_weights_near_the_largest_number_there_is_are_told_in_one_line(run):
    from safetensors.numpy import load_file, save_file

    path = save_of(run) / "best.safetensors"
    save_file({name: each * 0 + 3e38 for name, each in load_file(path).items()}, path)
    reseal(run)
    code, said = opened("sample", "words", "--length", 50, "--seed", 1)
    assert code == 1
    assert said == "charrnn: the model's weights hold NaN or infinity: train it again with a lower --lr"


def other(name, change):
    """Return what changes a tensor of the training state, or removes it."""

    def changed(tensors):
        tensors[name] = change(tensors[name])
        return {name: each for name, each in tensors.items() if each is not None}

    return changed


HOSTILE_TENSORS = {
    "a generator of zeros": other("random.cpu", lambda held: held * 0),
    "a generator cut short": other("random.cpu", lambda held: held[:9].copy()),
    "a generator of other numbers": other("random.cpu", lambda held: held.astype("float32")),
    "no generator": other("random.cpu", lambda held: None),
    "averages of another shape": other("optimizer.0.exp_avg", lambda held: held[:1].copy()),
    "averages that are no numbers": other("optimizer.0.exp_avg_sq", lambda held: held.astype("int64")),
    "no averages": other("optimizer.0.exp_avg", lambda held: None),
    "many counts of steps": other("optimizer.0.step", lambda held: held.repeat(5)),
    "averages of nothing": lambda tensors: {**tensors, "optimizer.99.step": tensors["optimizer.0.step"]},
    "averages without a number": lambda tensors: {**tensors, "optimizer.x.step": tensors["optimizer.0.step"]},
    "a hidden state of whole numbers": other("state.0.0", lambda held: held.astype("int64")),
    "a hidden state of double precision": other("state.0.0", lambda held: held.astype("float64")),
    "a hidden state of half precision": other("state.0.0", lambda held: held.astype("float16")),
    "a hidden state of another shape": other("state.0.0", lambda held: held[:1].copy()),
}


@pytest.mark.parametrize("change", HOSTILE_TENSORS.values(), ids=HOSTILE_TENSORS.keys())
def test_training_does_not_go_on_from_another_s_state(change, run, cli):
    from safetensors.numpy import load_file, save_file

    path = save_of(run) / "training.safetensors"
    save_file(change(load_file(path)), path)
    reseal(run)
    result = cli("train", "--resume", "--name", "words", "--steps", 70)
    assert result.code == 1
    assert re.search("does not fit this model|random generator is damaged", result.err.splitlines()[-1])


FULL_STATES = {
    "steps": put("step", value=10**15 - 1),
    "evaluations without a gain": put("stale", value=10**15 - 1),
    "steps since the last line": put("window", "steps", value=10**15 - 1),
    "chunks": put("position", value=10**15 - 1),
}


@pytest.mark.parametrize("change", FULL_STATES.values(), ids=FULL_STATES.keys())
def test_training_does_not_count_beyond_what_can_be_read_again(change, run, cli):
    forge_state(run, put("finished", value=False))
    forge_state(run, change)
    refused = cli("train", "--resume", "--name", "words", "--time", "1s")
    assert refused.code == 1
    assert "run 'words' has counted to 999999999999999, and training cannot go on from there" in refused.told
    assert cli("runs", "show", "words").code == 0


def test_training_does_not_go_on_with_a_text_that_is_too_short_for_its_lanes(run, cli):
    forge_config(run, put("corpus", "train", "stop", value=1))
    result = cli("train", "--resume", "--name", "words", "--steps", 70)
    assert result.code == 1
    assert "it has 1 tokens to learn from, too few for its " in result.err.splitlines()[-1]


def test_training_does_not_go_on_from_a_place_in_a_stream(run, cli):
    forge_state(run, put("position", value={"windows": [[0, 0, 0, 0]], "chunk": 1}))
    result = cli("train", "--resume", "--name", "words", "--steps", 70)
    assert result.code == 1
    assert "is a place in a stream, and the corpus is none" in result.err.splitlines()[-1]


@pytest.mark.parametrize("name", ["metrics.jsonl", "saves", "tensorboard", ".lock"])
def test_nothing_is_written_through_a_link(name, run, tmp_path):
    target = tmp_path / "precious"
    if name in ("saves", "tensorboard"):
        target.mkdir()
        (target / "00000001").mkdir()
        (target / "00000001" / "kept").write_text("kept")
    else:
        target.write_text("kept")
    if (run / name).is_dir():
        shutil.copytree(run / name, target, dirs_exist_ok=True)
        shutil.rmtree(run / name)
    else:
        (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(target)
    before = sorted(target.rglob("*")) if target.is_dir() else target.read_text()
    code, said = opened("train", "--resume", "--name", "words", "--steps", 70, most=MOST_WITH_TORCH)
    assert code == 1
    assert f"{run / name} is a link" in said.splitlines()[-1]
    assert before == (sorted(target.rglob("*")) if target.is_dir() else target.read_text())


def reseal_without_reading(run):
    """Let the manifest list sizes that fit, with hashes that do not: who reads that far has allocated already."""
    save = save_of(run)
    hollow = [path for path in save.glob("*.safetensors") if path.stat().st_size > 10**9]
    for path in hollow:
        os.truncate(path, 10**4)
    reseal(run)
    for path in hollow:
        header = path.read_bytes()[: 8 + int.from_bytes(path.read_bytes()[:8], "little")]
        os.truncate(path, len(header) + _data(header))


def _data(header):
    return max(each["data_offsets"][1] for each in json.loads(header[8:]).values())
