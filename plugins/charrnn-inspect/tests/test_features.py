"""What a unit may follow, and how well: against loops over the text, and float64 sums by hand."""

from __future__ import annotations

import math
import unicodedata

import numpy as np
import pytest
from charrnn_inspect.activations import Activations, Unit
from charrnn_inspect.correlation import correlations, rank, varying
from charrnn_inspect.features import FEATURES, compute_features
from hypothesis import example, given, settings
from hypothesis import strategies as st

texts = st.text(st.one_of(st.sampled_from("ab_9 \t\n\n\"“”„«»()[]{}'"), st.characters()), min_size=1, max_size=60)


def by_reading(text):
    """Read a text as a person does, character by character."""
    found = {each.name: [] for each in FEATURES}
    position = indentation = straight = curly = brackets = 0
    indented, before, in_word = True, "", False
    for each in text:
        position, indentation, indented = (0, 0, True) if each == "\n" else (position + 1, indentation, indented)
        if indented and each in " \t":
            indentation += 1
        elif each != "\n":
            indented = False
        if each == "\n" and before == "\n":
            straight = curly = 0
        straight += each == '"'
        curly = max(0, curly + (each in "“„«") - (each in "”»"))
        brackets = max(0, brackets + (each in "([{") - (each in ")]}"))
        word = each.isalnum() or each == "_" or unicodedata.category(each)[0] == "M"
        row = {
            "position": position,
            "quotes": straight % 2 == 1 or curly > 0,
            "brackets": brackets,
            "indentation": indentation,
            "word-start": word and not in_word,
            "space": each == " ",
            "line-end": each == "\n",
        }
        for name, value in row.items():
            found[name].append(float(value))
        before, in_word = each, word
    return found


@settings(max_examples=300)
@given(text=texts)
@example(text='"a\n\nb" “c\n\nd” )) (e(f) "g"')
@example(text="“““a\n\nb")
@example(text="  a b\n\t c\n\n d")
@example(text="\n\n“a” ”“b")
def test_features_are_what_a_reader_counts(text):
    found = compute_features(text)
    assert {name: values.tolist() for name, values in found.items()} == by_reading(text)


def test_no_text_has_no_features():
    assert all(len(numbers) == 0 for numbers in compute_features("").values())
    assert not varying(compute_features(""))


def test_only_what_varies_can_be_followed():
    assert list(varying(compute_features("a b\nc"))) == ["position", "word-start", "space", "line-end"]


@settings(max_examples=50)
@given(seed=st.integers(0, 1000), shift=st.sampled_from([0, 1e6]), scale=st.sampled_from([1e-200, 1, 1e200]))
def test_correlations_are_pearson_s(seed, shift, scale):
    chance = np.random.default_rng(seed)
    values = (chance.normal(size=(40, 3)) + shift) * scale
    numbers = chance.integers(0, 5, 40).astype(float)
    found, turned = correlations(values, np.stack([numbers, -numbers]))
    assert turned.tolist() == (-found).tolist()
    mean = math.fsum(numbers) / 40
    for unit in range(3):
        column = [float(each) / scale for each in values[:, unit]]
        middle = math.fsum(column) / 40
        both = math.fsum((a - middle) * (b - mean) for a, b in zip(column, numbers, strict=True))
        squares = math.fsum((a - middle) ** 2 for a in column) * math.fsum((b - mean) ** 2 for b in numbers)
        assert found[unit] == pytest.approx(both / math.sqrt(squares), abs=1e-7 if shift else 1e-12)


def test_a_unit_that_does_not_move_follows_nothing():
    values = np.stack([np.full(9, 0.1, np.float32), np.arange(9, dtype=np.float32)], axis=1)
    assert correlations(values, np.arange(9.0)[np.newaxis]).tolist() == [[0.0, pytest.approx(1.0)]]


def test_the_best_come_first_and_what_asks_for_memory_before_what_a_character_tells():
    numbers = {
        "position": np.array([1.0, 2, 3, 4]),
        "brackets": np.array([0.0, 0, 1, 0]),
        "space": np.array([0.0, 1, 0, 0]),
    }
    values = np.array([[1.0, 2, 3, 5], [0, 0, -1, 0], [0, 1, 0, 0]]).T
    units = [Unit(1, "hidden", 1), Unit(1, "memory", 1), Unit(2, "hidden", 7)]
    ranked = rank(Activations(units, values), numbers, 1)
    assert [(row.feature, str(row.unit)) for row in ranked] == [
        ("brackets", "1.1 memory"),
        ("position", "1.1"),
        ("space", "2.7"),
    ]
    assert [row.correlation for row in ranked] == [pytest.approx(-1), pytest.approx(0.983, abs=1e-3), pytest.approx(1)]
    assert len(rank(Activations(units, values), numbers, 99)) == 9
