"""``--init-from RUN --extend-vocab``: the alphabet of a run grows, and what the run has learned stays as it was."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import charrnn
from charrnn.tokenizers.char import CharTokenizer
from tests.conftest import TINY
from tests.forging import save_of

GREEK = "μῆνιν ἄειδε θεὰ Πηληϊάδεω Ἀχιλῆος the wrath sing, goddess\n" * 60
CELLS = """
import torch
from charrnn import Cell, hookimpl

class Leaky(Cell):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.read = torch.nn.Linear(input_size, hidden_size)

    def project(self, inputs):
        return self.read(inputs)

    def step(self, projected, state):
        hidden = torch.tanh(projected + 0.5 * state[0])
        return hidden, (hidden,)

@hookimpl
def register_cells(register):
    register("leaky", Leaky)
"""
BY_TOKEN = ["embedding.weight", "output.weight", "output.bias"]
#: What a person may give a model beside its cell that touches what belongs to tokens, or stands beside it.
SHAPES = {
    "lstm": [],
    "gru": ["--cell", "gru", "--layer-norm"],
    "rnn": ["--cell", "rnn", "--layers", "2", "--residual"],
    "leaky": ["--plugin", "leaky.py", "--cell", "leaky"],
    "tied": ["--tied", "--hidden", "8"],
}


class Beginning:
    """Keeps what a run begins with."""

    @charrnn.hookimpl
    def run_started(self, run, model):
        self.weights = {name: value.clone() for name, value in model.state_dict().items()}
        self.vocabulary = json.loads((run.path / "config.json").read_text())["tokenizer"]["vocab_size"]


@pytest.fixture
def greek(tmp_path):
    path = tmp_path / "greek.txt"
    path.write_text(GREEK, encoding="utf-8")
    return path


@pytest.fixture
def old(text_file, cli):
    """Train the run ``old`` on text without any Greek."""

    def train(*more, steps=20):
        trained = cli("train", text_file, *TINY, "--steps", steps, "--lr", "0.01", *more, "--name", "old")
        assert trained.code == 0, trained.err
        return load_file("checkpoints/old/model.safetensors")

    return train


def alphabet(run):
    return CharTokenizer.load(Path("checkpoints") / run / "tokenizer").alphabet


def newest_weights(run):
    return load_file(save_of(Path("checkpoints") / run) / "weights.safetensors")


def extend(corpus, **more):
    """Start the run ``new``, and return what it begins with."""
    beginning = Beginning()
    charrnn.train(corpus, init_from="old", extend_vocab=True, name="new", steps=1, observers=[beginning], **more)
    return beginning


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_old_characters_keep_their_ids_and_weights_to_the_bit(shape, old, greek, tmp_path):
    (tmp_path / "leaky.py").write_text(CELLS)
    before = old(*shape)
    beginning = extend(greek)
    count = len(alphabet("old"))
    assert alphabet("new")[:count] == alphabet("old")
    assert set(alphabet("new")[count:]) == set(GREEK) - set(alphabet("old"))
    assert beginning.vocabulary == len(alphabet("new"))
    for name, value in before.items():
        kept = beginning.weights[name]
        if name in BY_TOKEN:
            assert len(kept) == len(alphabet("new"))
            kept = kept[:count]
        assert torch.equal(kept, value), name
    if "--tied" in shape:
        assert torch.equal(beginning.weights["embedding.weight"], beginning.weights["output.weight"])


def test_new_characters_start_as_in_a_new_model_by_the_seed(old, greek, cli):
    count = len(old()["output.bias"])
    one = extend(greek, seed=3).weights
    cli("runs", "rm", "new", "--yes")
    same = extend(greek, seed=3).weights
    cli("runs", "rm", "new", "--yes")
    other = extend(greek, seed=4).weights
    for name in BY_TOKEN:
        assert torch.equal(one[name], same[name])
        assert not (one[name][count:] == other[name][count:]).any()
    assert one["embedding.weight"][count:].std() == pytest.approx(1, abs=0.2)
    assert one["output.weight"][count:].abs().max() <= 16**-0.5


def test_before_it_learns_old_text_is_as_likely_as_it_was_among_the_old_characters(old, greek, cli):
    old(steps=60)
    charrnn.train(greek, init_from="old", extend_vocab=True, name="new", steps=1, lr=1e-12)
    first, second = (charrnn.load(run) for run in ("old", "new"))
    for prompt in ("", "def encode(", "import json\n"):
        before, after = dict(first.next(prompt)), dict(second.next(prompt))
        known = sum(after[character] for character in before)
        assert 0 < known < 1
        for character, probability in before.items():
            assert after[character] / known == pytest.approx(probability, rel=1e-4, abs=1e-9)


def test_a_run_learns_and_writes_its_new_characters_and_goes_on(old, greek, cli):
    old()
    arguments = ["--init-from", "old", "--extend-vocab", "--lr", "0.02", "--steps", 150, "--name", "new"]
    trained = cli("train", greek, *arguments)
    assert trained.code == 0, trained.err
    assert "the alphabet of run 'old' grows by 19 characters ('Π', 'ά', 'δ'" in trained.err
    assert "never seen" not in trained.err
    written = cli("sample", "new", "--length", 300, "--seed", 1).out
    assert set(written) & (set(GREEK) - set(alphabet("old")))
    assert cli("score", greek, "--run", "new", "--unseen", "error").code == 0
    assert cli("train", "--resume", "--name", "new", "--steps", 160).code == 0
    assert cli("runs", "show", "new", "--json").json()["origin"]["run"] == "old"
    assert cli("runs", "show", "new", "--json").json()["state"]["step"] == 160
    # The old run is as it was.
    assert "never seen" in cli("score", greek, "--run", "old").err


def test_stopping_and_resuming_an_extended_run_gives_the_same_bits(old, greek, cli):
    old()
    arguments = ["--init-from", "old", "--extend-vocab", "--schedule", "constant", "--warmup", "0"]
    for name, steps in (("whole", 8), ("parts", 4)):
        assert cli("train", greek, *arguments, "--steps", steps, "--name", name).code == 0
    assert cli("train", "--resume", "--name", "parts", "--steps", 8).code == 0
    whole, parts = map(newest_weights, ("whole", "parts"))
    assert all(torch.equal(parts[name], value) for name, value in whole.items())


def test_an_alphabet_grows_again_and_again(old, greek, tmp_path, cli):
    old()
    (tmp_path / "third.txt").write_text("привет, мир\n" * 200)
    extend(greek)
    again = cli("train", "third.txt", "--init-from", "new", "--extend-vocab", "--steps", 1, "--name", "third")
    assert again.code == 0, again.err
    assert alphabet("third").startswith(alphabet("new"))
    assert set(alphabet("third")) == set(alphabet("new")) | set("привет, мир")


def test_packed_tokens_are_those_of_the_extended_alphabet(old, greek, cli):
    """The same corpus as the old alphabet has it lies in the cache already."""
    old()
    replaced = cli("train", greek, "--init-from", "old", "--steps", 1, "--name", "other")
    assert replaced.code == 1  # and it has been packed by then
    extend(greek)
    scored = cli("eval", "new", "--json").json()
    assert scored["tokens"] > 0
    run = json.loads(Path("checkpoints/new/config.json").read_text())
    assert run["corpus"]["splits"]["train"]["unseen"] == {}


def test_nothing_to_add_is_told(old, text_file, cli):
    old()
    extended = cli("train", text_file, "--init-from", "old", "--extend-vocab", "--steps", 1, "--name", "new")
    assert extended.code == 0
    assert "--extend-vocab adds nothing: run 'old' knows every character already" in extended.err
    assert alphabet("new") == alphabet("old")


def test_a_stream_extends_the_alphabet_by_what_its_start_holds(old, tmp_path, cli):
    old()
    (tmp_path / "stream.txt").write_text("αβγ " * 5000 + "a line of known text\n" * 5000 + "жзи " * 20)
    arguments = ["--stream", "--sample-bytes", "10kB", "--val-fraction", "0.2", "--steps", 2, "--name", "new"]
    extended = cli("train", "stream.txt", "--init-from", "old", "--extend-vocab", *arguments)
    assert extended.code == 0, extended.err
    assert alphabet("new") == alphabet("old") + "αβγ"
    assert "grows by 3 characters ('α', 'β', 'γ')" in extended.err
    assert cli("train", "--resume", "--name", "new", "--steps", 3).code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--extend-vocab"],
            "--extend-vocab adds to the alphabet of the run that it starts from; give --init-from RUN",
        ),
        (
            ["--resume", "--name", "old", "--extend-vocab"],
            "--resume goes on with a run as it is; --init-from, --extend-vocab,",
        ),
    ],
)
def test_it_is_refused_where_there_is_nothing_to_extend(arguments, told, old, text_file, cli):
    old()
    corpus = [] if "--resume" in arguments else [text_file]
    refused = cli("train", *corpus, *arguments)
    assert refused.code == 2
    assert told in refused.told


@pytest.mark.parametrize("tokenizer", ["byte", "sentencepiece"])
def test_a_tokenizer_without_an_alphabet_is_named(tokenizer, old, greek, cli):
    old("--tokenizer", tokenizer)
    refused = cli("train", greek, "--init-from", "old", "--extend-vocab", "--steps", 1)
    assert refused.code == 2
    assert f"--extend-vocab: the tokenizer '{tokenizer}' has no alphabet that could grow" in refused.told


def test_what_a_run_has_never_seen_points_to_it(old, greek, tmp_path, cli):
    old()
    refused = cli("train", greek, "--init-from", "old", "--steps", 1)
    assert refused.code == 1
    assert "that is another alphabet: learn it by --extend-vocab, or train a new model without" in refused.told
    (tmp_path / "few.txt").write_text("a text of known characters\n" * 100 + "µ")
    replaced = cli("train", "few.txt", "--init-from", "old", "--steps", 1)
    assert replaced.code == 0
    assert "has never seen 1 character ('µ'), 0.0% of 'train'; replaced (--extend-vocab learns them)" in replaced.err


@pytest.fixture
def letters():
    """Write the tokenizer of the documentation as a plugin; ``returned`` is what its ``extended`` returns instead."""
    page = (Path(__file__).parents[2] / "docs" / "plugins" / "register_tokenizers.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    right = 'Letters(self.alphabet + "".join(sorted(new)))'
    assert right in source

    def write(returned=right):
        Path("letters.py").write_text(source.replace(right, returned))

    return write


def test_a_plugin_s_tokenizer_grows_too(letters, old, greek, cli):
    letters()
    before = old("--plugin", "letters.py", "--tokenizer", "letters")
    arguments = ["--plugin", "letters.py", "--init-from", "old", "--extend-vocab", "--steps", 1, "--lr", "1e-12"]
    extended = cli("train", greek, *arguments, "--name", "new")
    assert extended.code == 0, extended.err
    assert "grows by 19 characters" in extended.err
    after = load_file("checkpoints/new/model.safetensors")
    np.testing.assert_allclose(after["output.bias"][: len(before["output.bias"])], before["output.bias"], atol=1e-6)


@pytest.mark.parametrize("returned", ["None", "Letters('a')", "self.alphabet"])
def test_a_plugin_s_tokenizer_that_shrinks_is_blamed(returned, letters, old, greek, cli):
    letters(returned)
    old("--plugin", "letters.py", "--tokenizer", "letters")
    failed = cli("train", greek, "--plugin", "letters.py", "--init-from", "old", "--extend-vocab", "--steps", 1)
    assert failed.code == 1
    assert "tokenizer 'letters' of plugin 'letters' failed" in failed.err.splitlines()[-1]
