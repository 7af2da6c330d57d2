"""What is drawn has the probabilities that it should have, and each warper follows its formula."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import charrnn
from charrnn.errors import PluginError, RunError, UsageError
from charrnn.generation.history import LOOK_BACK, History
from charrnn.generation.reshape import Reshape
from charrnn.generation.sampling import BLOCKED, Chance, Draw, log_probabilities
from charrnn.generation.settings import DrawSettings, SampleSettings
from charrnn.generation.warpers.base import make_warp
from charrnn.plugins import plugins
from charrnn.testing import check_warper

LOGITS = np.array([1.0, 0.0, -1.0, 2.0, 0.5, -3.0], dtype=np.float32)
NOTHING = np.empty((1, 0), dtype=np.int64)


@pytest.fixture(scope="module")
def tokenizer():
    return plugins().tokenizers["char"].load().train(["abcdef"])


def drawn(logits, temperature, draws=20_000, seed=0):
    """Count draws, many lanes at once."""
    lanes = 50
    draw, chance = Draw(), Chance(seed, range(lanes))
    counts = np.zeros(len(logits))
    for _ in range(draws // lanes):
        ids = draw(np.tile(logits, (lanes, 1)), temperature, chance())
        counts += np.bincount(ids, minlength=len(logits))
    return counts


def assert_matches(counts, probabilities):
    """Chi-square: with as many degrees of freedom as here it exceeds this once in ten thousand times."""
    counts, probabilities = np.asarray(counts), np.asarray(probabilities, dtype=float)
    possible = probabilities > 0
    assert not counts[~possible].any()
    expected = probabilities[possible] / probabilities.sum() * counts.sum()
    freedom = possible.sum() - 1
    limit = freedom + 2 * math.sqrt(freedom * 9.2) + 2 * 9.2  # Laurent and Massart 2000, lemma 1
    assert ((counts[possible] - expected) ** 2 / expected).sum() < limit


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_frequencies_match_the_softmax(temperature):
    assert_matches(drawn(LOGITS, temperature), np.exp(LOGITS.astype(float) / temperature))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_one_lane_draws_from_the_softmax_too(temperature):
    draw, chance = Draw(), Chance(5, [0])
    counts = Counter(int(draw(LOGITS[np.newaxis], temperature, chance())[0]) for _ in range(20_000))
    assert_matches([counts[token] for token in range(6)], np.exp(LOGITS.astype(float) / temperature))


@given(
    st.lists(st.floats(-1000, 1000, width=32), min_size=2, max_size=9),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from([1e-300, 1e-30, 1e-3, 0.8, 50.0]),
)
def test_inversion_draws_the_first_token_whose_share_is_not_used_up(values, uniform, temperature):
    logits = np.array([values], dtype=np.float32)
    with np.errstate(all="ignore"):
        (found,) = Draw()(logits, temperature, np.array([uniform]))
        shares = np.exp((logits[0].astype(np.float64) - logits.max()) / temperature)
    shares /= shares.sum()
    assert shares[found] > 0
    assert shares[:found].sum() <= uniform + 1e-5
    assert shares[: found + 1].sum() >= uniform - 1e-5


@given(st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=9), st.integers(0, 99))
def test_temperature_zero_and_nearly_zero_take_the_likeliest(values, seed):
    logits = np.array([values], dtype=np.float32)
    chance = Chance(seed, [0])
    assert Draw()(logits, 0, chance())[0] == logits.argmax()
    with np.errstate(all="ignore"):
        assert logits[0, Draw()(logits, 1e-300, chance())[0]] == logits.max()


def test_log_probabilities_sum_to_one():
    logs = log_probabilities(np.array([[1e4, 0.0, -1e4], [0.0, 0.0, 0.0]], dtype=np.float32))
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1)


@pytest.mark.parametrize("temperature", [0, 1.0])
@pytest.mark.parametrize("lanes", [1, 2])
def test_nothing_to_draw_is_blocked_and_no_number_is_told(temperature, lanes):
    rows = np.vstack([np.full(6, -np.inf, np.float32), LOGITS])[:lanes]
    uniforms = np.full(lanes, 0.5)
    with np.errstate(all="ignore"):
        assert Draw()(rows, temperature, uniforms)[0] == BLOCKED
        if lanes == 2:
            assert Draw()(rows, temperature, uniforms)[1] != BLOCKED
        for wrong in (np.nan, np.inf):
            rows[-1, 3] = wrong
            with pytest.raises(RunError, match="NaN or infinity"):
                Draw()(rows, temperature, uniforms)


def test_a_lane_s_numbers_depend_on_the_seed_and_its_number_only():
    alone, among = Chance(7, [3]), Chance(7, range(9))
    for step in range(600):
        if step == 300:
            among.take(np.array([1, 3, 8]))
        assert alone()[0] == among()[3 if step < 300 else 1]
    assert Chance(8, [3])()[0] != Chance(7, [3])()[0] != Chance(7, [4])()[0]


def softmax(logits):
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def by_top_k(logits, k=2):
    return np.where(logits >= np.sort(logits)[-k], logits, -np.inf)


def by_top_p(logits, p=0.8):
    order, total, kept = np.argsort(-logits), 0.0, set()
    for token in order:
        if total >= p:
            break
        kept.add(token)
        total += softmax(logits)[token]
    return np.array([logit if token in kept else -np.inf for token, logit in enumerate(logits)])


def by_min_p(logits, p=0.2):
    shares = softmax(logits)
    return np.where(shares >= p * shares.max(), logits, -np.inf)


def by_no_bigram(logits):
    return np.array([-np.inf if token in (3, 0) else x for token, x in enumerate(logits)])


HISTORY = np.array([[4, 2, 3, 5, 2, 0, 2]])
FORMULAS = {
    "top-k": ({"k": 2}, by_top_k),
    "top-p": ({"p": 0.8}, by_top_p),
    "min-p": ({"p": 0.2}, by_min_p),
    "repetition-penalty": ({"penalty": 1.5, "window": 4}, lambda x: by_penalty_of(x, {5, 2, 0})),
    "no-repeat-ngram": ({"size": 2}, by_no_bigram),
    "ban": ({"text": "ce"}, lambda x: np.where(np.arange(6) == 4, -np.inf, x)),
    "allow": ({"characters": "abf"}, lambda x: np.where(np.isin(np.arange(6), [0, 1, 5]), x, -np.inf)),
}


def by_penalty_of(logits, seen, penalty=1.5):
    return np.array([(x / penalty if x > 0 else x * penalty) if i in seen else x for i, x in enumerate(logits)])


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_frequencies_match_each_warper_s_formula(name, temperature, tokenizer):
    options, formula = FORMULAS[name]
    warped = make_warp(name, options, tokenizer)(LOGITS[np.newaxis], HISTORY)
    expected = formula(LOGITS.astype(np.float64))
    np.testing.assert_allclose(
        np.where(np.isinf(warped[0]), -99, warped[0]), np.where(np.isinf(expected), -99, expected)
    )
    with np.errstate(all="ignore"):
        counts = drawn(warped[0].astype(np.float32), temperature)
    assert_matches(counts, softmax(expected / temperature))


def test_every_built_in_warper_has_a_formula_and_keeps_the_contract():
    ours = [entry for entry in plugins().warpers if entry.owner.ours]
    assert {entry.name for entry in ours} == {*FORMULAS}
    for entry in ours:
        check_warper(entry.load())
        check_warper(entry.load(), **FORMULAS[entry.name][0])


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 4))
def test_no_run_of_n_tokens_comes_twice(ids, size):
    tokenizer = plugins().tokenizers["char"].load().train(["abcd"])
    warp = make_warp("no-repeat-ngram", {"size": size}, tokenizer)
    (warped,) = warp(np.zeros((1, 4), np.float32), np.array([ids], dtype=np.int64))
    runs = {tuple(ids[at : at + size]) for at in range(len(ids) - size + 1)}
    for token in range(4):
        would_be = (*ids[len(ids) - size + 1 :], token)
        assert (warped[token] == -np.inf) == (len(ids) >= size - 1 and would_be in runs)


BYTES = plugins().tokenizers["byte"].load()()


@given(st.text("aé☃b", max_size=8), st.text("aé☃b", min_size=1, max_size=4))
def test_a_ban_forbids_exactly_what_would_complete_the_text(text, banned):
    warp = make_warp("ban", {"text": banned}, BYTES)
    ids = BYTES.encode(text)[np.newaxis].astype(np.int64)
    (warped,) = warp(np.zeros((1, 256), np.float32), ids)
    for token in range(256):
        complete = (text.encode() + bytes([token])).endswith(banned.encode())
        assert (warped[token] == -np.inf) == complete


@given(st.text("aé☃b", max_size=6), st.integers(0, 3))
def test_what_is_allowed_is_the_beginning_of_an_allowed_character(text, cut):
    warp = make_warp("allow", {"characters": "é☃b"}, BYTES)
    encoded = (text + "é☃").encode()[: len(text.encode()) + cut]
    (warped,) = warp(np.zeros((1, 256), np.float32), np.frombuffer(encoded, np.uint8)[np.newaxis].astype(np.int64))
    partial = {0: b"", 1: "é".encode()[:1], 2: b"", 3: "☃".encode()[:1]}[cut]
    for token in range(256):
        would_be = partial + bytes([token])
        allowed = any(each.encode().startswith(would_be) for each in "é☃b")
        assert (warped[token] > -np.inf) == allowed


def test_an_alphabet_that_the_model_does_not_know_is_told(tokenizer):
    with pytest.raises(UsageError, match=r"--allow: the model knows none of 2 characters \('x', 'y'\)"):
        make_warp("allow", {"characters": "xy"}, tokenizer)


def test_the_order_is_constraints_temperature_truncation(tokenizer):
    asked = DrawSettings(ban=["c"], repetition_penalty=2.0, temp=0.5, top_k=3, min_p=0.1)
    history = np.array([[3, 3]])
    logits, temperature = Reshape(asked, tokenizer)(LOGITS[np.newaxis], history, 0)
    expected = LOGITS.astype(np.float64)
    expected[2] = -np.inf
    expected[3] /= 2
    expected = by_min_p(by_top_k(expected / 0.5, 3), 0.1)
    np.testing.assert_allclose(softmax(logits[0].astype(float) / temperature), softmax(expected), atol=1e-6)


def test_a_list_of_temperatures_is_cycled_a_token_at_a_time(tokenizer):
    reshape = Reshape(DrawSettings(temp="0, 0.5,2"), tokenizer)
    assert [reshape.temperature(made) for made in range(5)] == [0, 0.5, 2, 0, 0.5]


@given(st.integers(0, 3), st.integers(0, 50))
def test_a_history_keeps_its_end_at_constant_memory(before, more):
    history = History(np.arange(before)[np.newaxis])
    size = history._ids.nbytes
    for token in range(before, before + more):
        history.append(np.array([token]))
    history.take(np.array([0, 0]))
    wanted = np.arange(before + more)[-LOOK_BACK:]
    np.testing.assert_array_equal(history.ids, np.stack([wanted, wanted]))
    assert history._ids.shape[1] * 8 == size


def test_a_long_history_is_that_of_the_last_tokens():
    history = History(np.zeros((2, LOOK_BACK - 1), dtype=np.int64))
    for token in range(2 * LOOK_BACK + 5):
        history.append(np.array([token, -token]))
    wanted = np.arange(LOOK_BACK + 5, 2 * LOOK_BACK + 5)
    np.testing.assert_array_equal(history.ids, np.stack([wanted, -wanted]))


class TestSession:
    @pytest.fixture
    def session(self, trained):
        return charrnn.load("words", checkpoints=trained)

    @pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
    def test_frequencies_match_next(self, session, temperature):
        """A text's first character is drawn from what ``.next()`` says."""
        asked = SampleSettings(num=4000, length=1, seed=3, temp=temperature)
        counts = Counter(piece.text for piece in session.pieces([session.read("def ma")], asked) if piece.text)
        following = dict(session.next("def ma"))
        assert sum(following.values()) == pytest.approx(1)
        # Rare characters together, so that every class is expected often enough for the test to hold.
        shares = {text: share ** (1 / temperature) for text, share in following.items()}
        total = sum(shares.values())
        often = [text for text, share in shares.items() if share / total > 0.005]
        observed = [counts[text] for text in often]
        expected = [shares[text] / total for text in often]
        assert_matches([*observed, 4000 - sum(observed)], [*expected, 1 - sum(expected)])

    def test_the_score_of_a_text_is_the_sum_along_next(self, session):
        text = "def main"
        total = sum(math.log(dict(session.next(text[:at]))[character]) for at, character in enumerate(text))
        assert session.score(text).nats == pytest.approx(-total, rel=1e-5)

    def test_a_lane_is_the_same_text_however_many_there_are(self, session):
        def texts(num, **more):
            asked = SampleSettings(num=num, length=60, seed=11, **more)
            pieces = session.pieces([session.read("class ")], asked)
            return [piece.whole.text for piece in sorted((p for p in pieces if p.whole), key=lambda p: p.number)]

        many = texts(70)
        assert len(many) == 70
        assert texts(2) == many[:2]
        assert session.generate("class ", length=60, seed=11, lane=69) == many[69]
        assert texts(9, repetition_penalty=1.3)[:3] == texts(3, repetition_penalty=1.3)
        # Lanes that end early leave the others as they are.
        whole = texts(20)
        assert texts(20, until=["e"]) == [each.split("e")[0] for each in whole]

    def test_the_log_probability_is_the_model_s_own_whatever_was_asked_for(self, session):
        from charrnn.generation.lanes import Track

        asked = SampleSettings(length=40, seed=1, temp=0.3, top_k=5)
        track = Track(log_probabilities=True, tokens=True)
        *_, last = session.pieces([session.read("def ")], asked, track=track)
        made = last.whole
        both = session.score(f"def {made.text}").nats - session.score("def ").nats
        assert -made.log_probability == pytest.approx(both, rel=1e-4)
        assert made.bits_per_char == pytest.approx(both / math.log(2) / 40, rel=1e-4)
        assert "".join(text for text, _ in made.token_probabilities) == made.text
        assert sum(math.log(p) for _, p in made.token_probabilities) == pytest.approx(made.log_probability)

    def test_what_is_asked_for_holds_in_the_text(self, session):
        text = session.generate("def ", length=300, seed=2, temp=1.5, ban=["e", "th"], no_repeat_ngram=4)
        assert "e" not in text
        assert "th" not in "def " + text
        runs = [("def " + text)[at : at + 4] for at in range(len(text))]
        assert len({*runs}) == len(runs)
        assert {*session.generate(length=100, allow="ab\n", seed=1)} <= {*"ab\n"}

    def test_a_text_without_a_token_that_may_come_ends_there(self, session):
        *_, last = session.pieces([session.read("")], SampleSettings(allow="ab", no_repeat_ngram=1, seed=1))
        assert last.whole.stop == "blocked"
        assert sorted(last.whole.text) == ["a", "b"]
        greedy = session.generate(allow="ab", no_repeat_ngram=1, temp=0)
        assert sorted(greedy) == ["a", "b"]

    def test_a_text_that_is_blocked_leaves_those_beside_it_as_they_are(self, session):
        def texts(num):
            asked = SampleSettings(num=num, length=40, allow="abcd", no_repeat_ngram=2, top_p=0.6, seed=4)
            pieces = session.pieces([session.read("")], asked)
            return [piece.whole for piece in sorted((p for p in pieces if p.whole), key=lambda p: p.number)]

        many = texts(30)
        assert {each.stop for each in many} == {"blocked"}
        assert len({each.tokens for each in many}) > 1
        assert [each.text for each in many] == [
            session.generate(lane=lane, length=40, allow="abcd", no_repeat_ngram=2, top_p=0.6, seed=4)
            for lane in range(30)
        ]

    @pytest.mark.parametrize("temperature", [1e-40, 1e300])
    def test_no_temperature_overflows(self, temperature, session):
        more = {"temp": temperature, "length": 5, "seed": 1}
        assert len(session.generate("def", top_k=3, **more)) == 5
        assert len(session.generate("def", top_p=0.9, ban="a", **more)) == 5
        assert len(session.beam("def", beam=3, stochastic=True, **more)) == 1
        if temperature < 1:
            assert session.generate("def", top_k=3, **more) == session.generate("def", temp=0, length=5)

    def test_temperature_zero_is_greedy(self, session):
        text = ""
        for _ in range(20):
            text += session.next(f"de{text}")[0][0]
        assert session.generate("de", temp=0, length=20) == text

    def test_a_plugin_s_warper_that_leaves_nothing_is_told(self, session, tmp_path):
        (tmp_path / "nothing.py").write_text(
            "import numpy as np\nfrom charrnn import Warper, hookimpl\n"
            "class Nothing(Warper):\n"
            "    def warp(self, logits, history):\n        return np.full_like(logits, -np.inf)\n"
            "@hookimpl\ndef register_warpers(register):\n    register('nothing', Nothing)\n"
        )
        charrnn.add_plugin(tmp_path / "nothing.py")
        with pytest.raises(PluginError, match="leaves no token"):
            session.generate(warper="nothing")
