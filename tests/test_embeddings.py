"""An embedding starts from pretrained vectors, for the tokens that have one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from charrnn.errors import UsageError
from charrnn.training.vectors import Vectors
from tests.conftest import TINY

GLOVE = "a 1 2 3\né 4.5 -5 6e-1\n  7 8 9\nword 1 1 1\n"
FIRST = ["--steps", 1, "--lr", "1e-12", "--embed", 3, "--hidden", 4]


@pytest.fixture
def write(tmp_path):
    def call(content):
        path = tmp_path / "vectors.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return call


@pytest.mark.parametrize(
    ("content", "size", "expected"),
    [
        (GLOVE, 3, {"a": [1, 2, 3], "é": [4.5, -5, 0.6], " ": [7, 8, 9]}),
        ("4 2\na 1 2 \n</s> 3 4 \nz 5 6 \n", 2, {"a": [1, 2], "\n": [3, 4]}),
        ("  1 2\na 3 4\na 5 6\n", 2, {" ": [1, 2], "a": [3, 4]}),
        ("3 1 2\na 3 4\r\n", 2, {"3": [1, 2], "a": [3, 4]}),
    ],
    ids=["glove", "word2vec", "a space first", "a number for a token"],
)
def test_vectors_are_read_for_the_tokens_that_are_asked_for(content, size, expected, write):
    vectors = Vectors(write(content))
    assert vectors.size == size
    found = vectors.find({"a", "é", " ", "\n", "3"})
    assert found.keys() == expected.keys()
    for token, vector in expected.items():
        np.testing.assert_allclose(found[token], vector)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "line 1: a line is a token and its numbers"),
        ("a\nb\n", "line 1: a line is a token and its numbers"),
        ("a 1 x\n", "line 1: the token 'a' should have 2 finite numbers"),
        ("4 3\nb 1 2\n", "line 2: the token 'b' should have 3 finite numbers"),
        ("4 3\n", "line 2: the token '' should have 3 finite numbers"),
        ("12 3000000\na 1 2\n", "line 1: embed '3000000': should be less than or equal to 65536"),
        pytest.param(f"a{70_000 * ' 1'}\n", "line 1: embed '70000': should be less than or equal", id="too wide"),
        ("b 1 2\na 1 x\n", "line 2: the token 'a' should have 2 finite numbers"),
        ("b 1 2\na 1\n", "line 2: the token 'a' should have 2 finite numbers"),
        ("b 1 2\na 1 nan\n", "line 2: the token 'a' should have 2 finite numbers"),
    ],
)
def test_a_file_that_is_something_else_is_told(content, told, write):
    with pytest.raises(UsageError, match=told):
        Vectors(write(content)).find({"a"})


def test_a_run_starts_from_them_and_says_for_how_many_tokens(write, text_file, cli):
    letters = sorted(set(text_file.read_text()))
    known = letters[1:4]
    content = "".join(f"{letter} {number} 0.5 -1\n" for number, letter in enumerate(known))
    trained = cli("train", text_file, *TINY, *FIRST, "--embeddings", write(content), "--name", "mine")
    assert trained.code == 0, trained.err
    assert f"3 of {len(letters)} tokens start from their vectors" in trained.err
    embedding = load_file("checkpoints/mine/model.safetensors")["embedding.weight"]
    for number, letter in enumerate(known):
        torch.testing.assert_close(embedding[letters.index(letter)], torch.tensor([number, 0.5, -1.0]))


def test_a_byte_that_is_part_of_a_character_has_no_vector(write, text_file, cli):
    flags = ["--tokenizer", "byte", "--embeddings", write("\ufffd 7 7 7\na 1 2 3\n"), "--name", "mine"]
    trained = cli("train", text_file, *TINY, *FIRST, *flags)
    assert trained.code == 0, trained.err
    assert "1 of 256 tokens start from their vectors" in trained.err


def test_the_embedding_is_as_wide_as_the_vectors(write, text_file, cli):
    letter = sorted(set(text_file.read_text()))[5]
    shape = ["--cell", "gru", "--layers", 1, "--hidden", 4, "--steps", 1]
    trained = cli("train", text_file, *shape, "--embeddings", write(f"{letter} 1 2 3 4 5\n"), "--name", "mine")
    assert trained.code == 0, trained.err
    assert cli("runs", "show", "mine", "--json").json()["settings"]["embed"] == 5


@pytest.mark.parametrize(
    ("content", "more", "told"),
    [
        ("a 1 2\n", [], "--embed 3: the vectors in "),
        ("\u4e00 1 2 3\n", [], "has a vector for none of the "),
        ("a 1 2 3\n", ["--init-from", "words"], "--embeddings: run 'words' brings its own by --init-from"),
        ("a 1 2 3\n", ["--resume", "--name", "words"], "--init-from, --extend-vocab, --embeddings and --preset are"),
    ],
)
def test_what_does_not_fit_is_told(content, more, told, write, text_file, trained, cli):
    corpus = [] if "--resume" in more else [text_file, *TINY, *FIRST]
    result = cli("train", *corpus, "--embeddings", write(content), "--checkpoints", trained, *more)
    assert result.code == 2
    assert told in result.err.splitlines()[-1]


def test_a_file_that_is_not_there_is_told(text_file, cli):
    result = cli("train", text_file, *TINY, "--embeddings", "none.txt")
    assert result.told == "charrnn: --embeddings 'none.txt' cannot be read: No such file or directory"
