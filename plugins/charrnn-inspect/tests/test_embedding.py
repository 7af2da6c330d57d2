"""``charrnn inspect embedding``: which tokens are near, and where they lie on the map."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from charrnn_inspect.embedding import neighbours, principal_components
from charrnn_inspect.embedding_figure import write_map
from charrnn_inspect.embedding_map import draw_map
from hypothesis import given
from hypothesis import strategies as st

import charrnn


def test_neighbours_are_the_largest_cosines(inspect, runs):
    session = charrnn.load("gru", checkpoints=runs)
    alphabet = session.tokenizer.alphabet
    vectors = session.run.best_arrays()["embedding.weight"].astype(np.float64)
    found = inspect("embedding", "gru", "--checkpoints", runs, "--top", 4, "--json").json()
    assert [row["text"] for row in found["tokens"]] == list(alphabet)
    for row in found["tokens"]:
        a = vectors[row["id"]]
        cosines = {
            alphabet[other]: a @ b / np.sqrt((a @ a) * (b @ b)) for other, b in enumerate(vectors) if other != row["id"]
        }
        nearest = sorted(cosines, key=lambda text: -cosines[text])[:4]
        assert [near["text"] for near in row["neighbours"]] == nearest
        assert [near["cosine"] for near in row["neighbours"]] == pytest.approx([cosines[text] for text in nearest])


def test_some_tokens_by_their_text_and_by_what_is_written_for_them(inspect, runs):
    by_text = inspect("embedding", "gru", "--checkpoints", runs, "--of", "\n", "--of", " ", "--of", "e")
    by_name = inspect("embedding", "gru", "--checkpoints", runs, "--of", "\\n", "--of", "␣", "--of", "e")
    assert by_text.out == by_name.out
    title, heading, *rows = by_text.out.splitlines()
    assert title.startswith("run gru, ")
    assert title.endswith("tokens in 5 dimensions")
    assert heading.split() == ["token", "nearest"]
    assert [row.split()[0] for row in rows] == ["\\n", "␣", "e"]
    assert all(len(re.findall(r"-?\d\.\d\d", row)) == 5 for row in rows)


def test_equal_and_empty_vectors():
    vectors = np.array([[1.0, 0], [2, 0], [0, 0], [-3, 0], [1, 1]])
    ids, cosines = neighbours(vectors, [0, 2], 99)
    assert ids.tolist() == [[1, 4, 2, 3], [0, 1, 3, 4]]
    assert cosines.tolist() == [pytest.approx([1, 0.5**0.5, 0, -1]), [0, 0, 0, 0]]
    assert neighbours(vectors[:1], [0], 5)[0].shape == (1, 0)


@given(seed=st.integers(0, 100), tokens=st.integers(3, 30), features=st.integers(2, 8))
def test_the_map_is_that_of_the_covariance(seed, tokens, features):
    vectors = np.random.default_rng(seed).normal(size=(tokens, features)) + 5
    places, shares = principal_components(vectors)
    values, directions = np.linalg.eigh(np.cov(vectors.T, bias=True))
    expected = (vectors - vectors.mean(axis=0)) @ directions[:, [-1, -2]]
    np.testing.assert_allclose(np.abs(places), np.abs(expected), atol=1e-6)
    np.testing.assert_allclose(shares, values[[-1, -2]] / values.sum(), atol=1e-9)
    for axis in places.T:
        assert axis[np.abs(axis).argmax()] > 0


def test_the_map_does_not_turn_with_the_vectors():
    vectors = np.random.default_rng(1).normal(size=(20, 6))
    turned = np.linalg.qr(np.random.default_rng(2).normal(size=(6, 6)))[0]
    np.testing.assert_allclose(principal_components(vectors @ turned)[0], principal_components(vectors)[0], atol=1e-9)


@pytest.mark.parametrize("vectors", [np.ones((1, 4)), np.ones((3, 4)), np.array([[1.0], [2], [4]])])
def test_what_has_no_plane_is_flat(vectors):
    places, shares = principal_components(vectors)
    assert np.isfinite(places).all()
    assert np.abs(places[:, 1]).max() < 1e-12
    assert draw_map(["a", "b", "c"][: len(vectors)], places)
    assert shares[1] == 0


def test_names_lie_where_their_tokens_do():
    places = np.array([[0.0, 0], [10, 0], [0, 10], [10, 10], [5, 5], [5, 5]])
    drawn = draw_map(["a", "bc", "d", "字", "mid", "hidden"], places, width=26, height=5).split("\n")
    assert drawn == ["d                   字", "", "          mid", "", "a                   bc"]


def test_a_combining_mark_takes_no_place():
    assert (
        draw_map(["e\u0301", "字\u0301x"], np.array([[0.0, 0], [9, 0]]), width=12, height=1)
        == f"e\u0301{8 * ' '}字\u0301x"
    )
    assert draw_map(["\u0301", "b"], np.array([[0.0, 0], [9, 0]]), width=5, height=1) == " \u0301   b"


def test_what_has_no_room_is_a_dot():
    places = np.array([[0.0, 0], [1, 0], [10, 0]])
    assert draw_map(["a", "b", "c"], places, width=11, height=1) == "a·        c"


def test_the_terminal_shows_all_and_the_map(inspect, runs):
    tokens = charrnn.load("gru", checkpoints=runs).tokenizer.vocab_size
    table, heading, drawn = re.split(r"\n\n(principal .*)\n\n", inspect("embedding", "gru", "--checkpoints", runs).out)
    assert len(table.splitlines()) == tokens + 2
    assert re.fullmatch(r"principal components: \d+% of the variance to the right, \d+% up", heading)
    assert len(drawn.rstrip("\n").split("\n")) <= 24
    assert len(drawn.split()) > tokens / 2


def test_pictures_hold_every_token(inspect, runs, tmp_path):
    arguments = ["embedding", "gru", "--checkpoints", runs, "--of", "e"]
    shown = inspect(*arguments, "--svg", "map.svg", "--png", "map.png")
    assert shown.code == 0, shown.err
    assert shown.err == "wrote map.svg\nwrote map.png\n"
    assert Path("map.png").read_bytes().startswith(b"\x89PNG")
    written = ["".join(each.itertext()).strip() for each in ElementTree.parse("map.svg").iter() if "text" in each.tag]
    for sign in charrnn.load("gru", checkpoints=runs).tokenizer.alphabet:
        assert {"\n": "\\n", " ": "␣"}.get(sign, sign) in written
    inspect(*arguments, "--svg", "again.svg")
    assert Path("again.svg").read_bytes() == Path("map.svg").read_bytes()


def test_signs_that_the_font_has_not_are_no_failure(inspect, tmp_path):
    (tmp_path / "signs.txt").write_text("字 and \ue000$x$ ᲀ \ufffe\uffff\n" * 60)
    charrnn.train("signs.txt", name="signs", steps=2, layers=1, hidden=8, seq_len=8, batch_size=4)
    assert inspect("embedding", "signs", "--png", "map.png", "--svg", "map.svg").err == "wrote map.svg\nwrote map.png\n"
    assert "字" in Path("map.svg").read_text(encoding="utf-8")
    ElementTree.parse("map.svg")


def test_what_xml_cannot_hold_is_replaced(tmp_path):
    signs = ["\ufffe", "\udcff", "\x08", "字"]
    tokens, places = [(sign, sign) for sign in signs], np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    for kind in ("svg", "png"):
        write_map(Path(f"map.{kind}"), kind, "a\udcff", tokens, places, np.array([0.5, 0.5]))
    written = [each.text.strip() for each in ElementTree.parse("map.svg").iter() if each.tag.endswith("text")]
    assert [each for each in written if len(each) == 1] == ["\ufffd"] * 3 + ["字"]
    assert "a\ufffd" in written


@pytest.mark.parametrize("name", ["a\x1b\x08", "a\ufffe"])
def test_any_run_s_name_is_the_title_of_a_picture(inspect, runs, tmp_path, name):
    path = shutil.copytree(runs / "gru", tmp_path / name)
    assert inspect("gradients", path, "--distance", 5, "--svg", "a.svg", "--png", "a.png").code == 0
    assert inspect("embedding", path, "--svg", "b.svg").code == 0
    for file in ("a.svg", "b.svg"):
        ElementTree.parse(file)


def test_pictures_without_matplotlib_are_told(inspect, runs, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    shown = inspect("embedding", "gru", "--checkpoints", runs, "--svg", "map.svg")
    assert shown.code == 2
    assert "--svg needs the matplotlib package: pip install matplotlib" in shown.told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--of", "☃"], "--of '☃' is no token of the run: there are: "),
        (["--of", "\\m"], "--of '\\m' is no token of the run: did you mean 'm' or"),
        (["--png", "no/such/map.png"], "--png 'no/such/map.png' cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_is_told(inspect, runs, arguments, message):
    shown = inspect("embedding", "gru", *arguments, "--checkpoints", runs)
    assert shown.code == 2
    assert message in shown.told


def test_bytes_have_names_too(inspect, tmp_path):
    (tmp_path / "greek.txt").write_text("μῆνιν ἄειδε θεὰ\n" * 60)
    charrnn.train("greek.txt", name="greek", tokenizer="byte", steps=2, layers=1, hidden=8)
    found = inspect("embedding", "greek", "--of", "\\xce", "--of", "a", "--json").json()
    assert [(row["id"], row["text"]) for row in found["tokens"]] == [(0xCE, "\\xce"), (0x61, "a")]
    shown = inspect("embedding", "greek")
    assert shown.code == 0
    assert "\x1b" not in shown.out
    assert "\0" not in shown.out
