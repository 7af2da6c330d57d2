"""Beam search finds what brute force finds, and draws as drawing without replacement does."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import charrnn
from charrnn.errors import UsageError
from charrnn.generation.beam.beams import best_children
from charrnn.generation.beam.stochastic import conditional_gumbels
from charrnn.generation.numpy_network import NumpyNetwork
from charrnn.generation.session import Session
from charrnn.model import LanguageModel
from charrnn.plugins import plugins
from charrnn.settings import ModelSettings
from tests.test_sampling import assert_matches

ALPHABET = "abcd"
LENGTH = 6


@pytest.fixture(scope="module")
def session():
    """A model of four characters whose distributions are far from even, and depend on all that came before."""
    torch.manual_seed(4)
    shape = ModelSettings(cell="lstm", layers=1, hidden=8, embed=4, dropout=0)
    model = LanguageModel(shape, len(ALPHABET)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    weights = {name: each.numpy() for name, each in model.state_dict().items()}
    tokenizer = plugins().tokenizers["char"].load().train([ALPHABET])
    return Session(NumpyNetwork(shape, len(ALPHABET), weights), tokenizer, 0)


@pytest.fixture(scope="module")
def texts(session):
    """The log-probability of every text of up to six characters, one ``.next()`` after the other."""
    known = {"": 0.0}
    for length in range(LENGTH):
        for text in [each for each in known if len(each) == length]:
            for character, share in session.next(text):
                known[text + character] = known[text] + math.log(share)
    return known


@pytest.mark.parametrize("strength", [0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("until", [None, "d", "ca"])
def test_a_beam_as_wide_as_all_prefixes_finds_the_true_best(strength, until, session, texts):
    def ends(text):
        return until is not None and text.endswith(until)

    whole = {
        text: log / ((5 + len(text)) / 6) ** strength
        for text, log in texts.items()
        if text and (ends(text) or len(text) == LENGTH) and not any(ends(text[:at]) for at in range(1, len(text)))
    }
    best = sorted(whole, key=lambda text: -whole[text])[:20]
    more = {} if until is None else {"until": [until], "keep_until": True}
    found = session.beam(beam=4**LENGTH, num=20, length=LENGTH, length_penalty=strength, **more)
    assert [each.text for each in found] == best
    for each in found:
        assert each.score == pytest.approx(whole[each.text])
        assert each.log_probability == pytest.approx(texts[each.text])
        assert each.stop == ("until" if ends(each.text) else "length")


def test_a_narrow_beam_is_the_textbook_s(session, texts):
    for width in (1, 2, 3):
        beams = [""]
        for _ in range(LENGTH):
            children = [text + character for text in beams for character in ALPHABET]
            beams = sorted(children, key=lambda text: -texts[text])[:width]
        found = session.beam(beam=width, num=width, length=LENGTH)
        assert [each.text for each in found] == beams


def test_the_text_goes_on_from_the_prompt_whose_score_is_its_own(session, texts):
    (best,) = session.beam("ab", beam=64, num=1, length=3)
    whole = max((text for text in texts if len(text) == 5 and text.startswith("ab")), key=texts.__getitem__)
    assert "ab" + best.text == whole
    assert best.log_probability == pytest.approx(texts[whole] - texts["ab"])
    assert session.read("ab", scored=True).nats == pytest.approx(-texts["ab"])
    assert session.read("", scored=True).nats == 0


def test_what_is_cut_is_counted(session):
    (best,) = session.beam(beam=64, num=1, length=LENGTH, until=["d"])
    assert best.stop == "until"
    assert (len(best.text), best.chars, best.tokens) == (best.tokens - 1, best.tokens, best.tokens)


def test_two_ways_to_end_one_text_are_one(session, texts):
    found = session.beam(beam=64, num=5, length=3, until=["a", "b"])
    assert len({each.text for each in found}) == 5
    (empty,) = (each for each in found if not each.text)
    assert empty.score == pytest.approx(max(texts["a"], texts["b"]))


def test_lines_end_a_hypothesis(trained):
    session = charrnn.load("words", checkpoints=trained)
    for each in session.beam("def ", beam=5, num=5, length=60, lines=2):
        assert (each.stop == "lines") == (each.text.count("\n") == 2)
        assert each.text.count("\n") <= 2


def test_no_beam_repeats_an_ngram(session):
    for each in session.beam(beam=8, num=8, length=12, no_repeat_ngram=2):
        pairs = [each.text[at : at + 2] for at in range(len(each.text) - 1)]
        assert len({*pairs}) == len(pairs)
    banned = session.beam("a", beam=4, num=4, length=5, ban=["ab", "d"])
    assert all("ab" not in "a" + each.text and "d" not in each.text for each in banned)


def test_where_nothing_may_come_the_search_ends_with_what_there_is(session):
    found = session.beam(beam=3, num=3, length=50, no_repeat_ngram=1)
    assert {each.stop for each in found} == {"blocked"}
    assert all(sorted(each.text) == list(ALPHABET) for each in found)


def test_a_beam_of_bytes_never_breaks_a_character(tmp_path, text):
    (tmp_path / "greek.txt").write_text("μῆνιν ἄειδε θεὰ " * 200)
    charrnn.train(tmp_path / "greek.txt", tokenizer="byte", steps=150, layers=1, hidden=64, embed=8, lr=0.02, name="g")
    found = charrnn.load("g").beam("θεὰ μῆ", beam=4, num=2, length=40, until=["θ"])
    assert found[0].text.startswith("νιν ἄειδε ")
    assert found[0].stop == "until"


class TestGroups:
    def test_one_group_more_finds_other_texts(self, session):
        plain = session.beam(beam=4, num=4, length=LENGTH)
        diverse = session.beam(beam=4, num=4, length=LENGTH, beam_groups=4, diversity=5.0)
        assert len({each.text[0] for each in diverse}) == 4
        assert len({each.text[0] for each in plain}) < 4
        assert diverse[0].log_probability == pytest.approx(plain[0].log_probability, abs=3)

    def test_groups_follow_the_algorithm(self, session, texts):
        strength, groups = 0.7, 3
        beams = [[""], [""], [""]]
        for _ in range(LENGTH):
            taken: Counter[str] = Counter()
            for group in range(groups):
                children = [text + character for text in beams[group] for character in ALPHABET]
                beams[group] = sorted(children, key=lambda each: strength * taken[each[-1]] - texts[each])[:2]
                taken.update(each[-1] for each in beams[group])
        wanted = sorted({*itertools.chain(*beams)}, key=lambda each: -texts[each])
        found = session.beam(beam=6, num=6, length=LENGTH, beam_groups=groups, diversity=strength)
        assert sorted((each.text for each in found), key=lambda each: -texts[each]) == wanted
        winners = sorted((group[0] for group in beams), key=lambda each: -texts[each])
        assert [each.text for each in found[:3]] == winners

    def test_groups_find_as_many_texts_as_there_are(self, session):
        """What two groups find counts once, by its best score."""
        found = session.beam(beam=6, num=6, beam_groups=3, diversity=0.01, length=12, until=["a"])
        assert len(found) == len({each.text for each in found}) == 6


class TestStochastic:
    @staticmethod
    def without_replacement(shares, count):
        """The probability of every ordered draw (Plackett 1975, Luce 1959)."""
        for draw in itertools.permutations(shares, count):
            left, probability = 1.0, 1.0
            for each in draw:
                probability *= shares[each] / left
                left -= shares[each]
            yield draw, probability

    @pytest.mark.parametrize("temperature", [1.0, 2.0])
    def test_ordered_draws_follow_plackett_and_luce(self, temperature, session):
        length, count, draws = 2, 2, 4000
        shares = {}
        for first, pass_on in self.tempered(session.next(""), temperature).items():
            for second, inner in self.tempered(session.next(first), temperature).items():
                shares[first + second] = pass_on * inner
        assert sum(shares.values()) == pytest.approx(1)
        exact = dict(self.without_replacement(shares, count))
        seen = Counter(
            tuple(
                each.text
                for each in session.beam(
                    beam=count, num=count, length=length, stochastic=True, temp=temperature, seed=seed
                )
            )
            for seed in range(draws)
        )
        often = [draw for draw, probability in exact.items() if probability * draws > 5]
        rest = 1 - sum(exact[draw] for draw in often)
        observed = [seen[draw] for draw in often]
        assert_matches([*observed, draws - sum(observed)], [*(exact[draw] for draw in often), rest])

    @staticmethod
    def tempered(following, temperature):
        weights = {text: share ** (1 / temperature) for text, share in following}
        return {text: weight / sum(weights.values()) for text, weight in weights.items()}

    def test_inclusion_probabilities_hold_where_lengths_differ(self, session, texts):
        """Texts that end early stay in the draw, with their probability."""
        draws, count = 3000, 2
        whole = {
            text: math.exp(log)
            for text, log in texts.items()
            if text and len(text) <= 3 and "d" not in text[:-1] and (text.endswith("d") or len(text) == 3)
        }
        assert sum(whole.values()) == pytest.approx(1)
        exact: Counter[str] = Counter()
        for draw, probability in self.without_replacement(whole, count):
            for each in draw:
                exact[each] += probability
        seen: Counter[str] = Counter()
        for seed in range(draws):
            found = session.beam(
                beam=count, num=count, length=3, stochastic=True, temp=1.0, seed=seed, until=["d"], keep_until=True
            )
            assert len({each.text for each in found}) == count
            seen.update(each.text for each in found)
        often = [text for text in exact if exact[text] * draws > 5]
        observed = [seen[text] for text in often]
        rest = count - sum(exact[text] for text in often)
        assert_matches([*observed, draws * count - sum(observed)], [*(exact[text] for text in often), rest])

    def test_all_texts_are_found_where_the_beam_holds_them_all(self, session, texts):
        found = session.beam(beam=64, num=64, length=3, stochastic=True, temp=1.0, seed=0)
        assert sorted(each.text for each in found) == sorted(text for text in texts if len(text) == 3)
        scores = [each.score for each in found]
        assert scores == sorted(scores, reverse=True)

    @given(st.integers(0, 10**6), st.floats(-15, 15))
    def test_conditional_gumbels_have_the_maximum_that_is_asked_for(self, seed, apart):
        generator = np.random.default_rng(seed)
        logs = generator.normal(size=(2, 5)) * 10
        logs[0, 3] = -np.inf
        noisy = logs + generator.gumbel(size=logs.shape)
        highest = noisy.max(axis=1, keepdims=True) + apart
        found = conditional_gumbels(noisy, highest)
        np.testing.assert_allclose(found.max(axis=1), highest[:, 0])
        assert (found.argmax(axis=1) == noisy.argmax(axis=1)).all()
        assert found[0, 3] == -np.inf
        assert not np.isnan(found).any()


@given(st.integers(1, 12), st.integers(0, 10**6))
@settings(max_examples=60)
def test_the_best_children_are_the_first_of_all_in_order(count, seed):
    ranks = np.random.default_rng(seed).integers(-3, 3, size=(3, 4)).astype(float)
    ranks[ranks == -3] = -np.inf
    beams, tokens = best_children(ranks, count)
    order = sorted(np.ndindex(3, 4), key=lambda place: -ranks[place])
    wanted = [place for place in order if ranks[place] > -np.inf][:count]
    assert list(zip(beams, tokens, strict=True)) == wanted


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"beam": 0}, "beam '0': should be greater than or equal to 1"),
        ({"num": 6}, "--num 6 asks for more texts than --beam 5"),
        ({"beam_groups": 2}, "--beam 5 cannot be divided into --beam-groups 2"),
        ({"diversity": 1}, "--diversity says nothing without --beam-groups"),
        ({"temp": 1}, "add --stochastic"),
        ({"top_k": 3}, "--top-k cuts what is drawn from"),
        ({"stochastic": True, "length_penalty": 1}, "does not go with --length-penalty"),
        ({"stochastic": True, "temp": 0}, "one --temp above 0"),
        ({"forever": True}, "--forever and --beam contradict"),
    ],
)
def test_contradictions_are_told(asked, told, session):
    with pytest.raises(UsageError) as raised:
        session.beam(**asked)
    assert told in str(raised.value)
