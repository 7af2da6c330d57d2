"""``charrnn sample`` as people use it: prompts, many texts, JSON, pipes, Ctrl-C, and what is wrong."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

import charrnn
from tests.conftest import TINY
from tests.forging import reseal


@pytest.fixture
def sample(cli, trained):
    return lambda *arguments: cli("sample", "--checkpoints", trained, *arguments)


def rows(result):
    assert result.code == 0, result.err
    return [json.loads(line) for line in result.out.splitlines()]


def start(trained, *arguments):
    command = [sys.executable, "-m", "charrnn", "sample", "--checkpoints", str(trained), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)


class TestPrompts:
    def test_from_the_command_line_a_file_and_standard_input(self, sample, trained, program, tmp_path):
        (tmp_path / "prompt.txt").write_text("def ma")
        given = sample("--prompt", "def ma", "--length", 20, "--seed", 1).out
        assert sample("--prompt-file", "prompt.txt", "--length", 20, "--seed", 1).out == given
        for flag in ("--prompt", "--prompt-file"):
            piped = program("sample", "--checkpoints", trained, flag, "-", "--length", 20, "--seed", 1, stdin=b"def ma")
            assert piped.out == given

    def test_an_empty_one_is_none(self, sample, tmp_path):
        (tmp_path / "empty.txt").write_text("")
        bare = sample("--length", 20, "--seed", 1).out
        assert sample("--prompt", "", "--length", 20, "--seed", 1).out == bare
        assert sample("--prompt-file", "empty.txt", "--length", 20, "--seed", 1).out == bare

    @pytest.mark.parametrize(
        ("policy", "told", "same"),
        [("replace", "2 characters ('☃') of the prompt; replaced", "d?e?f"), ("skip", "of the prompt; skipped", "def")],
    )
    def test_unseen_characters_follow_the_policy_and_are_told(self, policy, told, same, sample, trained):
        result = sample("--prompt", "d☃e☃f", "--unseen", policy, "--length", 20, "--seed", 1)
        assert told in result.told
        session = charrnn.load("words", checkpoints=trained)
        replaced = same.replace("?", session.tokenizer.decode(session.tokenizer.encode("☃")))
        assert (
            result.out.removeprefix("d☃e☃f")
            == sample("--prompt", replaced, "--length", 20, "--seed", 1).out[len(replaced) :]
        )

    def test_one_of_only_unseen_characters(self, sample):
        skipped = sample("--prompt", "☃☃", "--unseen", "skip", "--length", 20, "--seed", 1)
        assert "skipped; nothing is left of it" in skipped.told
        assert skipped.out == "☃☃" + sample("--length", 20, "--seed", 1).out
        assert sample("--prompt", "☃☃", "--unseen", "error").code == 2
        assert sample("--prompt", "☃☃", "--length", 5).code == 0

    def test_one_a_line(self, sample, tmp_path):
        (tmp_path / "many.txt").write_bytes(b"def \nclass \r\n\nimport ")
        found = rows(sample("--prompts", "many.txt", "--length", 10, "--num", 2, "--json", "--seed", 4))
        assert [row["prompt"] for row in found] == [
            each for each in ("def ", "class ", "", "import ") for _ in range(2)
        ]
        assert [row["number"] for row in found] == [*range(8)]
        assert len({row["text"] for row in found}) == 8
        plain = sample("--prompts", "many.txt", "--length", 10, "--num", 2, "--seed", 4).out
        shown = [row["prompt"] + row["text"] for row in found]
        assert plain == "---\n".join(each if each.endswith("\n") else each + "\n" for each in shown)
        (tmp_path / "none.txt").write_text("")
        assert sample("--prompts", "none.txt").out == ""

    def test_a_long_one_is_read_at_constant_memory(self, trained):
        session = charrnn.load("words", checkpoints=trained)

        def peak(pieces):
            tracemalloc.start()
            read = session.read("x = y\n" * 200 for _ in range(pieces))
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert read.tokens == 1200 * pieces
            return most

        peak(2)
        few, many = peak(10), peak(60)
        assert many < 1.2 * few + 100_000

    def test_a_prompt_carries_to_the_last_character(self, sample, tmp_path):
        """It is read in several passes, and the text goes on as if in one."""
        long = "def main(argument):\n    return argument\n" * 250
        (tmp_path / "long.txt").write_text(long)
        out = sample("--prompt-file", "long.txt", "--length", 30, "--temp", 0).out
        assert out.startswith(long)
        assert out.removeprefix(long) == sample("--prompt", long, "--length", 30, "--temp", 0).out.removeprefix(long)

    def test_a_byte_order_mark_is_no_text(self, sample, tmp_path):
        (tmp_path / "marked.txt").write_bytes(b"\xef\xbb\xbfdef ")
        assert sample("--prompt-file", "marked.txt", "--length", 0).out == "def \n"

    @pytest.mark.parametrize("tokenizer", ["char", "byte", "sentencepiece"])
    def test_bytes_that_are_no_text_are_replaced_and_told(self, tokenizer, tmp_path, text, program):
        (tmp_path / "words.txt").write_text(text)
        charrnn.train("words.txt", tokenizer=tokenizer, steps=1, layers=1, hidden=8, name="mine")
        result = program("sample", "--prompt", b"\xffdef", "--length", 3)
        assert result.code == 0
        assert tokenizer == "byte" or "never seen 1 character" in result.told


class TestOutput:
    def test_one_json_object_a_text(self, sample, trained):
        found = rows(sample("--num", 3, "--length", 30, "--seed", 5, "--prompt", "def ", "--json"))
        plain = sample("--num", 3, "--length", 30, "--seed", 5, "--prompt", "def ").out
        assert [row["number"] for row in found] == [0, 1, 2]
        for row in found:
            assert row["prompt"] + row["text"] in plain
            assert (row["seed"], row["stop"], row["tokens"], row["chars"]) == (5, "length", 30, 30)
            assert row["bits_per_char"] == pytest.approx(-row["log_probability"] / 30 / 0.6931471805599453)
            assert "token_probabilities" not in row
        (row,) = rows(sample("--length", 5, "--json", "--token-probs"))
        assert "".join(text for text, _ in row["token_probabilities"]) == row["text"]
        assert all(0 < share <= 1 for _, share in row["token_probabilities"])
        assert isinstance(row["seed"], int)

    def test_the_seed_that_was_drawn_makes_the_text_again(self, sample):
        (row,) = rows(sample("--length", 30, "--json"))
        assert sample("--length", 30, "--seed", row["seed"]).out.rstrip("\n") == row["text"].rstrip("\n")

    def test_stops(self, sample):
        (row,) = rows(sample("--until", "e", "--until", "\n", "--json", "--seed", 1))
        assert row["stop"] == "until"
        assert not {*"e\n"} & {*row["text"]}
        (kept,) = rows(sample("--until", "e", "--until", "\n", "--keep-until", "--json", "--seed", 1))
        assert kept["text"][:-1] == row["text"]
        (lines,) = rows(sample("--lines", 3, "--json", "--seed", 1, "--length", 2000))
        assert (lines["stop"], lines["text"].count("\n"), lines["text"][-1]) == ("lines", 3, "\n")

    def test_beams_are_printed_with_their_scores_and_the_prompt_s_apart(self, sample):
        flags = ["--beam", 4, "--num", 2, "--length", 20, "--prompt", "def "]
        found = rows(sample(*flags, "--json"))
        assert [row["number"] for row in found] == [0, 1]
        assert found[0]["score"] >= found[1]["score"]
        assert found[0]["prompt_log_probability"] < 0
        plain = sample(*flags).out
        assert plain.startswith(f"--- prompt: log-probability {found[0]['prompt_log_probability']:.3f}, ")
        for row in found:
            score = f"--- {row['number'] + 1}: score {row['score']:.3f}, log-probability {row['log_probability']:.3f}"
            assert score in plain
            assert row["prompt"] + row["text"] in plain

    def test_what_a_text_has_of_the_corpus_is_told(self, sample, text):
        (row,) = rows(sample("--length", 60, "--seed", 2, "--novelty", "--json"))
        assert row["copied"] in row["text"]
        assert row["copied"] in text
        assert row["longest"] == len(row["copied"])
        assert 0 <= row["shared"] <= 1
        assert "--- longest " in sample("--length", 60, "--seed", 2, "--novelty").out

    @pytest.mark.parametrize("tokenizer", ["char", "byte", "sentencepiece"])
    def test_no_character_is_broken_in_a_stream(self, tokenizer, tmp_path):
        (tmp_path / "greek.txt").write_text("μῆνιν ἄειδε θεὰ Πηληϊάδεω Ἀχιλῆος\n" * 60)
        options = {"tokenizer_options": {"vocab_size": 320}} if tokenizer == "sentencepiece" else {}
        session = charrnn.train("greek.txt", tokenizer=tokenizer, **options, steps=60, layers=1, hidden=48, lr=0.02)
        pieces = [*session.stream("μῆ", length=120, seed=1, temp=0.5)]
        assert len(pieces) > 2
        assert "\ufffd" not in "".join(pieces)[:-1]
        assert "".join(pieces) == session.generate("μῆ", length=120, seed=1, temp=0.5)

    def test_markup_is_text(self, tmp_path, cli):
        (tmp_path / "markup.txt").write_text("[/b][red]x[/red] " * 100)
        assert cli("train", "markup.txt", "--steps", 60, "--lr", 0.02, *TINY).code == 0
        assert cli("sample", "--temp", 0, "--prompt", "[/b][red]x[/red] ", "--length", 40).out.startswith("[/b][red]")

    def test_beams_that_are_not_there_are_told(self, sample):
        result = sample("--allow", "ab", "--no-repeat-ngram", 1, "--length", 9, "--beam", 5, "--num", 5)
        assert result.code == 0
        assert "found 2 of 5 texts that may come" in result.told

    def test_a_text_that_is_blocked_is_told(self, sample):
        assert "text 1 ends where no token may come" in sample("--allow", "ab", "--no-repeat-ngram", 1).told


class TestPipes:
    def test_streams_that_are_closed_are_no_failure(self, trained):
        command = f"{sys.executable} -m charrnn sample --checkpoints {trained} --length 5 --prompt - >&- <&-"
        finished = subprocess.run(command, shell=True, stderr=subprocess.PIPE)
        assert (finished.returncode, finished.stderr) == (0, b"")

    def test_a_closed_pipe_ends_quietly(self, trained):
        running = start(trained, "--forever", "--seed", 1)
        _read(running, 100)
        running.stdout.close()
        assert running.stderr.read() == b""
        running.stderr.close()
        assert running.wait(60) == 0

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_a_signal_ends_with_what_there_is(self, number, code, trained):
        running = start(trained, "--forever", "--seed", 1)
        begun = _read(running, 200)
        running.send_signal(number)
        rest, err = running.communicate(timeout=60)
        assert running.returncode == code
        assert (begun + rest).endswith(b"\n")
        assert b"Traceback" not in err
        session = charrnn.load("words", checkpoints=trained)
        whole = (begun + rest).decode().rstrip("\n")
        assert session.generate(length=len(whole), seed=1).startswith(whole)

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    @pytest.mark.parametrize("flag", ["--prompt-file", "--prompts"])
    def test_a_signal_ends_the_reading_of_a_long_prompt(self, number, code, flag, trained, tmp_path):
        (tmp_path / "long.txt").write_text("def main():" * 1_000_000)
        running = start(trained, flag, "long.txt", "--json")
        while not _is_generating(running.pid):
            assert running.poll() is None
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
        assert (running.returncode, out, err) == (code, b"", b"")

    def test_a_signal_ends_json_too(self, trained):
        running = start(trained, "--length", 10**9, "--num", 2, "--json", "--seed", 1)
        while not _is_generating(running.pid):
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=60)
        if running.returncode == 130 and out:
            assert [json.loads(line)["stop"] for line in out.splitlines()] == ["interrupted"] * 2


def _read(running: subprocess.Popen[bytes], size: int) -> bytes:
    """Read so much at least; nothing is held back in a buffer."""
    found = b""
    while len(found) < size:
        piece = running.stdout.read(size)
        assert piece, running.stderr.read()
        found += piece
    return found


def _is_generating(pid: int) -> bool:
    """Tell whether a process handles the signal by now, by what the system knows of it."""
    path = Path(f"/proc/{pid}/status")
    status = path.read_text() if path.exists() else ""
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), "0")
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


BAD = {
    "temperature": (["--temp", "-1"], "--temp '-1': should be greater than or equal to 0"),
    "one of several": (["--temp", "1,-1"], "--temp '-1': should be greater than or equal to 0"),
    "no temperature": (["--temp", ""], "--temp '': should be a valid number"),
    "infinite": (["--temp", "inf"], "should be a finite number"),
    "length": (["--length", "-1"], "--length '-1'"),
    "top-k": (["--top-k", "0"], "--top-k '0': should be greater than or equal to 1"),
    "top-p": (["--top-p", "0"], "--top-p '0': should be greater than 0"),
    "top-p above": (["--top-p", "1.1"], "--top-p '1.1': should be less than or equal to 1"),
    "min-p": (["--min-p", "nan"], "--min-p 'nan'"),
    "penalty": (["--repetition-penalty", "0"], "--repetition-penalty '0': should be greater than or equal to 0.01"),
    "window": (["--repetition-window", "5"], "--repetition-window says nothing without --repetition-penalty"),
    "n-gram": (["--no-repeat-ngram", "0"], "--no-repeat-ngram '0'"),
    "ban": (["--ban", ""], "--ban '': should have at least 1 character"),
    "allow nothing": (["--allow", ""], "--allow '': should have at least 1 character"),
    "allow unknown": (["--allow", "☃"], "--allow: the model knows none of 1 character ('☃')"),
    "until": (["--until", ""], "--until '': should have at least 1 character"),
    "keep": (["--keep-until"], "--keep-until says nothing without --until"),
    "lines": (["--lines", "0"], "--lines '0'"),
    "num": (["--num", "0"], "--num '0'"),
    "seed": (["--seed", "-1"], "--seed '-1'"),
    "forever and length": (["--forever", "--length", "5"], "--forever and --length contradict each other"),
    "forever and many": (["--forever", "--num", "2"], "--forever and --num contradict each other"),
    "forever and json": (["--forever", "--json"], "--forever never ends a text"),
    "probabilities": (["--token-probs"], "add --json"),
    "beam and probabilities": (["--token-probs", "--json", "--beam", "2"], "leave --beam out"),
    "beam": (["--beam", "0"], "--beam '0'"),
    "beam and temperature": (["--beam", "2", "--temp", "1"], "add --stochastic"),
    "stochastic": (["--stochastic"], "--stochastic says nothing without --beam"),
    "unseen": (["--unseen", "ignore"], "--unseen 'ignore'"),
    "three prompts": (["--prompt", "a", "--prompts", "b"], "--prompt and --prompts each give the text to continue"),
    "no file": (["--prompts", "gone"], "there is no file 'gone' for --prompts"),
    "both ways to talk": (["--interactive", "--loop"], "give one of them"),
    "talk of many": (["--interactive", "--num", "2"], "--interactive writes one text with you"),
    "warper": (["--warper", "top-q"], "did you mean 'top-"),
    "device": (["--device", "tpu"], "--device 'tpu'"),
    "no such device": (["--device", "cuda:77"], "--device cuda:77: this torch sees no such device"),
    "seed of a beam": (["--beam", "2", "--seed", "1"], "--seed of a --beam says nothing without --stochastic"),
    "forever and lines": (["--forever", "--lines", "2"], "--forever and --lines contradict each other"),
    "too many": (["--num", "1" + 30 * "0"], "--num '1000"),
    "tiny penalty": (["--repetition-penalty", "1e-300"], "--repetition-penalty '1e-300': should be greater than"),
    "huge length penalty": (["--beam", "2", "--length-penalty", "1000"], "--length-penalty '1000': should be less"),
    "a folder": (["--prompt-file", "."], "'.' is a folder; give --prompt-file a file"),
    "near flag": (["--topk", "5"], "--top-k"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_is_told_in_a_line(arguments, message, sample):
    result = sample(*arguments)
    assert result.code == 2
    assert message in result.told
    assert result.out == ""


def test_a_prompt_that_is_no_text_is_told(sample, tmp_path):
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\xff\xfe")
    for flag in ("--prompt-file", "--prompts"):
        result = sample(flag, "picture.png")
        assert result.code == 2
        assert f"{flag} 'picture.png' cannot be read as UTF-8" in result.told


def test_a_beam_wider_than_the_vocabulary_is_right(sample):
    (row,) = rows(sample("--beam", 500, "--length", 3, "--json"))
    (best,) = rows(sample("--beam", 5000, "--length", 3, "--json"))
    assert row["log_probability"] <= best["log_probability"] + 1e-6
    assert len(row["text"]) == 3


def test_weights_that_are_no_numbers_are_told(trained, tmp_path, cli):
    import shutil

    from safetensors.numpy import load_file, save_file

    shutil.copytree(trained / "words", tmp_path / "checkpoints" / "words")
    (path,) = (tmp_path / "checkpoints").glob("words/saves/*/best.safetensors")
    weights = load_file(path)
    weights["output.bias"] = weights["output.bias"] * float("nan")
    save_file(weights, path)
    reseal(tmp_path / "checkpoints" / "words")
    (tmp_path / "text.txt").write_text("def")
    commands = [
        ["sample", *flags, "--length", 5] for flags in ([], ["--temp", 0], ["--beam", 3], ["--top-k", 3], ["--json"])
    ]
    commands += [["score", "text.txt", *flags] for flags in ([], ["--json"], ["--heatmap"], ["--per-char"])]
    for command in commands:
        result = cli(*command)
        assert result.code == 1
        assert "the model's weights hold NaN or infinity" in result.told
