"""What a stranger wrote cannot hurt: a tokenizer, recipe or settings file is refused in one line, or read in bounds."""

from __future__ import annotations

import json
import os
import shutil
import struct
from pathlib import Path

import pytest

import charrnn
from charrnn.errors import RunError
from charrnn.tokenizers.char import CharTokenizer
from charrnn.tokenizers.sentencepiece import SentencePieceTokenizer
from charrnn.tokenizers.sentencepiece_model import MOST_PIECES, without_rules
from tests.conftest import TINY
from tests.forging import forge_config, put
from tests.limits import MOST_WITH_TORCH, opened


def refused(*arguments, **limits):
    """Call the program, which is to say in one line why it will not; returns that line."""
    code, said = opened(*arguments, **limits)
    assert code in (1, 2), said
    lines = [line for line in said.splitlines() if line]
    assert len(lines) == 1
    assert lines[0].startswith("charrnn: ")
    assert "\x1b" not in said
    return lines[0]


HOSTILE_ALPHABETS = {
    "nothing": (b"", "is damaged"),
    "another type": (b"[1, 2]", "should be a text"),
    "an object": (b'{"a": 1}', "should be a text"),
    "an empty text": (b'""', "distinct characters"),
    "a character twice": (b'"abca"', "distinct characters"),
    "a character twice in parts": (b'["ab", "ca"]', "distinct characters"),
    "bytes that are no text": (b'"\xed\xa0\x80"', "is damaged"),
    "another encoding": ('"abc"'.encode("utf-16"), "is damaged"),
    "ten million entries": (b'["a",' + b'"a",' * 10**7 + b'"a"]', "is larger than"),
    "a million entries": (b'["a",' + b'"a",' * 950_000 + b'"a"]', "distinct characters"),
    "ten million characters": (b'"' + b"a" * 10**7 + b'"', "distinct characters"),
    "ten million empty lists": (b"[" + b"[]," * 4 * 10**6 + b"[]]", "it is no text, and larger than"),
    "100 MB of nested JSON": (b"[" * 10**8, "is larger than"),
    "nested JSON": (b"[" * 10**6, "nested more than 32 deep"),
    "no number": (b"NaN", "NaN for a number"),
    "an escape sequence": (b'{"\x1b]0;owned\x07": 1}', "is damaged"),
    "another alphabet": (b'"abc"', "its tokenizer has 3 tokens, its config says"),
    "all of Unicode": (json.dumps("".join(map(chr, range(0xD800)))).encode(), "its tokenizer has 55296 tokens"),
}


class TestAlphabet:
    @pytest.fixture
    def run(self, trained):
        shutil.copytree(trained / "words", "checkpoints/words")
        return Path("checkpoints/words")

    @pytest.mark.parametrize(("content", "told"), HOSTILE_ALPHABETS.values(), ids=HOSTILE_ALPHABETS.keys())
    def test_what_is_none_is_refused(self, content, told, run):
        (run / "tokenizer" / "alphabet.json").write_bytes(content)
        forge_config(run, lambda content: None)
        assert told in refused("sample", "words", "--length", 5)

    def test_a_vocabulary_that_the_weights_do_not_have_is_refused(self, run):
        (run / "tokenizer" / "alphabet.json").write_text(json.dumps("".join(map(chr, range(0xD800)))))
        forge_config(run, put("tokenizer", "vocab_size", value=0xD800))
        assert "the config asks for" in refused("sample", "words", "--length", 5)

    @pytest.mark.parametrize("device", ["/dev/zero", None])
    def test_a_device_or_a_pipe_is_not_waited_for(self, device, run):
        path = run / "tokenizer" / "alphabet.json"
        path.unlink()
        if device is None:
            os.mkfifo(path)
        else:
            path.symlink_to(device)
        refused("sample", "words", "--length", 5)
        # Nor where the config does not list it, so that nothing compares it.
        forge_config(run, put("tokenizer", "files", value={}))
        assert "no regular file" in refused("sample", "words", "--length", 5)

    def test_two_surrogates_that_json_would_join_stay_apart(self, tmp_path):
        alphabet = CharTokenizer.train(["\udc00 \ud800 a\U00010000"]).alphabet
        CharTokenizer(alphabet).save(tmp_path)
        assert CharTokenizer.load(tmp_path).alphabet == alphabet == " a\ud800\udc00\U00010000"

    def test_all_characters_that_there_are_can_be_an_alphabet(self, tmp_path):
        alphabet = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
        CharTokenizer(alphabet).save(tmp_path)
        assert CharTokenizer.load(tmp_path).alphabet == alphabet

    def test_a_new_run_takes_nothing_along_that_its_tokenizer_does_not_know(self, run, text_file, tmp_path, cli):
        (tmp_path / "secret").write_text("secret")
        (run / "tokenizer" / "more.json").symlink_to(tmp_path / "secret")
        os.mkfifo(run / "tokenizer" / "pipe")
        started = cli("train", text_file, "--init-from", "words", "--steps", 1, "--name", "mine")
        assert started.code == 0, started.err
        assert [path.name for path in Path("checkpoints/mine/tokenizer").iterdir()] == ["alphabet.json"]


