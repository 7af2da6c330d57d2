"""``charrnn inspect neurons``: the unit that counts is found, and the text is coloured by it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from charrnn_inspect.colours import LIGHT

import charrnn

TEXT = 'def f(a, b):\n    """Sum <b>[/b] (of)."""\n    return (a + [b, "c"])\n'


def test_the_units_that_count_are_found(inspect, counting):
    arguments = ["neurons", "counting", TEXT, "--top", 1]
    found = inspect(*arguments, "--json").json()
    best = {row["feature"]: row for row in found["ranking"]}
    for feature, leaf, unit, sign in (
        ("position", "memory", 3, 1),
        ("brackets", "memory", 4, -1),
        ("quotes", "leaf-3", 1, 1),
    ):
        assert best[feature] == {
            "feature": feature,
            "layer": 1,
            "leaf": leaf,
            "unit": unit,
            "correlation": pytest.approx(sign, abs=1e-6),
        }
    lines = inspect(*arguments).out.splitlines()
    assert lines[0] == f"run counting, {len(TEXT)} tokens of the text"
    assert ["brackets", "1.4", "memory", "-1.000"] in [line.split() for line in lines]
    assert ["quotes", "1.1", "leaf-3", "+1.000"] in [line.split() for line in lines]


def test_the_text_is_coloured_by_the_unit(inspect, counting, monkeypatch):
    arguments = ["neurons", "counting", TEXT, "--leaf", "memory", "--unit", 3]
    plain = inspect(*arguments)
    assert "\x1b" not in plain.out
    assert plain.told == "no colours can be shown here; --html FILE writes the text as a page"
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    coloured = inspect(*arguments).out
    assert "unit 1.3 memory:" in coloured
    shown = coloured.split("\n\n")[-1]
    cells = re.findall(r"\x1b\[30;48;2;(\d+);(\d+);(\d+)m(.*?)\x1b\[0m", shown)
    texts = "".join(text for *_, text in cells)
    assert texts == TEXT.replace("\n", "↵")
    longest = max(map(len, TEXT.splitlines()))
    position = 0
    for *colour, text in cells:
        position = 0 if text == "↵" else position + 1
        level = 4 + round(4 * round(100 * position / longest) / 100)
        assert "#" + "".join(f"{int(each):02x}" for each in colour) == LIGHT[level]


def test_a_file_and_the_start_of_a_long_one(inspect, runs, counting, tmp_path):
    (tmp_path / "long.txt").write_text(TEXT * 2000)
    shown = inspect("neurons", "counting", "--file", "long.txt", "--tokens", 300, "--json")
    assert shown.told == "read the first 300 tokens of the text; --tokens N reads more"
    given = inspect("neurons", "counting", (TEXT * 9)[:300], "--json")
    assert given.err == ""
    assert shown.json() == given.json()
    snow = inspect("neurons", "counting", "a ☃\nb", "--json")
    assert "'☃') of the text; replaced" in snow.told
    assert "☃" not in inspect("neurons", "counting", "a\nb ☃", "--tokens", 4, "--json").err
    assert "1 character ('☃')" in inspect("neurons", "counting", "a\n☃ ☃", "--tokens", 4, "--json").err


@pytest.mark.parametrize("tokenizer", ["byte", "sentencepiece"])
def test_tokens_that_are_no_characters(inspect, tokenizer, tmp_path):
    (tmp_path / "greek.txt").write_text("μῆνιν ἄειδε θεὰ (Πηληϊάδεω) Ἀχιλῆος\n" * 60)
    options = {"tokenizer_options": {"vocab_size": 320}} if tokenizer == "sentencepiece" else {}
    session = charrnn.train("greek.txt", name="greek", tokenizer=tokenizer, **options, steps=3, layers=1, hidden=8)
    text = "μῆνιν ☃\n(θεὰ)"
    found = inspect("neurons", "greek", text, "--unit", 1, "--json").json()
    assert len(found["activations"]) == len(found["texts"]) == found["tokens"] == len(session.tokenizer.encode(text))
    assert "\\xe2\\x98\\x83" in "".join(found["texts"])
    assert {row["feature"] for row in found["ranking"]} >= {"position", "brackets"}
    assert inspect("neurons", "greek", text, "--html", "page.html").code == 0


def test_a_text_with_nothing_to_follow_is_told_without_a_unit(inspect, runs):
    told = inspect("neurons", "gru", "x", "--checkpoints", runs)
    assert told.code == 2
    assert "the text has nothing that a unit could follow" in told.told
    one = inspect("neurons", "gru", "x", "--checkpoints", runs, "--layer", 1, "--unit", 2, "--json").json()
    assert (one["ranking"], len(one["activations"])) == ([], 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--feature", "quote"], "--feature 'quote': no feature is called so: did you mean 'quotes'?"),
        (["x y", "--feature", "quotes"], "--feature 'quotes' is the same all over the text; give another text"),
        (["--leaf", "memry"], "--leaf 'memry': the state of the run's cell has no such leaf: did you mean 'memory'?"),
        (["--layer", 3], "--layer 3: the run has 2 layers, counted from 1"),
        (["--layer", 1, "--unit", 7], "--unit 7: the layer has 6 units, counted from 1"),
        (["--unit", 2], "--unit 2: of which layer? Give --layer, from 1 to 2"),
        (["a", "--file", "b"], "TEXT and --file each give the text; give one of them"),
        (["--file", "gone.txt"], "there is no file 'gone.txt' for --file"),
        ([""], "the text is empty"),
        (["--html", "no/such/page.html"], "--html 'no/such/page.html' cannot be written"),
        (["--html", "-"], "--html '-': the page needs a file of its own"),
        (["--file", "own.txt", "--html", "own.txt"], "--html 'own.txt': the page needs a file of its own"),
    ],
)
def test_what_cannot_be_is_told(inspect, runs, arguments, message):
    Path("own.txt").write_text("a text\n")
    shown = inspect("neurons", "lstm", *arguments, "--checkpoints", runs)
    assert shown.code == 2
    assert message in shown.told
