"""``charrnn inspect neurons``: the unit that counts is found, and the text is coloured by it."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from charrnn_inspect.activations import gather
from charrnn_inspect.colours import DARK, FULL, LIGHT, levels, scaled
from charrnn_inspect.features import compute_features
from charrnn_inspect.held_back import held_back
from safetensors.numpy import load_file, save_file

import charrnn
from charrnn.cli import main
from charrnn.errors import RunError

TEXT = 'def f(a, b):\n    """Sum <b>[/b] (of)."""\n    return (a + [b, "c"])\n'


def logistic(x):
    return 1 / (1 + np.exp(-x))


def rnn(w, u, b, d, x, state):
    (h,) = state
    return (np.tanh(w @ x + b + u @ h + d),)


def gru(w, u, b, d, x, state):
    (h,) = state
    (a_r, a_z, a_n), (u_r, u_z, u_n) = np.split(w @ x + b, 3), np.split(u @ h + d, 3)
    r, z = logistic(a_r + u_r), logistic(a_z + u_z)
    return ((1 - z) * np.tanh(a_n + r * u_n) + z * h,)


def lstm(w, u, b, d, x, state):
    h, c = state
    i, f, g, o = np.split(w @ x + b + u @ h + d, 4)
    c = logistic(f) * c + logistic(i) * np.tanh(g)
    return logistic(o) * np.tanh(c), c


@pytest.mark.parametrize(("cell", "step"), [("rnn", rnn), ("gru", gru), ("lstm", lstm)])
def test_correlations_are_those_of_the_equations(inspect, runs, cell, step):
    session = charrnn.load(cell, checkpoints=runs)
    ids = held_back(session.run)[:200]
    weights = {name: value.astype(np.float64) for name, value in session.run.best_arrays().items()}
    states = [(np.zeros(6),) * (2 if cell == "lstm" else 1)] * 2
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    moments = []
    for token in (session.context, *ids):
        x = weights["embedding.weight"][token]
        for layer in (0, 1):
            states[layer] = step(*(weights[f"cells.{layer}.kernel.{name}"] for name in names), x, states[layer])
            x = states[layer][0]
        moments.append(np.concatenate([leaf for state in states for leaf in state]))
    expected = np.array(moments[1:])
    features = compute_features(session.tokenizer.decode(ids))
    found = inspect("neurons", cell, "--checkpoints", runs, "--tokens", 200, "--top", 1000, "--json").json()
    assert (found["run"], found["tokens"]) == (cell, 200)
    leaves = ["hidden", "memory"][: len(states[0])]
    units = [(layer, leaf, unit) for layer in (1, 2) for leaf in leaves for unit in range(1, 7)]
    varying = [name for name, numbers in features.items() if len(set(numbers)) > 1]
    assert set(found["still"]) == set(features) - set(varying)
    assert len(found["ranking"]) == len(units) * len(varying)
    for row in found["ranking"]:
        column = expected[:, units.index((row["layer"], row["leaf"], row["unit"]))]
        assert row["correlation"] == pytest.approx(np.corrcoef(column, features[row["feature"]])[0, 1], abs=2e-4)
    one = inspect("neurons", cell, "--checkpoints", runs, "--tokens", 200, "--layer", 2, "--unit", 3, "--json").json()
    assert one["unit"] == {"layer": 2, "leaf": "hidden", "unit": 3}
    assert "".join(one["texts"]) == session.tokenizer.decode(ids)
    np.testing.assert_allclose(one["activations"], expected[:, units.index((2, "hidden", 3))], atol=1e-5)
    assert {(row["layer"], row["leaf"], row["unit"]) for row in one["ranking"]} == {(2, "hidden", 3)}


#: Its embedding tells a newline, a step of depth, a quote; its state counts, in a leaf of several axes and in another.
COUNTING = """
import torch
from charrnn import Cell, hookimpl


class Counting(Cell):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.unused = torch.nn.Parameter(torch.zeros(hidden_size))

    def initial_state(self, batch_size):
        zeros = self._zeros(batch_size)
        return zeros, torch.zeros(batch_size, 2, 2), zeros[:, :1]

    def step(self, projected, state):
        newline, depth, quote = projected[:, 0], projected[:, 1], projected[:, 2]
        noise, grid, inside = state
        position = (grid[:, 1, 0] + 1) * (1 - newline)
        grid = torch.stack([torch.stack([-depth, 0 * depth], 1), torch.stack([position, grid[:, 1, 1] - depth], 1)], 1)
        noise = torch.sin(projected.sum(1, keepdim=True) + 0.1 * noise) + 0 * self.unused
        return noise, (noise, grid, (inside[:, 0] - quote).abs().unsqueeze(1))


@hookimpl
def register_cells(register):
    register("counting", Counting)