def field(number, content):
    """Write a field of a message of protocol buffers."""
    size, digits = len(content), b""
    while size > 127:
        digits, size = digits + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + digits + bytes([size]) + content


def piece(text, score=-1.0, kind=1):
    return field(1, field(1, text) + b"\x15" + struct.pack("<f", score) + bytes([3 << 3, kind]))


TRAINING = "the cat sat on the mat, and the dog sat on the log\n" * 30
PIECES = SentencePieceTokenizer.train([TRAINING], vocab_size=300)
MODEL = without_rules(PIECES._model)


HOSTILE_MODELS = {
    "nothing": b"",
    "no model": b"no model",
    "zeros": b"\0" * 10_000,
    "the half of one": MODEL[: len(MODEL) // 2],
    "an endless length": b"\x0a" + b"\xff" * 100,
    "a length beyond the end": b"\x0a\xff\xff\xff\x7fabc",
    "no pieces": field(2, b"\x18\x02"),
    "a piece twice": piece(b"same") * 2 + MODEL,
    "two unknown pieces": MODEL + piece(b"other", kind=2),
    "bytes that are no text": MODEL + piece(b"\xff\xfe"),
    "an empty piece": MODEL + piece(b""),
    "a piece of ten megabytes": MODEL + piece(b"x" * 10**7),
    "a byte that is none": MODEL + piece(b"<0xZZ>", kind=6),
    "not all bytes": MODEL.replace(b"<0x41>", b"<0x4a>"),
    "a million empty pieces": field(1, b"") * 10**6,
    "a million pieces": MODEL + b"".join(piece(b"%x" % number) for number in range(10**6)),
    "100 MB": MODEL + b"\x0a" * 10**8,
}


@pytest.fixture(scope="module")
def spelled(tmp_path_factory, text):
    """A directory of runs with one whose tokenizer is of this kind."""
    directory = tmp_path_factory.mktemp("spelled")
    (directory / "words.txt").write_text(text)
    shape = {"layers": 1, "hidden": 8, "embed": 8, "seq_len": 16, "batch_size": 8, "steps": 1}
    options = {"tokenizer": "sentencepiece", "tokenizer_options": {"vocab_size": "400"}}
    charrnn.train(directory / "words.txt", name="words", checkpoints=directory / "runs", **options, **shape)
    return directory / "runs"


class TestSentencePiece:
    @pytest.fixture
    def run(self, spelled):
        shutil.copytree(spelled / "words", "checkpoints/words")
        return Path("checkpoints/words")

    @pytest.mark.parametrize("content", HOSTILE_MODELS.values(), ids=HOSTILE_MODELS.keys())
    def test_what_is_no_model_is_refused(self, content, run):
        (run / "tokenizer" / "sentencepiece.model").write_bytes(content)
        forge_config(run, lambda content: None)
        assert "sentencepiece.model is damaged: " in refused("sample", "words", "--prompt", "the cat", "--length", 5)

    def test_the_largest_model_is_within_the_bounds(self, run):
        more = b"".join(piece(b"%x." % number) for number in range(MOST_PIECES - PIECES.vocab_size))
        (run / "tokenizer" / "sentencepiece.model").write_bytes(MODEL + more)
        forge_config(run, lambda content: None)
        assert f"its tokenizer has {MOST_PIECES} tokens" in refused("sample", "words", "--length", 5)

    def test_rules_that_rewrite_a_text_do_not_reach_the_library(self, tmp_path):
        """Here that every character is a megabyte, and a text to try that on while it loads."""
        rules = field(3, field(1, b"evil") + field(2, b"\x04\0\0\0\0\0\0\0" + b"x" * 10**6) + b"\x18\1\x20\1")
        tried = field(4, field(1, field(1, b"a" * 1000) + field(2, b"b")))
        (tmp_path / "sentencepiece.model").write_bytes(PIECES._model + rules + tried + field(5, b"\x0a\x04evil"))
        loaded = SentencePieceTokenizer.load(tmp_path)
        text = "  the cat  sat on a\u2581log \n"
        assert loaded.encode(text).tolist() == PIECES.encode(text).tolist()
        assert loaded.decode(loaded.encode(text)) == text

    def test_no_byte_that_is_changed_does_harm(self, tmp_path):
        """Some bytes at a time: what comes of it is told, or a tokenizer that reads any text into its own ids."""
        import random

        chance, told = random.Random(0), 0
        for _ in range(300):
            content = bytearray(PIECES._model)
            for _ in range(chance.choice((1, 3, 10))):
                content[chance.randrange(len(content))] = chance.randrange(256)
            (tmp_path / "sentencepiece.model").write_bytes(content)
            try:
                loaded = SentencePieceTokenizer.load(tmp_path)
            except RunError:
                told += 1
                continue
            ids = loaded.encode("the cat\nsat θεά \u2581\x00")
            assert all(0 <= each < loaded.vocab_size for each in ids)
            assert isinstance(loaded.decode(ids), str)
        assert 0 < told < 300


HOSTILE_TOML = {
    "nothing but a name": b".".join([b"a"] * 49_000) + b" = 1",
    "a table's name": b"[" + b".".join([b"a"] * 49_000) + b"]",
    "tables in tables": b"\n".join(b"[" + b".".join([b"a"] * size) + b"]" for size in range(1, 300)),
    "nested lists": b"a = " + b"[" * 90_000,
    "nested tables": b"a = " + b"{a = " * 19_000,
    "100 MB of a name": b".".join([b"a"] * 5 * 10**7) + b" = 1",
    "100 MB of lists": b"a = [" + b"[]," * 33_000_000 + b"]",
    "a number of many digits": b"a = " + b"9" * 90_000,
    "a number of many hexadecimal digits": b"streamed = 0x" + b"f" * 90_000,
    "no number": b"a = nan",
    "a key twice": b"a = 1\na = 2",
    "bytes that are no text": b"a = '\xff'",
    "another encoding": "a = 1".encode("utf-16"),
    "an escape sequence": b'"\\u001b]0;owned\\u0007" = 1',
    "a range of many digits": b"splits = {train = 'train[0:" + b"9" * 5000 + b"]'}",
}
REQUIRED = b'summary = "s"\nsource = "hub"\ndataset = "a/b"\nlicence = "l"\nlanguage = "l"\nsize = "s"\n'


class TestRecipe:
    @pytest.mark.parametrize("content", HOSTILE_TOML.values(), ids=HOSTILE_TOML.keys())
    def test_what_is_none_is_refused(self, content):
        Path("corpora").mkdir()
        Path("corpora/hostile.toml").write_bytes(REQUIRED + content)
        code, said = opened("corpora", "check", "corpora/hostile.toml")
        assert code == 1
        assert len(said.splitlines()) == 2
        assert "\x1b" not in said
        assert "corpora/hostile.toml" in refused("corpora", "build", "hostile")
        # It is in the way of nothing else.
        code, said = opened("corpora", "list")
        assert code == 0
        assert "pystdlib" in said

    @pytest.mark.parametrize("device", ["/dev/zero", None])
    def test_a_device_or_a_pipe_is_not_waited_for(self, device):
        Path("corpora").mkdir()
        if device is None:
            os.mkfifo("corpora/hostile.toml")
        else:
            Path("corpora/hostile.toml").symlink_to(device)
        assert "no regular file" in refused("corpora", "build", "hostile")


class TestSettings:
    @pytest.mark.parametrize("content", HOSTILE_TOML.values(), ids=HOSTILE_TOML.keys())
    def test_what_are_none_are_refused(self, content, text_file, cli):
        """Read by what reads a recipe, whose time and memory are measured above."""
        Path("hostile.toml").write_bytes(content)
        result = cli("train", text_file, "--config", "hostile.toml")
        assert result.code == 2
        assert result.told
        assert "\x1b" not in result.err
        assert not Path("checkpoints").exists()

    def test_a_device_is_not_read_to_its_end(self, text_file):
        assert "larger than" in refused("train", text_file, "--config", "/dev/zero", most=MOST_WITH_TORCH)

    def test_a_pipe_that_a_shell_makes_is_read(self, text_file, cli):
        reading, writing = os.pipe()
        os.write(writing, b"steps = 1\nhidden = 5\n")
        os.close(writing)
        trained = cli("train", text_file, *TINY[:4], "--config", f"/dev/fd/{reading}", "--name", "mine")
        os.close(reading)
        assert trained.code == 0, trained.err
        assert cli("runs", "show", "mine", "--json").json()["settings"]["hidden"] == 5
