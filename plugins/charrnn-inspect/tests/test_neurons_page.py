"""The page of ``charrnn inspect neurons``: all that it holds, and that it can be read."""

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

import charrnn

TEXT = 'def f(a, b):\n    """Sum <b>[/b] (of)."""\n    return (a + [b, "c"])\n'


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


def test_a_run_s_name_is_no_markup(inspect, runs, tmp_path):
    shutil.copytree(runs / "gru", tmp_path / "a<b>&amp;")
    assert inspect("neurons", tmp_path / "a<b>&amp;", TEXT, "--html", "page.html").code == 0
    source = Path("page.html").read_text(encoding="utf-8")
    assert source.count("Units of run a&lt;b&gt;&amp;amp;<") == 2


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
