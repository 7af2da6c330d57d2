"""``charrnn score``: what a text costs, as figures, by the character, and as a picture."""

from __future__ import annotations

import html
import json
import math
import re
import subprocess
import sys

import pytest

import charrnn
from charrnn.generation.surprisal import TextScorer
from charrnn.reporting.heatmap import COLOURS, level

TEXT = "def main():\n    return <b>[/b]\n"


@pytest.fixture
def score(cli, trained, tmp_path):
    (tmp_path / "text.txt").write_text(TEXT)
    (tmp_path / "snow.txt").write_text("a ☃\n")
    return lambda *arguments: cli("score", *arguments, "--checkpoints", trained)


def test_figures_agree_with_eval_and_with_the_python_interface(score, cli, trained):
    scored = score("text.txt", "--json").json()
    evaluated = cli("eval", "--checkpoints", trained, "--corpus", "text.txt", "--json").json()
    for name in ("nats_per_token", "bits_per_char", "bits_per_byte", "perplexity", "tokens", "chars", "bytes"):
        assert scored[name] == pytest.approx(evaluated[name]), name
    found = charrnn.load("words", checkpoints=trained).score(TEXT)
    assert scored["log_probability"] == pytest.approx(-found.nats)
    assert scored["perplexity"] == pytest.approx(math.exp(found.nats / len(TEXT)))
    shown = score("text.txt").out
    assert re.search(rf"bits per character +{scored['bits_per_char']:.4f}\n", shown)
    assert re.search(rf"characters +{len(TEXT)}\n", shown)


def test_standard_input_and_another_run(program, trained):
    piped = program("score", "-", "--run", "words", "--checkpoints", trained, "--json", stdin=TEXT.encode()).json()
    assert (piped["run"], piped["chars"]) == ("words", len(TEXT))


def test_characters_one_by_one_add_up_to_the_whole(score):
    each = [json.loads(line) for line in score("text.txt", "--per-char").out.splitlines()]
    assert "".join(row["text"] for row in each) == TEXT
    whole = score("text.txt", "--json").json()
    assert sum(row["bits"] for row in each) / len(TEXT) == pytest.approx(whole["bits_per_char"], abs=1e-4)


@pytest.mark.parametrize("tokenizer", ["byte", "sentencepiece"])
def test_tokens_that_are_no_characters_are_shown_as_whole_text(tokenizer, tmp_path, cli):
    (tmp_path / "greek.txt").write_text("μῆνιν ἄειδε θεὰ Πηληϊάδεω Ἀχιλῆος\n" * 60)
    options = {"tokenizer_options": {"vocab_size": 320}} if tokenizer == "sentencepiece" else {}
    session = charrnn.train("greek.txt", tokenizer=tokenizer, **options, steps=3, layers=1, hidden=8)
    text = "θεὰ ☃ μῆνιν"
    scorer = TextScorer(session, [text])
    found = [*scorer.each()]
    assert "".join(each.text for each in found) == text
    assert sum(each.bits for each in found) == pytest.approx(session.score(text).nats / math.log(2))


def test_however_a_text_is_cut_it_costs_the_same(trained):
    session = charrnn.load("words", checkpoints=trained)
    whole = TextScorer(session, [TEXT * 300]).score()
    pieces = TextScorer(session, [TEXT] * 300).score()
    assert pieces.nats == pytest.approx(whole.nats)
    assert (pieces.chars, pieces.bytes, pieces.tokens) == (whole.chars, whole.bytes, whole.tokens)
    assert TextScorer(session, []).score().to_dict()["bits_per_char"] == 0


def test_the_picture_on_a_terminal_is_coloured_and_elsewhere_plain(score, monkeypatch):
    plain = score("text.txt", "--heatmap").out
    assert "\x1b" not in plain
    assert "[/b]↵" in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    coloured = score("text.txt", "--heatmap").out
    assert "\x1b[30;48;2;" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_the_page_holds_the_text_and_every_character_s_bits(score, tmp_path):
    assert score("text.txt", "--html", "page.html").code == 0
    page = (tmp_path / "page.html").read_text()
    cells = re.findall(r'<i class="b(\d)" title="([\d.]+) bits">(.*?)</i>', page, flags=re.DOTALL)
    shown = "".join(html.unescape(text) for _, _, text in cells)
    assert shown.replace('<span class="end">↵</span>', "") == TEXT
    assert len(cells) == len(TEXT)
    assert all(int(number) == level(float(bits)) for number, bits, _ in cells if float(bits) % 1 > 0.01)
    assert "<b>" not in page
    assert "http" not in page


def test_levels_are_bits():
    assert [level(bits) for bits in (0, 0.9, 1, 7.5, 8, 99, 1e9)] == [0, 0, 1, 7, 8, 8, 8]
    assert len(COLOURS) == 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.txt"], "there is no file 'gone.txt'"),
        (["text.txt", "--html", "no/such/place.html"], "--html 'no/such/place.html' cannot be written"),
        (["text.txt", "--json", "--heatmap"], "--heatmap and --json are different ways"),
        (["text.txt", "--unseen", "skip"], "--unseen 'skip'"),
        (["snow.txt", "--unseen", "error"], "the model has never seen 1 character ('☃')"),
        (["."], "'.' is a folder; give score a file"),
        (["text.txt", "--html", "text.txt"], "--html 'text.txt': the page needs a file of its own"),
        (["text.txt", "--html", "-"], "--html '-': the page needs a file of its own"),
        (["text.txt", "--device", "tpu"], "--device 'tpu': should be auto, cpu, mps, cuda, or cuda:N"),
    ],
)
def test_what_cannot_be_is_told(arguments, message, score):
    result = score(*arguments)
    assert result.code == 2
    assert message in result.told


def test_unseen_characters_are_replaced_and_told(cli, trained, tmp_path):
    (tmp_path / "snow.txt").write_text("a ☃ and a ☃\n")
    result = cli("score", "snow.txt", "--checkpoints", trained, "--json")
    assert "2 characters ('☃') of the text; replaced" in result.told
    assert result.json()["chars"] == 12


def test_an_empty_text_costs_nothing(cli, trained, tmp_path):
    (tmp_path / "empty.txt").write_text("")
    scored = cli("score", "empty.txt", "--checkpoints", trained, "--json")
    assert str(scored.json()["log_probability"]) == "0.0"
    assert scored.json()["tokens"] == 0
    assert cli("score", "empty.txt", "--checkpoints", trained, "--heatmap").out == ""


def test_a_closed_pipe_ends_the_picture_quietly(trained, tmp_path):
    (tmp_path / "long.txt").write_text("def main():\n" * 20_000)
    command = [sys.executable, "-m", "charrnn", "score", "long.txt", "--checkpoints", str(trained), "--heatmap"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    running.stdout.read(10)
    running.stdout.close()
    assert running.stderr.read() == b""
    running.stderr.close()
    assert running.wait(60) == 0