"""


@pytest.fixture
def counting(runs, cache):
    """A run whose units are known: unit 3 of the memory is the position, 4 the depth of brackets, and leaf 3 quotes."""
    Path("counting_cell.py").write_text(COUNTING)
    corpus = str(runs.parent / "words.txt")
    size = ["--layers", 1, "--hidden", 4, "--embed", 4, "--seq-len", 8, "--batch-size", 4, "--steps", 1]
    arguments = ["train", corpus, "--plugin", "counting_cell.py", "--cell", "counting", "--name", "counting", *size]
    assert main([str(each) for each in arguments]) == 0
    session = charrnn.load("counting")
    alphabet = session.tokenizer.alphabet
    table = np.zeros((len(alphabet), 4), np.float32)
    table[:, 3] = np.random.default_rng(0).normal(size=len(alphabet))
    for signs, place, value in (("\n", 0, 1), ("([{", 1, 1), (")]}", 1, -1), ('"', 2, 1)):
        table[[alphabet.index(sign) for sign in signs], place] = value
    (path,) = session.run.path.glob("saves/*/best.safetensors")
    save_file(load_file(path) | {"embedding.weight": table}, path)
    return session.run


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


class Page(HTMLParser):
    """What a page holds."""

    def __init__(self, page):
        super().__init__()
        self.page, self.open, self.cells, self.options, self.addresses = page, [], [], [], []
        self.script = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "link", "img"):
            self.open.append((tag, given))
        if tag == "i" and any(name == "pre" for name, _ in self.open):
            self.cells.append([given["class"], given["title"], ""])
        if tag == "option":
            self.options.append([given["value"], ""])

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        tag = self.open[-1][0] if self.open else ""
        if tag == "script":
            self.script += data
        elif tag == "option":
            self.options[-1][1] += data
        elif self.cells and any(name == "pre" for name, _ in self.open) and tag != "span":
            self.cells[-1][2] += data


def test_the_page_holds_every_ranked_unit_and_the_text(inspect, counting):
    shown = inspect("neurons", "counting", TEXT, "--html", "page.html")
    assert (shown.code, shown.told) == (0, "wrote page.html")
    source = Path("page.html").read_text(encoding="utf-8")
    page = Page(source)
    assert "".join(text for *_, text in page.cells) == TEXT
    assert not page.addresses
    assert "http" not in source
    assert "<b>" not in source
    found = inspect("neurons", "counting", TEXT, "--json").json()["ranking"]
    rows = [re.fullmatch(r"(\S+): 1\.(\d+)(?: (\S+))? \((.+)\)", label) for _, label in page.options]
    assert [(row[1], int(row[2]), row[3] or "hidden", float(row[4])) for row in rows] == [
        (row["feature"], row["unit"], row["leaf"], pytest.approx(row["correlation"], abs=6e-4)) for row in found
    ]
    units = json.loads(re.search(r"const units = (.*);", page.script)[1])
    session = charrnn.load("counting")
    activations = gather(session.network, session.context, session.tokenizer.encode(TEXT))
    for (number, _), row in zip(page.options, found, strict=True):
        scale, values = units[int(number)]
        expected = activations.values[:, [each[1:] for each in activations.units].index((row["leaf"], row["unit"]))]
        np.testing.assert_allclose(np.array(values) / FULL * scale, expected, atol=scale / FULL)
    first_scale, first = units[0]
    for (colour, title, _), value in zip(page.cells, first, strict=True):
        assert float(title) == pytest.approx(value / FULL * first_scale, abs=0.006)
        assert colour == f"u{4 + round(value * 4 / FULL)}"


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(("ink", "colours"), [("#111111", LIGHT), ("#eeeeee", DARK)])
def test_the_text_is_legible_on_every_colour(ink, colours):
    """A contrast of 4.5, as WCAG 2.1 asks for (success criterion 1.4.3)."""
    for colour in colours:
        light, dark = sorted((luminance(ink), luminance(colour)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, colour


def test_colours_reach_from_the_lowest_to_the_highest():
    numbers, scale = scaled(np.array([-2.0, -0.2, 0, 0.9, 1.1, 2]))
    assert scale == 2
    assert levels(numbers) == [0, 4, 4, 6, 6, 8]
    assert levels(scaled(np.zeros(2))[0]) == [4, 4]


def test_a_file_and_the_start_of_a_long_one(inspect, runs, counting, tmp_path):
    (tmp_path / "long.txt").write_text(TEXT * 2000)
    shown = inspect("neurons", "counting", "--file", "long.txt", "--tokens", 300, "--json")
    assert shown.told == "read the first 300 tokens of the text; --tokens N reads more"
    given = inspect("neurons", "counting", (TEXT * 9)[:300], "--json")
    assert given.err == ""
    assert shown.json() == given.json()
    snow = inspect("neurons", "counting", "a ☃\nb", "--json")
    assert "'☃') of the text; replaced" in snow.told


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


def test_a_network_that_holds_no_numbers_is_told(runs, tmp_path):
    shutil.copytree(runs / "gru", tmp_path / "runs" / "gru")
    for path in (tmp_path / "runs").rglob("best.safetensors"):
        weights = load_file(path)
        save_file({name: np.full_like(each, np.nan) for name, each in weights.items()}, path)
    session = charrnn.load("gru", checkpoints=tmp_path / "runs")
    with pytest.raises(RunError, match="NaN"):
        gather(session.network, session.context, np.array([1, 2]))
