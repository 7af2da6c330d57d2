"""The text of rows: a column or a template, all rows or some, and what is told where that cannot be."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import json
import string
from contextlib import suppress

import datasets
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.corpora.local.csv_rows import CsvRows
from charrnn.corpora.resolve import open_corpus
from charrnn.corpora.rows.sources import DatasetRows
from charrnn.corpora.rows.template import Template
from charrnn.corpora.rows.texts import text_column, texts
from charrnn.errors import CorpusError, UsageError
from charrnn.settings import CorpusSettings

ROWS = [
    {"title": "One", "body": "first", "lang": "en", "year": 2001, "open": True},
    {"title": "Two", "body": "second", "lang": "de", "year": 2002, "open": False},
    {"title": "Three", "body": None, "lang": "de", "year": None, "open": True},
    {"title": None, "body": "", "lang": "fr", "year": 2004, "open": None},
]


def rows_of(rows=ROWS, features=None):
    return datasets.Dataset.from_list(rows, features=features)


def both_kinds(rows=ROWS, features=None):
    dataset = rows_of(rows, features)
    return [dataset, dataset.to_iterable_dataset()]


def read(dataset, whole=True, **settings):
    return list(texts(DatasetRows(dataset, "some/rows"), CorpusSettings(**settings), whole=whole))


def read_file(address, **settings):
    return "".join(open_corpus(str(address), CorpusSettings(**settings)).read("train"))


@pytest.fixture(params=["parquet", "csv", "tsv", "jsonl", "arrow"])
def rows_file(request, tmp_path):
    path = tmp_path / f"rows.{request.param}"
    rows = [{key: row[key] for key in ("title", "body", "lang", "year")} for row in ROWS[:2]]
    if request.param == "parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif request.param == "arrow":
        table = pyarrow.Table.from_pylist(rows)
        with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    elif request.param == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if request.param == "tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path


def test_template_and_filter_in_every_format(rows_file):
    assert read_file(rows_file, template="{title} ({year}): {body}") == "One (2001): first\nTwo (2002): second"
    assert read_file(rows_file, column="body", filter={"lang": "de"}) == "second"
    assert read_file(rows_file, column="body", filter={"lang": "en", "year": "2001"}) == "first"
    with pytest.raises(CorpusError, match="no column 'titel': did you mean 'title'"):
        read_file(rows_file, template="{titel}")
    with pytest.raises(CorpusError, match="no column 'langs': did you mean 'lang'"):
        read_file(rows_file, column="body", filter={"langs": "de"})
    with pytest.raises(CorpusError, match=r"--filter lang=dee: no row of 'rows\.\w+' has that.*did you mean 'de'"):
        read_file(rows_file, column="body", filter={"lang": "dee"})


def test_nulls_and_empty_rows_are_passed_over():
    for dataset in both_kinds():
        assert read(dataset, column="body") == ["first", "second"]
        assert read(dataset, column="title") == ["One", "Two", "Three"]
        # In a template a null is empty; where all of it is, there is no text.
        assert read(dataset, template="{title}:{body}") == ["One:first", "Two:second", "Three:"]


def test_values_in_a_template_are_written_plainly():
    row = {
        "n": 3,
        "x": 0.5,
        "yes": True,
        "day": datetime.date(2024, 5, 1),
        "kind": 1,
        "none": 0,
        "t": "{n}",
    }
    features = datasets.Features(
        {
            "n": datasets.Value("int32"),
            "x": datasets.Value("float64"),
            "yes": datasets.Value("bool"),
            "day": datasets.Value("date32"),
            "kind": datasets.ClassLabel(names=["bad", "good"]),
            "none": datasets.ClassLabel(names=["bad", "good"]),
            "t": datasets.Value("string"),
        }
    )
    for dataset in both_kinds([row], features):
        template = "{{{n}}} {x} {yes} {day} {kind} {none} {t}"
        assert read(dataset, template=template) == ["{3} 0.5 true 2024-05-01 good bad {n}"]


@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        ({"lang": "de"}, ["Two", "Three"]),
        ({"lang": "de", "open": "TRUE"}, ["Three"]),
        ({"open": "False"}, ["Two"]),
        ({"open": True}, ["One", "Three"]),  # as a recipe's TOML has it
        ({"year": "2001"}, ["One"]),
        ({"year": 2001}, ["One"]),
        ({"year": ""}, ["Three"]),
        ({"body": "first", "lang": "en", "year": "2001", "open": "true"}, ["One"]),
    ],
)
def test_all_conditions_of_a_filter_hold(asked, titles):
    for dataset in both_kinds():
        assert read(dataset, column="title", filter=asked) == titles


def test_class_labels_are_known_by_name_and_number():
    features = datasets.Features(
        {"text": datasets.Value("large_string"), "kind": datasets.ClassLabel(names=["bad", "good"])}
    )
    for dataset in both_kinds([{"text": "a", "kind": 0}, {"text": "b", "kind": 1}], features):
        assert read(dataset) == ["a", "b"]
        assert read(dataset, filter={"kind": "good"}) == read(dataset, filter={"kind": "1"}) == ["b"]
        with pytest.raises(CorpusError, match="column 'kind' of 'some/rows' holds class_label, not text"):
            read(dataset, column="kind")
        with pytest.raises(CorpusError, match="values of kind: did you mean 'good'"):
            read(dataset, filter={"kind": "goood"})


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view"])
def test_every_type_of_text(kind, tmp_path):
    assert text_column({"id": "int64", "words": kind}, None, "x") == "words"
    array = pyarrow.array(["a", None, "b"], type=getattr(pyarrow, kind)())
    pyarrow.parquet.write_table(pyarrow.table({"words": array, "id": [1, 2, 3]}), tmp_path / "t.parquet")
    assert read_file("t.parquet") == "a\nb"


@pytest.mark.parametrize(
    ("column", "kind"), [("n", "int64"), ("l", "List"), ("s", "struct"), ("b", "bool"), ("f", "float64")]
)
def test_columns_of_something_else_are_told_with_their_type(column, kind):
    row = {"n": 1, "l": ["a"], "s": {"a": "x"}, "b": True, "f": 0.5, "title": "t", "body": "b"}
    for dataset in both_kinds([row]):
        message = f"column '{column}' of 'some/rows' holds {kind}, not text; columns of text: title, body"
        with pytest.raises(CorpusError, match=message):
            read(dataset, column=column)
    if kind in ("List", "struct"):
        for settings in ({"template": f"{{{column}}}"}, {"column": "title", "filter": {column: "a"}}):
            with pytest.raises(CorpusError, match=rf"--\w+: column '{column}' of 'some/rows' holds {kind}, no text"):
                read(rows_of([row]), **settings)


def test_types_that_show_only_in_the_rows(tmp_path):
    """A stream of JSON knows its columns by what is in them."""
    rows = [{"text": None, "n": 1}] * 3 + [{"text": "x", "n": 1}]
    (tmp_path / "late.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert read_file("late.jsonl") == "x"
    (tmp_path / "lists.jsonl").write_text('{"text": ["a"], "title": "t"}')
    with pytest.raises(CorpusError, match=r"column 'text' of 'lists\.jsonl' holds List, not text.*: title"):
        read_file("lists.jsonl", column="text")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"column": "title", "template": "{title}"}, "--column title and --template cannot both be given"),
        ({"template": "no column"}, "names no column; write one in braces"),
        ({"template": "{title"}, "write a literal brace twice"),
        ({"template": "title}"}, "write a literal brace twice"),
        ({"template": "{}"}, "only a plain name may stand in braces"),
        ({"template": "{title!r}"}, "only a plain name may stand in braces"),
        ({"template": "{title:>5}"}, "only a plain name may stand in braces"),
        ({"template": "{title:{body}}"}, "only a plain name may stand in braces"),
    ],
)
def test_templates_that_cannot_be(settings, message):
    for dataset in both_kinds():
        with pytest.raises(UsageError, match=message) as told:
            read(dataset, **settings)
        assert "\n" not in str(told.value)


def test_a_template_reaches_nothing_but_columns():
    for template in ("{title.__class__}", "{title[0]}"):
        with pytest.raises(CorpusError, match="no column 'title"):
            read(rows_of(), template=template)
    dotted = rows_of([{"a.b": "x", "two words": "y"}])
    assert read(dotted, template="{a.b} {two words}") == ["x y"]


def test_a_filter_may_leave_a_part_of_the_rows_empty():
    assert read(rows_of(ROWS[:1]), whole=False, column="title", filter={"lang": "de"}) == []
    with pytest.raises(CorpusError, match="no row of 'some/rows' has that; values of lang: there are: en"):
        read(rows_of(ROWS[:1]), column="title", filter={"lang": "xx"})
    nothing = datasets.Dataset.from_dict({"text": []}, datasets.Features({"text": datasets.Value("string")}))
    assert read(nothing, filter={"text": "x"}) == []


def test_only_the_columns_that_are_needed_are_read():
    class Watched:
        features = rows_of().features

        def select_columns(self, columns):
            self.columns = columns
            return rows_of().select_columns(columns)

    watched = Watched()
    for settings, columns in [
        ({"column": "title"}, ["title"]),
        ({"template": "{body}{title}{body}", "filter": {"lang": "en", "title": "One"}}, ["body", "title", "lang"]),
    ]:
        read(watched, **settings)
        assert watched.columns == columns


def test_the_flags_of_the_command_line(tmp_path, cli):
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS[:3])))
    built = cli("corpora", "build", "rows.jsonl", "--template", r"{title}\n{body}", "--filter", "lang=de", "--json")
    assert built.json()["splits"]["train"]["chars"] == len("Two\nsecond\nThree\n")
    both = cli("corpora", "build", "rows.jsonl", "--template", "{title}", "--column", "title")
    assert both.code == 2
    assert "cannot both be given" in both.told
    none = cli("corpora", "build", "rows.jsonl", "--column", "title", "--filter", "lang=xx")
    assert none.code == 1
    assert "values of lang: there are: de, en" in none.told


NAMES = st.text(string.ascii_letters + "_ .é漢", min_size=1, max_size=6)
LITERALS = st.text(max_size=8)


@given(st.lists(st.tuples(LITERALS, NAMES), max_size=5), LITERALS, st.dictionaries(NAMES, st.text()))
def test_a_template_is_what_it_was_made_of(parts, end, some):
    def doubled(text):
        return text.replace("{", "{{").replace("}", "}}")

    values = {**{name: f"<{name}>" for _, name in parts}, **some}
    written = "".join(f"{doubled(literal)}{{{name}}}" for literal, name in parts) + doubled(end)
    template = Template(written, "--template")
    assert template.fill(values) == "".join(literal + values[name] for literal, name in parts) + end
    assert list(template.names) == list(dict.fromkeys(name for _, name in parts))


@given(st.text("{}ab!:.[]"))
def test_any_text_is_a_template_or_is_refused(text):
    with suppress(UsageError):
        template = Template(text, "--template")
        assert all(template.names)
        template.fill(dict.fromkeys(template.names, ""))


class TestCsv:
    """A cell is text, as it stands."""

    @pytest.mark.parametrize(
        ("content", "settings", "text"),
        [
            ("text,title\nfoo,x,\nbar,y,\n", {"column": "text"}, "foo\nbar"),  # a comma at each row's end
            ("text,n\n007,1\n1e5,NA\n", {"template": "{text} {n}"}, "007 1\n1e5 NA"),
            ("text\n1\n2.50\n", {}, "1\n2.50"),
            (
                'text,b\n"two\r\nlines, and a ""quote""",1\n\nlast\n',
                {"column": "text"},
                'two\r\nlines, and a "quote"\nlast',
            ),
            ('a;text\n1;"x; y"\n', {"column": "text"}, "x; y"),
            ("a|text\n1|x, y\n", {"column": "text"}, "x, y"),
            ("\ufefftext\nwith a mark before\n", {}, "with a mark before"),
            ("text\nno newline at the end", {}, "no newline at the end"),
        ],
    )
    def test_is_read_as_it_stands(self, content, settings, text, tmp_path):
        (tmp_path / "rows.csv").write_bytes(content.encode())
        assert read_file("rows.csv", **settings) == text
        (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(content.encode()))
        assert read_file("rows.csv.gz", **settings) == text

    def test_tabs_and_encodings(self, tmp_path):
        (tmp_path / "rows.tsv").write_bytes("text\tn\nGrüße, alle\t1\n".encode("latin-1"))
        assert read_file("rows.tsv", column="text", encoding="latin-1") == "Grüße, alle"
        with pytest.raises(CorpusError, match="byte 0xfc at offset 9"):
            read_file("rows.tsv", column="text")

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("text,title\nfoo,x,extra\n", "has 3 cells in line 2, and 2 columns in its first"),
            ('text\n"never ends\n', "cannot be read as csv, in line 2: unexpected end of data"),
            ("text,text\na,b\n", "names two columns 'text'"),
        ],
    )
    def test_what_is_wrong_is_told_with_its_line(self, content, told, tmp_path):
        (tmp_path / "rows.csv").write_text(content)
        with pytest.raises(CorpusError, match=told):
            read_file("rows.csv", column="text")

    @given(st.lists(st.lists(st.text(st.sampled_from("ab\",;\n\r'")), min_size=2, max_size=2), min_size=1, max_size=5))
    def test_what_python_writes_is_read(self, cells):
        written = io.StringIO(newline="")
        csv.writer(written).writerows([["one", "two"], *cells])
        pieces = [written.getvalue()[at : at + 3] for at in range(0, len(written.getvalue()), 3)]
        rows = CsvRows("rows.csv", lambda: iter(pieces), tabs=False)
        found = [
            list(row) for batch in rows.batches(["one", "two"]) for row in zip(*batch.to_pydict().values(), strict=True)
        ]
        assert found == cells


def test_values_of_several_types_are_told(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"text": "a"}\n{"text": 5}\n')
    with pytest.raises(CorpusError, match=r"only: text \(values of several types\)"):
        read_file("rows.jsonl")


def test_a_condition_on_one_column_twice_is_refused(tmp_path, cli):
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS[:3])))
    arguments = ["corpora", "build", "rows.jsonl", "--column", "title"]
    assert "is given as 'en' and as 'de'" in cli(*arguments, "--filter", "lang=en", "--filter", "lang=de").told
