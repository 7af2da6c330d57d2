"""Corpora: what CORPUS can be, and that a pack holds the very text."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from charrnn.corpora.base import Corpus
from charrnn.corpora.local.files import without_place
from charrnn.corpora.pieces import joined, joined_streams
from charrnn.corpora.prepare import prepare
from charrnn.corpora.recipe.file import recipes
from charrnn.corpora.recipe.split_map import SplitMap, SplitPart
from charrnn.corpora.resolve import open_corpus
from charrnn.corpora.rewritten import Rewritten
from charrnn.corpora.streaming.held_back import HeldBack, Sample
from charrnn.errors import CharrnnError, CorpusError
from charrnn.plugins import plugins
from charrnn.settings import CorpusSettings, PreparationSettings
from tests.conftest import TINY

SETTINGS = CorpusSettings()
ROWS = [{"title": "One", "text": "first row"}, {"title": "Two", "text": "second\nrow"}, {"title": "Three", "text": ""}]
JOINED = "first row\nsecond\nrow"


def read(address, **settings):
    return "".join(open_corpus(str(address), CorpusSettings(**settings)).read("train"))


def packed(address, **settings):
    return prepare(str(address), PreparationSettings(**settings), lambda *_: None)


def test_text_plain_and_packed(tmp_path):
    text = "plain\r\ntext, kept as it is\n"
    (tmp_path / "a.txt").write_bytes(text.encode())
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "a.txt.zst").write_bytes(zstandard.compress(text.encode()))
    assert read("a.txt") == read("a.txt.gz") == read("a.txt.zst") == text


def test_a_byte_order_mark_is_no_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfhello\n")
    assert read("a.txt") == "hello\n"


def test_a_folder_of_very_many_files_is_summed_up_and_not_listed(tmp_path, cli):
    for folder, change in (("one", ""), ("copy", ""), ("other", "longer")):
        (tmp_path / folder).mkdir()
        for number in range(1001):
            (tmp_path / folder / f"{number}.txt").write_text(f"text {number}\n" + change * (number == 500))
    one, copy, other = (open_corpus(folder, SETTINGS).provenance() for folder in ("one", "copy", "other"))
    assert one["files"] == 1001
    assert one != copy
    assert without_place(one) == without_place(copy) != without_place(other)
    assert cli("train", "one", "--name", "many", "--steps", 2, *TINY).code == 0
    assert Path("checkpoints/many/config.json").stat().st_size < 10_000
    assert cli("sample", "many", "--length", 5).code == 0


@pytest.mark.parametrize("files", [None, 7, "many", [1], [["a.txt", 1]], [[1, 2, 3]]])
def test_files_that_a_stranger_lists_are_taken_as_they_are(files):
    assert without_place({"source": "files", "files": files}).get("files") == files


def test_folders_and_globs_in_the_order_of_names(tmp_path):
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "b.txt").write_text("second, without an end")
    (folder / "a.txt").write_text("first\n")
    (folder / "sub" / "c.txt").write_text("third\n")
    (folder / ".hidden").write_text("no")
    (folder / "picture.png").write_bytes(b"\x89PNG\0")
    (folder / "empty.txt").write_text("")
    assert read("folder") == "first\nsecond, without an end\nthird\n"
    assert read("folder/*.txt") == "first\nsecond, without an end"
    with pytest.raises(CorpusError, match="no text file matches"):
        read("folder/*.md")


def test_rows_of_parquet_csv_and_json(tmp_path):
    columns = {key: [row[key] for row in ROWS] for key in ROWS[0]}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "rows.parquet")
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["title", "text"])
        writer.writeheader()
        writer.writerows(ROWS)
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress((tmp_path / "rows.jsonl").read_bytes()))
    for name in ("rows.parquet", "rows.csv", "rows.jsonl", "rows.jsonl.gz"):
        assert read(name) == JOINED, name
        assert read(name, column="title") == "One\nTwo\nThree"
        assert read(name, separator="|") == "first row|second\nrow"
        with pytest.raises(CorpusError, match="no column 'titel': did you mean 'title'"):
            read(name, column="titel")


def test_columns_that_hold_no_text(tmp_path):
    pyarrow.parquet.write_table(pyarrow.table({"n": [1, 2], "l": [["a"], ["b"]]}), tmp_path / "n.parquet")
    with pytest.raises(CorpusError, match=r"no column of text, only: n \(int64\), l \(List\)"):
        read("n.parquet")
    with pytest.raises(CorpusError, match=r"column 'n' of 'n\.parquet' holds int64, not text"):
        read("n.parquet", column="n")
    pyarrow.parquet.write_table(pyarrow.table({"a": ["x"], "b": ["y"]}), tmp_path / "two.parquet")
    with pytest.raises(CorpusError, match=r"several columns of text: choose one by --column a\|b"):
        read("two.parquet")


@given(st.lists(st.text("ab\n", max_size=4), max_size=6))
def test_the_separator_stands_once_between_documents(documents):
    expected = ""
    for number, document in enumerate(documents):
        if number and not documents[number - 1].endswith("\n"):
            expected += "\n"
        expected += document
    assert "".join(joined(documents, "\n")) == expected


def test_the_standard_library_is_a_corpus():
    corpus = open_corpus("pystdlib", SETTINGS)
    text = "".join(corpus.read("train"))
    assert len(text) > 5_000_000
    assert Path(json.__file__).read_text() in text
    assert corpus.provenance()["licence"] == "PSF-2.0"
    assert abs(corpus.size() - len(text.encode())) < 20_000


def test_a_path_that_is_also_a_name(tmp_path):
    (tmp_path / "pystdlib").write_text("a file of that name")
    assert read("./pystdlib") == "a file of that name"
    assert open_corpus("pystdlib", SETTINGS).provenance()["source"] == "standard library"


def test_every_shipped_recipe_is_one():
    shipped = recipes()
    assert {"pystdlib", "tinyshakespeare"} <= {each.name for each in shipped}
    for recipe in shipped:
        assert not recipe.summary.startswith("broken"), recipe.summary


@pytest.fixture
def fresh_plugins():
    """Have the corpora registered anew, since recipes are read when they are."""
    plugins.cache_clear()
    yield
    plugins.cache_clear()


@pytest.mark.usefixtures("fresh_plugins")
def test_a_broken_recipe_is_told_of_and_the_others_work(tmp_path, cli):
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora" / "mine.toml").write_text('summary = "x"\nsurce = "hub"\n')
    listed = cli("corpora", "list")
    assert "pystdlib" in listed.out
    assert "broken: " in listed.out
    assert "did you mean 'source'" in cli("train", "mine").told


@pytest.mark.usefixtures("fresh_plugins")
def test_a_recipe_in_the_working_directory_overrides(tmp_path, cli):
    (tmp_path / "corpora").mkdir()
    shipped = next(each for each in recipes() if each.name == "pystdlib")
    keys = ("source", "licence", "language", "size")
    lines = [f'{key} = "{getattr(shipped, key)}"' for key in keys]
    (tmp_path / "corpora" / "pystdlib.toml").write_text("\n".join([*lines, 'summary = "mine"']))
    assert "mine" in cli("corpora", "show", "pystdlib").out


def test_build_prints_what_it_made(text_file, text, cli):
    built = cli("corpora", "build", text_file, "--json").json()
    assert built["splits"]["train"]["chars"] == len(text)
    assert (Path(built["directory"]) / "train.bin").stat().st_size == len(text)


def test_standard_input_is_needed_in_a_pipe(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    with pytest.raises(CharrnnError, match="pipe a text in"):
        open_corpus("-", SETTINGS)


@given(
    st.lists(st.lists(st.text("ab\n", max_size=3), max_size=4), max_size=5),
    st.sampled_from(["", "\n", "\n\n", "b\n", "--"]),
)
def test_documents_in_pieces_are_joined_as_whole_ones(streams, separator):
    documents = [text for text in map("".join, streams) if text]
    assert "".join(joined_streams(streams, separator)) == "".join(joined(documents, separator))


def test_a_corpus_says_what_its_text_is_in_any_form():
    """Whatever is made of a corpus is another thing where its own fingerprint is."""

    class Own(Corpus):
        name = "own"

        def __init__(self, version):
            self.version = version

        def splits(self):
            return ("train",)

        def read(self, split):
            yield self.version

        def provenance(self):
            return {"source": "own"}

        def fingerprint(self):
            return self.version

    views = [
        lambda corpus: corpus,
        lambda corpus: Rewritten(corpus, CorpusSettings(newlines="fold")),
        lambda corpus: HeldBack(corpus, 0.1),
        lambda corpus: Sample(corpus, 100),
        lambda corpus: SplitMap(corpus, {"train": SplitPart("train")}, "own"),
    ]
    prints = {view(Own(version)).identity() for view in views for version in ("one", "two")}
    assert len(prints) == 2 * len(views)


def test_a_name_with_a_glob_s_signs_is_a_name(tmp_path):
    (tmp_path / "a[1].jsonl").write_text('{"text": "in brackets"}\n')
    assert read("./a[1].jsonl") == "in brackets"


@pytest.mark.parametrize("encoding", ["idna", "undefined", "rot13", "none-such", "utf-8\0"])
def test_an_encoding_that_is_none_for_files_is_told(encoding, tmp_path):
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(CorpusError, match=f"--encoding '{encoding}' is not known"):
        read("a.txt", encoding=encoding)


def test_what_strangers_wrote_steers_no_terminal(tmp_path, cli):
    assert cli("train", "no\x1b[31mne\n.txt").told == "charrnn: no text file matches 'no␛[31mne .txt'"


def test_a_packed_file_that_breaks_off_is_told(tmp_path):
    """Both kinds may also hold one packed text after another."""
    text = "".join(f"line {number}\n" for number in range(100_000)).encode()
    for suffix, packed in (("gz", gzip.compress(text)), ("zst", zstandard.compress(text))):
        path = tmp_path / f"a.txt.{suffix}"
        path.write_bytes(packed + packed)
        assert read(path.name) == (text + text).decode()
        for size in (len(packed) // 2, len(packed) + 20):
            path.write_bytes((packed + packed)[:size])
            with pytest.raises(CorpusError, match=rf"a\.txt\.{suffix}' cannot be read: .*end"):
                read(path.name)


def test_a_cache_that_cannot_be_written_is_told(tmp_path, cli, monkeypatch):
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "file"))
    told = cli("corpora", "build", "a.txt").told
    assert "cannot be written: " in told
    assert "set CHARRNN_CACHE to another folder" in told

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "full"))
    monkeypatch.setattr("charrnn.corpora.packs.pack.build_pack", full)
    assert "No space left on device in the cache" in cli("corpora", "build", "a.txt").told


def test_modules_of_the_standard_library_are_shuffled_in_a_stream():
    corpus = open_corpus("pystdlib", SETTINGS)
    [shard] = corpus.shards("train")
    assert shard.documents
    assert "".join(joined(shard.read(), "\n")) == "".join(corpus.read("train"))
