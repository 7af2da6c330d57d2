"""What bad input gets: one line that says what is wrong and what to do, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import TINY

BAD_TRAINING = {
    "no corpus": ([], "train on what? Give a text file"),
    "missing file": (["nothing.txt"], "there is no file 'nothing.txt'"),
    "near file": (["word.txt"], "did you mean 'words.txt'"),
    "near recipe": (["pystdlip"], "did you mean 'pystdlib'"),
    "unknown cell": (["words.txt", "--cell", "lsmt"], "did you mean 'lstm'"),
    "unknown tokenizer": (["words.txt", "--tokenizer", "chars"], "did you mean 'char'"),
    "unknown option": (["words.txt", "--cell", "rnn", "--cell-option", "activatoin=tanh"], "did you mean 'activation'"),
    "wrong option": (["words.txt", "--cell", "rnn", "--cell-option", "activation=x"], "'tanh', 'relu' or 'sigmoid'"),
    "option without =": (["words.txt", "--tokenizer-option", "x"], "should be key=value"),
    "unknown preset": (["words.txt", "--preset", "quik"], "did you mean 'quick'"),
    "no layers": (["words.txt", "--layers", "0"], "--layers '0': should be greater than or equal to 1"),
    "nan": (["words.txt", "--lr", "nan"], "--lr 'nan': should be a finite number"),
    "not a number": (["words.txt", "--hidden", "many"], "--hidden 'many': should be a valid integer"),
    "not a time": (["words.txt", "--time", "soon"], "--time 'soon'"),
    "two budgets": (["words.txt", "--steps", "5", "--time", "3s"], "--steps and --time both limit"),
    "no device": (["words.txt", "--device", "cuda:77"], "--device cuda:77: this torch sees no such device"),
    "bad device": (["words.txt", "--device", "tpu"], "--device 'tpu'"),
    "bad name": (["words.txt", "--name", "../x"], "--name '../x': should be a plain name"),
    "long name": (["words.txt", "--name", "n" * 250], "--name nnnnnnnnnnnnnnnnnnnn...: has 250 bytes; give one of 200"),
    "long name in bytes": (["words.txt", "--name", "ü" * 101], "has 202 bytes; give one of 200 at most"),
    "longer name": (["words.txt", "--name", "n" * 5000], "has 5000 bytes; give one of 200 at most"),
    "no resume": (["--resume", "--name", "gone"], "no run is called 'gone'"),
    "a name that no folder has": (["--resume", "--name", "x" * 300], "no run is called 'xxx"),
    "unknown encoding": (["words.txt", "--encoding", "utf-9"], "--encoding 'utf-9' is not known"),
    "no config": (["words.txt", "--config", "gone.toml"], "there is no file 'gone.toml'"),
    "empty corpus": ([""], "CORPUS is empty"),
    "no text encoding": (["words.txt", "--encoding", "hex"], "--encoding 'hex' is not known"),
    "utf-16": (["words.txt", "--encoding", "utf-16"], "is not utf-16"),
    "column of text": (["words.txt", "--column", "body"], "is plain text, which has no columns"),
    "huge budget": (["words.txt", "--epochs", "1e308"], "--epochs '1e308': should be less than or equal to"),
    "control characters": (["words.txt", "--name", "a\nb"], "should be a plain name"),
    "checkpoints": (["words.txt", "--checkpoints", "words.txt"], "is a file; give a directory"),
    "hub address": (["hf:nobody"], "should be hf:OWNER/NAME"),
    "hub offline": (["hf:some/thing"], "HF_HUB_OFFLINE is set; corpora that need no network: 'pystdlib'"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD_TRAINING.values(), ids=BAD_TRAINING.keys())
def test_training_tells_what_is_wrong(arguments, message, text_file, cli):
    result = cli("train", *arguments)
    assert result.code in (1, 2)
    assert message in result.told
    assert not Path("checkpoints").exists()


def test_a_line_that_nobody_would_read_to_its_end_is_shortened(text_file, cli):
    told = cli("train", text_file, "--tokenizer", "x" * 100_000).told
    assert len(told) < 1100
    assert told.startswith("charrnn: no tokenizer is called 'xxx")
    assert "there are: byte, char, sentencepiece" in told


BAD_SAMPLING = {
    "temperature": (["--temp", "-1"], 2, "--temp '-1': should be greater than or equal to 0"),
    "infinite": (["--temp", "inf"], 2, "--temp 'inf': should be a finite number"),
    "length": (["--length", "x"], 2, "--length 'x': should be a valid integer"),
    "run": (["wrods"], 1, "did you mean 'words'"),
    "prompt": (["--prompt", "☃", "--unseen", "error"], 2, "1 character ('☃')"),
    "two prompts": (["--prompt", "a", "--prompt-file", "b"], 2, "give one of them"),
    "no prompt file": (["--prompt-file", "gone"], 2, "there is no file 'gone'"),
    "flag": (["--tmep", "1"], 2, "--temp"),
}


@pytest.mark.parametrize(("arguments", "code", "message"), BAD_SAMPLING.values(), ids=BAD_SAMPLING.keys())
def test_sampling_tells_what_is_wrong(arguments, code, message, trained, cli):
    result = cli("sample", *arguments, "--checkpoints", trained)
    assert result.code == code
    assert message in result.told
    assert result.out == ""


def test_unseen_characters_of_a_prompt_are_told_and_replaced(trained, cli):
    result = cli("sample", "--prompt", "a☃b", "--length", 5, "--checkpoints", trained)
    assert result.code == 0
    assert "never seen 1 character ('☃') of the prompt; replaced" in result.told


def test_a_misspelt_command_gets_the_near_one(cli):
    result = cli("trian")
    assert result.code == 2
    assert result.told.endswith("Did you mean 'train'? See: charrnn --help")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b"", "is empty"),
        ("latin.txt", b"caf\xe9 " * 400_000, "byte 0xe9 at offset 3; give its --encoding"),
        ("late.txt", b"a" * 3_000_001 + b"\xff", "byte 0xff at offset 3000001"),
        ("cut.txt", "né".encode()[:-1], "byte 0xc3 at offset 1"),
        ("one.txt", b"a", "holds 1 tokens, and --val-fraction 0.1 leaves none to learn from"),
        ("bad.gz", b"not gzip", "is it really .gz?"),
        ("bad.zst", b"not zstandard", "is it really .zst?"),
        ("bad.parquet", b"not parquet", "cannot be read as parquet"),
    ],
)
def test_unreadable_files(name, content, message, tmp_path, cli):
    (tmp_path / name).write_bytes(content)
    result = cli("train", name, *TINY, "--steps", 1)
    assert result.code == 1
    assert message in result.told
    assert not Path("checkpoints").exists()


def test_a_folder_without_text(tmp_path, cli):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"\x89PNG\0\0")
    assert "holds no text" in cli("train", "pictures").told


def test_an_encoding_can_be_given_and_errors_replaced(tmp_path, cli):
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9 " * 300)
    assert cli("train", "latin.txt", "--encoding", "latin-1", *TINY, "--steps", 1).code == 0
    assert cli("train", "latin.txt", "--errors", "replace", *TINY, "--steps", 1).code == 0


@pytest.mark.parametrize("text", ["ab", "abc", "hello world"])
def test_a_corpus_of_two_characters_is_enough(text, tmp_path, cli):
    (tmp_path / "small.txt").write_text(text)
    result = cli("train", "small.txt", "--steps", 3)
    assert result.code == 0, result.err
    assert "sequence length is now" in result.err
    assert cli("sample", "--length", 5).code == 0
    assert cli("eval", "--json").json()["tokens"] == max(1, len(text) - int(len(text) * 0.9))


def test_a_run_that_exists_is_not_written_over(text_file, cli):
    assert cli("train", text_file, "--steps", 1, *TINY, "--name", "mine").code == 0
    before = Path("checkpoints/mine/config.json").read_bytes()
    result = cli("train", text_file, "--steps", 1, *TINY, "--name", "mine")
    assert result.code == 1
    assert "--resume, or take another --name" in result.told
    assert Path("checkpoints/mine/config.json").read_bytes() == before


def test_far_more_threads_than_cores_are_refused(text_file, cli, monkeypatch):
    monkeypatch.setattr("charrnn.device.usable_cores", lambda processes=1: 2)
    told = "charrnn: --threads 33: there are 2 cores; give 32 at most, or leave it out"
    assert cli("train", text_file, *TINY, "--steps", 1, "--threads", 33).told == told
    assert cli("train", text_file, *TINY, "--steps", 1, "--name", "mine").code == 0
    assert cli("train", "--resume", "--name", "mine", "--steps", 2, "--threads", 33).told == told


def test_divergence_stops_with_advice_and_keeps_the_best_weights(text_file, cli):
    # The learning rate climbs for two thousand steps, to far more than any model can bear.
    climb = ["--steps", 4000, "--warmup", 0.5, "--lr", 90, "--clip", 0, "--optimizer", "sgd", "--eval-every", 10]
    result = cli("train", text_file, *TINY, *climb, "--name", "mine")
    assert result.code == 1
    told = result.err.splitlines()[-1]
    assert "training diverged at step" in told
    assert "the best weights, of step" in told
    assert "Try again with a lower --lr, or --clip 1" in told
    assert cli("eval", "--json").json()["nats_per_token"] < 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "is damaged"),
        ("[]", "should hold an object"),
        ('{"format_version": 99}', "has format_version 99"),
        ('{"format_version": 1}', "is damaged"),
    ],
)
def test_a_corrupt_config(content, message, text_file, cli):
    cli("train", text_file, "--steps", 1, *TINY, "--name", "mine")
    Path("checkpoints/mine/config.json").write_text(content)
    for command in (["sample"], ["eval"], ["runs", "show", "mine"], ["train", "--resume"]):
        result = cli(*command)
        assert result.code == 1
        assert message in result.told
    assert "damaged" in cli("runs", "list").out


def test_a_full_disk_is_told_and_what_was_saved_is_whole(text_file, cli, monkeypatch):
    import safetensors.torch
    from safetensors import SafetensorError

    write, saved = safetensors.torch.save_file, []

    def fills_up(tensors, path):
        saved.append(path)
        if len(saved) > 4:
            raise SafetensorError("I/O error: No space left on device (os error 28)")
        write(tensors, path)

    monkeypatch.setattr("safetensors.torch.save_file", fills_up)
    result = cli("train", text_file, "--steps", 20, "--eval-every", 5, *TINY, "--name", "mine")
    assert result.code == 1
    told = result.err.splitlines()[-1]
    assert "cannot be written: No space left on device" in told
    assert "charrnn train --resume --name mine" in told
    assert cli("runs", "show", "mine", "--json").json()["state"]["step"] == 5
    assert cli("sample", "--length", 3).code == 0


def test_a_directory_that_cannot_be_written_is_told(text_file, cli, tmp_path):
    (tmp_path / "file").write_text("no directory")
    result = cli("train", text_file, "--steps", 1, *TINY, "--checkpoints", "file/runs")
    assert result.code == 1
    assert "Not a directory" in result.err.splitlines()[-1]
