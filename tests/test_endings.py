"""A text ends where it should, and not a character of a stop is shown too early."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.generation.settings import SampleSettings
from charrnn.generation.text import Writer
from charrnn.plugins import plugins

TEXTS = st.text("ab\n", max_size=30)
STOPS = st.lists(st.text("ab", min_size=1, max_size=3), max_size=3)


@pytest.fixture(scope="module")
def tokenizers():
    """One token a character, and pieces of several."""
    sentencepiece = plugins().tokenizers["sentencepiece"].load().train(["abab ba\n" * 50, "aab\n"], vocab_size=266)
    return [plugins().tokenizers["char"].load().train(["ab\n"]), sentencepiece]


def written(tokenizer, ids, blocks, **settings):
    """Write ids in blocks of some sizes; returns what was shown after each, and the writer."""
    writer = Writer(tokenizer, SampleSettings(**settings))
    shown, at = [""], 0
    for size in [*blocks, len(ids)]:
        shown.append(shown[-1] + writer.write(ids[at : at + size]))
        at += size
        if writer.stop:
            break
    return shown, writer


def expected(text, stops, lines, keep):
    """Where the text ends by definition: at the first stop or the last line, whichever is complete first."""
    for end in range(len(text) + 1):
        begun = text[:end]
        for stop in stops:
            if begun.endswith(stop):
                return begun if keep else begun[: -len(stop)], "until"
        if lines and begun.endswith("\n") and begun.count("\n") == lines:
            return begun, "lines"
    return None


@given(TEXTS, STOPS, st.none() | st.integers(1, 3), st.booleans(), st.lists(st.integers(1, 5), max_size=9))
def test_a_text_ends_at_the_first_stop_however_it_comes(tokenizers, text, stops, lines, keep, blocks):
    tokenizer = tokenizers[0]
    settings = {"until": stops, "lines": lines, "keep_until": keep and bool(stops), "length": 1000}
    shown, writer = written(tokenizer, tokenizer.encode(text), blocks, **settings)
    wanted = expected(text, stops, lines, keep)
    if wanted is None:
        assert writer.stop is None
        assert shown[-1] + writer.end("interrupted") == text
    else:
        # Two stops can be complete at one character: the one that begins first is the one that cuts.
        assert writer.stop == wanted[1]
        assert shown[-1] == wanted[0] or wanted[0].startswith(shown[-1])
        assert keep or not any(stop in shown[-1] for stop in stops)
    for earlier, later in pairwise(shown):
        assert later.startswith(earlier)


@given(TEXTS, STOPS)
def test_stops_are_found_across_and_within_pieces(tokenizers, text, stops):
    tokenizer = tokenizers[1]
    shown, writer = written(tokenizer, tokenizer.encode(text), [1] * 40, until=stops, length=1000)
    found = [at for stop in stops if (at := text.find(stop)) >= 0]
    if not found:
        assert shown[-1] + writer.end("length") == text
    else:
        assert writer.stop == "until"
        assert text.startswith(shown[-1])
        assert not any(stop in shown[-1] for stop in stops)


@given(st.integers(0, 20), st.lists(st.integers(1, 5), max_size=9))
def test_the_length_counts_tokens(tokenizers, length, blocks):
    tokenizer = tokenizers[0]
    shown, writer = written(tokenizer, tokenizer.encode("abab\n" * 4), blocks, length=length)
    assert writer.stop == "length"
    assert (shown[-1], writer.tokens, writer.chars) == (("abab\n" * 4)[:length], length, length)


def test_what_may_be_a_stop_is_held_back_until_that_is_decided(tokenizers):
    tokenizer = tokenizers[0]
    shown, writer = written(tokenizer, tokenizer.encode("aabbab"), [1] * 6, until=["aba", "bbb"], length=6)
    assert shown == ["", "", "a", "a", "aa", "aabb", "aabbab"]
    assert writer.stop == "length"


def test_half_a_character_is_never_shown():
    tokenizer = plugins().tokenizers["byte"].load()()
    ids = tokenizer.encode("a☃b")
    shown, _ = written(tokenizer, ids, [1] * 5, length=5)
    assert shown == ["", "a", "a", "a", "a☃", "a☃b"]
    shown, writer = written(tokenizer, ids, [1] * 5, length=3)
    assert (shown[-1], writer.stop) == ("a\ufffd", "length")


def test_the_tokens_and_the_likelihood_of_a_stop_count(tokenizers):
    tokenizer = tokenizers[0]
    writer = Writer(tokenizer, SampleSettings(until=["ba"]))
    assert writer.write(tokenizer.encode("abaab"), np.log([0.5, 0.25, 0.5, 0.1, 0.1]), each=True) == "a"
    assert (writer.tokens, writer.chars, writer.stop) == (3, 3, "until")
    assert writer.nats == pytest.approx(-np.log(1 / 16))
    assert [text for text, _ in writer.probabilities] == ["a", "b", "a"]
