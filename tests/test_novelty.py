"""How much of a text stands in what its model was trained on, against a search by brute force."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pydivsufsort
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import charrnn
from charrnn.errors import CorpusError, UsageError
from charrnn.generation.novelty import NGRAM, CorpusIndex, Novelty, write_index
from charrnn.runs.run import Run
from tests.conftest import TINY

#: Few, so that runs repeat; of one to four bytes each, some with bytes in common; and half a pair of UTF-16.
CHARACTERS = "abéè€₭😀\ud83d\ude00"


def silent(*_):
    pass


def index_of(text, directory):
    write_index(directory, [text.encode("utf-8", "surrogatepass")])
    return CorpusIndex(directory)


def by_brute_force(training, text, ngram):
    runs = (text[start:stop] for start in range(len(text)) for stop in range(start + 1, len(text) + 1))
    copied = max((run for run in runs if run in training), key=len, default="")
    grams = [text[start : start + ngram] for start in range(len(text) - ngram + 1)]
    shared = sum(gram in training for gram in grams) / len(grams) if grams else None
    return Novelty(len(copied), copied, shared, ngram)


@given(st.text("ab", min_size=1, max_size=60), st.text("abc", max_size=60), st.integers(1, 9))
def test_every_copied_run_is_found(training, text, ngram):
    with tempfile.TemporaryDirectory() as directory:
        assert index_of(training, Path(directory)).measure(text, ngram) == by_brute_force(training, text, ngram)


@given(st.text(CHARACTERS, min_size=1, max_size=40), st.text(CHARACTERS, max_size=50), st.integers(1, 4))
def test_whole_characters_are_found_and_counted(training, text, ngram):
    with tempfile.TemporaryDirectory() as directory:
        assert index_of(training, Path(directory)).measure(text, ngram) == by_brute_force(training, text, ngram)


@given(st.data())
def test_a_text_pieced_together_from_the_training_text_is_found_in_pieces(data):
    training = data.draw(st.text("abc", min_size=30, max_size=200))
    places = st.integers(0, len(training) - 1)
    pieces = data.draw(st.lists(st.tuples(places, places).map(sorted), max_size=6))
    text = "".join(training[start:stop] for start, stop in pieces)
    with tempfile.TemporaryDirectory() as directory:
        assert index_of(training, Path(directory)).measure(text, 5) == by_brute_force(training, text, 5)


@pytest.mark.parametrize("training", ["a", "abc" * 3, "€"])
def test_a_text_may_be_longer_than_the_training_text(tmp_path, training):
    found = index_of(training, tmp_path).measure("x" + training + "y" * 100 + training, 1)
    assert found.copied == training
    assert found.shared == 2 * len(training) / (2 * len(training) + 101)


def test_an_empty_text_copies_nothing(tmp_path):
    assert index_of("abc", tmp_path).measure("") == Novelty(longest=0, copied="", shared=None, ngram=NGRAM)


def test_a_text_shorter_than_an_n_gram_has_a_longest_run_but_no_share(tmp_path):
    index = index_of("one two three", tmp_path)
    assert index.measure("two th!", 8) == Novelty(longest=6, copied="two th", shared=None, ngram=8)
    assert index.measure("two th!", 7).shared == 0.0


def test_half_a_character_is_none(tmp_path):
    # é is C3 A9 and è is C3 A8: the first byte of both is the same.
    assert index_of("aé", tmp_path).measure("aè", 1) == Novelty(longest=1, copied="a", shared=0.5, ngram=1)


def test_an_n_gram_has_a_character_at_least(tmp_path):
    with pytest.raises(UsageError, match="1 or more"):
        index_of("abc", tmp_path).measure("abc", 0)


def test_the_figures_by_name():
    assert Novelty(2, "ab", 0.5, 3).to_dict() == {"longest": 2, "copied": "ab", "shared": 0.5, "ngram": 3}


def test_a_copy_from_the_training_part_is_found_whole(trained, text):
    index = CorpusIndex.of(Run(trained / "words"), silent)
    copied = text[1000:1400]
    assert index.measure(copied) == Novelty(longest=400, copied=copied, shared=1.0, ngram=NGRAM)
    amid = index.measure(f"\0\0{copied}\0\0")
    assert (amid.longest, amid.copied) == (400, copied)


def test_only_what_a_run_learned_from_counts(trained, text):
    words = str(trained.parent / "words.txt")
    charrnn.train(words, name="half", val_fraction=0.5, steps=1, layers=1, hidden=8, embed=4)
    for run in Run(trained / "words"), Run(Path("checkpoints/half").absolute()):
        index, learned = CorpusIndex.of(run, silent), run.config.corpus.train.stop
        assert index.measure(text[:learned]).longest == learned
        assert index.measure(text[learned - 50 : learned + 50]) == by_brute_force(
            text[:learned], text[learned - 50 : learned + 50], NGRAM
        )
        held_back = text[learned:]
        assert index.measure(held_back).longest < len(held_back)
        assert index.measure(held_back).shared < 0.5


def test_two_texts_of_one_length_are_not_confused(text, tmp_path):
    for name, content in ("forwards", text), ("backwards", text[::-1]):
        (tmp_path / "corpus.txt").write_text(content, encoding="utf-8")
        charrnn.train("corpus.txt", name=name, steps=1, layers=1, hidden=8, embed=4)
        index = CorpusIndex.of(Run(Path("checkpoints", name).absolute()), silent)
        assert index.measure(content[:500]).longest == 500


def test_characters_that_lie_across_tokens_are_put_together(tmp_path):
    text = "".join(np.random.default_rng(0).choice(list("ab€😀é"), 60_000))
    (tmp_path / "wide.txt").write_text(text, encoding="utf-8")
    charrnn.train("wide.txt", name="wide", tokenizer="byte", steps=1, layers=1, hidden=8, embed=4)
    index = CorpusIndex.of(Run(Path("checkpoints/wide").absolute()), silent)
    found = index.measure(text)
    assert text.startswith(found.copied)
    assert found.longest == pytest.approx(54_000, abs=1000)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_index_is_built_once_with_progress(trained, own_cache, monkeypatch):
    told = []
    run = Run(trained / "words")
    first = CorpusIndex.of(run, lambda *progress: told.append(progress)).measure("def main():")
    done, total = next((done, total) for doing, done, total in reversed(told) if doing == "indexing")
    assert done == pytest.approx(total, rel=0.05)
    monkeypatch.setattr(pydivsufsort, "divsufsort", None)
    assert CorpusIndex.of(run, silent).measure("def main():") == first


@pytest.mark.parametrize("size", [0, 1, 10, 127, 129, -1])
@pytest.mark.parametrize("name", ["text.bin", "suffixes.npy"])
def test_a_file_that_is_cut_short_is_told(trained, own_cache, name, size):
    run = Run(trained / "words")
    CorpusIndex.of(run, silent)
    (file,) = own_cache.glob(f"indexes/*/{name}")
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(CorpusError, match=r"^the corpus index .* is damaged .*; remove that folder$"):
        CorpusIndex.of(run, silent)
    shutil.rmtree(file.parent)
    assert CorpusIndex.of(run, silent).measure("import").longest == 6


@given(st.lists(st.tuples(st.integers(0, 215), st.integers(0, 255)), min_size=1, max_size=4))
@example([(26, ord("b"))])  # the name of a field becomes one of bytes
@example([(127, ord("("))])  # the header does not end
@pytest.mark.filterwarnings("ignore:Reading")
def test_whatever_else_stands_in_the_array_s_file_is_told_or_measured(changes):
    with tempfile.TemporaryDirectory() as directory:
        index_of("abracadabra" * 2, Path(directory))
        file = Path(directory, "suffixes.npy")
        content = bytearray(file.read_bytes())
        for at, byte in changes:
            content[at] = byte
        file.write_bytes(content)
        told = ""
        try:
            CorpusIndex(Path(directory)).measure("abracad", 3)
        except CorpusError as error:
            told = str(error)
        assert "\n" not in told


@pytest.mark.parametrize("dtype", [">i4", "<u4", "<f8", "<i2"])
def test_numbers_of_another_type_are_told(tmp_path, dtype):
    index_of("abracadabra", tmp_path)
    suffixes = np.load(tmp_path / "suffixes.npy")
    np.save(tmp_path / "suffixes.npy", suffixes.astype(dtype))
    with pytest.raises(CorpusError, match=r"suffixes\.npy does not belong to text\.bin"):
        CorpusIndex(tmp_path)


@pytest.mark.parametrize("name", ["text.bin", "suffixes.npy"])
def test_a_file_that_is_gone_is_told(tmp_path, name):
    index_of("abc", tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(CorpusError, match="damaged"):
        CorpusIndex(tmp_path)


@pytest.mark.parametrize("error", [MemoryError(), Exception("libdivsufsort error", -2)])
def test_a_lack_of_memory_is_told_and_leaves_no_index(trained, own_cache, monkeypatch, error):
    def fail(_):
        raise error

    run = Run(trained / "words")
    with monkeypatch.context() as patch:
        patch.setattr(pydivsufsort, "divsufsort", fail)
        with pytest.raises(CorpusError, match=r"takes \d+ MiB of memory.*; close .* larger machine$"):
            CorpusIndex.of(run, silent)
    assert CorpusIndex.of(run, silent).measure("import").longest == 6


def test_an_empty_training_text_is_told(tmp_path):
    with pytest.raises(CorpusError, match="empty"):
        index_of("", tmp_path)


def test_standard_input_is_to_be_piped_in_again_once_the_cache_is_gone(text, own_cache, program):
    trained = program("train", "-", "--name", "piped", "--steps", 1, *TINY, stdin=text.encode())
    assert trained.code == 0, trained.err
    run = Run(Path("checkpoints/piped").absolute())
    assert CorpusIndex.of(run, silent).measure("import").longest == 6
    shutil.rmtree(own_cache)
    with pytest.raises(CorpusError, match="standard input; pipe it in again"):
        CorpusIndex.of(run, silent)
