"""Recipes: each shipped one against a dataset of its shape, what a file may say, and the commands about them."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.corpora import hub as hub_module
from charrnn.corpora.base import Corpus, Shard
from charrnn.corpora.pieces import byte_range
from charrnn.corpora.recipe.file import read_recipe, recipes, toml
from charrnn.corpora.recipe.recipe import Recipe
from charrnn.corpora.recipe.split_map import SplitMap, SplitPart, parse_part
from charrnn.corpora.resolve import open_corpus
from charrnn.corpora.statistics import measure
from charrnn.errors import CharrnnError, CorpusError, CorpusWarning, UsageError
from charrnn.plugins import plugins
from charrnn.presets import epoch_seconds
from charrnn.settings import CorpusSettings
from tests.conftest import parquet
from tests.hub import Repository, StandInHub

CONVERTED = "refs/convert/parquet"
SHIPPED = Path(__file__).parents[2] / "corpora"
LOCAL = {"pystdlib", "pydoc-topics"}
#: 100 bytes in which each of the cuts of enwik8, scaled by a million, falls into a character of three bytes.
SMALL = "x" * 89 + "漢" + "y" + "語" + "é" * 2
SPLITS = ("train", "validation", "test")


def converted(configs):
    """Make a repository as the hub converts one: a folder a configuration, in it a folder a split."""
    files = {f"{config}/{split}/0000.parquet": parquet(**rows) for (config, split), rows in configs.items()}
    return Repository(files, refs={"main", CONVERTED})


def declared(configs):
    """Make one whose card declares its configurations."""
    card = "---\nconfigs:\n"
    files = {}
    for config, splits in configs.items():
        card += f"- config_name: {config}\n  data_files:\n"
        for split, rows in splits.items():
            files[f"{config}/{split}-00000-of-00001.parquet"] = parquet(**rows)
            card += f"  - split: {split}\n    path: {config}/{split}-*\n"
    return Repository({"README.md": f"{card}---\n".encode(), **files})


REPOSITORIES = {
    "karpathy/tiny_shakespeare": converted({("default", s): {"text": [f"ROMEO:\n{s}\n"]} for s in SPLITS}),
    "LTCB/enwik8": converted(
        {("enwik8", "train"): {"text": ["stripped"] * 3}, ("enwik8-raw", "train"): {"text": [SMALL]}}
    ),
    "afmck/text8": Repository({f"data/{s}-00000-of-00001.parquet": parquet(text=[f" some {s}"]) for s in SPLITS}),
    "ptb-text-only/ptb_text_only": converted(
        {("penn_treebank", s): {"sentence": ["no it was n't", f"<unk> in {s}"]} for s in SPLITS}
    ),
    "Salesforce/wikitext": declared(
        {
            f"wikitext-{size}{raw}-v1": {s: {"text": ["", f" = {size}{raw} = \n", f" in {s} \n"]} for s in SPLITS}
            for size in (2, 103)
            for raw in ("", "-raw")
        }
    ),
    "roneneldan/TinyStories": declared(
        {"default": {s: {"text": ["Once.", "Twice.\nMore."]} for s in ("train", "validation")}}
    ),
    "wikimedia/wikipedia": declared(
        {
            f"20231101.{language}": {
                "train": {"id": ["1", "2"], "url": ["u", "v"], "title": ["A", "B"], "text": [language, "zwei"]}
            }
            for language in ("en", "de")
        }
    ),
    "larryvrh/Chinese-Poems": Repository(
        {
            "data/train-00000-of-00001.parquet": parquet(
                dynasty=["唐", "唐"],
                author=["李白", "杜甫"],
                title=["靜夜思", "春望"],
                content=["床前明月光", "國破山河在"],
            )
        }
    ),
    "codeparrot/codeparrot-clean-valid": Repository(
        {
            "file-000000000054.json.gz": gzip.compress(
                "\n".join(
                    json.dumps({"repo_name": "a/b", "size": "9", "content": code, "license": "mit"})
                    for code in ("import os\n", "x = 1\n")
                ).encode()
            )
        }
    ),
    "some/valid": declared({"default": {s: {"text": [s], "title": ["T"]} for s in ("train", "valid")}}),
}

READ = {
    "tinyshakespeare": {s: f"ROMEO:\n{s}\n" for s in SPLITS},
    "enwik8": {"train": SMALL, "validation": "", "test": ""},
    "text8": {s: f" some {s}" for s in SPLITS},
    "ptb": {s: f"no it was n't\n<unk> in {s}" for s in SPLITS},
    "wikitext-2": {s: f" = 2-raw = \n in {s} \n" for s in SPLITS},
    "wikitext-103": {s: f" = 103-raw = \n in {s} \n" for s in SPLITS},
    "tinystories": dict.fromkeys(("train", "validation"), "Once.\n\nTwice.\nMore."),
    "wikipedia": {"train": "en\n\n\nzwei"},
    "chinese-poetry": {"train": "床前明月光\n\n國破山河在"},
    "python-code": {"train": "import os\n\n\nx = 1\n"},
}

#: Opens corpora in a process of its own, since the client reads where the hub is once; prints text and provenance.
PROBE = """
import json, sys, warnings
from charrnn.corpora.resolve import open_corpus
from charrnn.errors import CharrnnError
from charrnn.settings import CorpusSettings
warnings.simplefilter("ignore")
found = []
for name, settings in json.loads(sys.argv[1]):
    try:
        corpus = open_corpus(name, CorpusSettings(**settings))
        texts = {split: "".join(corpus.read(split)) for split in corpus.splits()}
        found.append({"texts": texts, "provenance": corpus.provenance(), "streamed": corpus.streamed,
                      "separator": corpus.separator})
    except CharrnnError as error:
        found.append({"error": str(error), "code": error.exit_code})
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def small_hub():
    with StandInHub(REPOSITORIES) as running:
        yield running


@pytest.fixture(scope="module")
def hub_environment(small_hub, tmp_path_factory):
    home = str(tmp_path_factory.mktemp("hf"))
    return {"HF_ENDPOINT": small_hub.url, "HF_HOME": home, "HF_HUB_OFFLINE": "", "HF_TOKEN": ""}


@pytest.fixture(scope="module")
def opened(hub_environment):
    def call(*asked, cwd="."):
        ran = subprocess.run(
            [sys.executable, "-c", PROBE, json.dumps(asked)],
            capture_output=True,
            text=True,
            cwd=cwd,
            env={**os.environ, **hub_environment},
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return call


@pytest.fixture(scope="module")
def shipped(opened):
    names = [recipe.name for recipe in recipes() if recipe.name not in LOCAL]
    return dict(zip(names, opened(*[(name, {}) for name in names]), strict=True))


@pytest.fixture
def own(tmp_path):
    """Write a recipe into ./corpora."""
    (tmp_path / "corpora").mkdir()

    def write(name, content):
        if not content.startswith("summary"):
            content = f'summary = "s"\nlicence = "l"\nlanguage = "l"\nsize = "s"\n{content}'
        path = Path("corpora", f"{name}.toml")
        path.write_text(content)
        plugins.cache_clear()
        return path

    yield write
    plugins.cache_clear()


def test_every_shipped_recipe_is_tried():
    assert {recipe.name for recipe in recipes()} == {*READ, *LOCAL}


@pytest.mark.parametrize("name", READ)
def test_a_shipped_recipe_reads_its_dataset(name, shipped):
    corpus = shipped[name]
    assert corpus.get("texts") == READ[name], corpus.get("error")
    recipe = read_recipe(SHIPPED / f"{name}.toml")
    provenance = corpus["provenance"]
    assert provenance["requested_revision"] == recipe.revision
    assert provenance["resolved_revision"] == REPOSITORIES[recipe.dataset].sha
    assert corpus["streamed"] == (name == "wikipedia")


def test_enwik8_is_cut_at_bytes_and_between_characters(own, opened, tmp_path):
    """The shipped recipe with its numbers scaled by a million."""
    own("small8", (SHIPPED / "enwik8.toml").read_text().replace("_000_000", ""))
    [corpus] = opened(("small8", {}), cwd=tmp_path)
    assert len(SMALL.encode()) == 100
    assert corpus["texts"] == {"train": "x" * 89 + "漢", "validation": "y語", "test": "éé"}
    assert "".join(corpus["texts"].values()) == SMALL
    assert corpus["provenance"]["splits"]["validation"] == ["train", 90, 95]
    shipped = read_recipe(SHIPPED / "enwik8.toml").splits
    ranges = [(part.start, part.stop) for part in map(parse_part, shipped.values())]
    assert ranges == [(0, 90_000_000), (90_000_000, 95_000_000), (95_000_000, 100_000_000)]


def test_wikipedia_in_another_language(opened, hub_environment, program):
    german, wrong, none = opened(
        ("wikipedia", {"corpus_options": {"language": "de"}}),
        ("wikipedia", {"corpus_options": {"langage": "de"}}),
        ("text8", {"corpus_options": {"language": "de"}}),
    )
    assert german["texts"] == {"train": "de\n\n\nzwei"}
    assert german["provenance"]["config"] == "20231101.de"
    assert wrong == {"error": "corpus 'wikipedia' has no option 'langage': did you mean 'language'?", "code": 2}
    assert none == {"error": "corpus 'text8' has no option 'language': there are none", "code": 2}
    shown = program("corpora", "show", "wikipedia", "--corpus-option", "language=de", "--json", env=hub_environment)
    assert shown.json()["parameters"] == {"language": "en"}
    assert shown.json()["text"]["start"].startswith("de\n")


def test_options_are_refused_where_none_are_taken(text_file, cli):
    for address in (text_file, "hf:some/rows"):
        result = cli("corpora", "build", address, "--corpus-option", "language=de")
        assert result.code == 2
        assert f"--corpus-option language=de: '{address}' takes none" in result.told


def test_a_plugin_s_corpus_takes_options(tmp_path, cli):
    (tmp_path / "mine.py").write_text(
        "from charrnn import Corpus, hookimpl\n"
        "class Counting(Corpus):\n"
        "    name = 'counting'\n"
        "    def __init__(self, settings, numbers: int = 50, word='n'):\n"
        "        self.numbers, self.word = numbers, word\n"
        "    def splits(self): return ('train',)\n"
        "    def read(self, split): yield self.word * self.numbers\n"
        "    def provenance(self): return {'numbers': self.numbers, 'word': self.word}\n"
        "def made(settings, *, numbers: int = 3): return Counting(settings, numbers)\n"
        "@hookimpl\n"
        "def register_corpora(register):\n"
        "    register('counting', Counting)\n"
        "    register('made', made)\n"
    )

    def chars(name, *options):
        built = cli("corpora", "build", "--plugin", "mine.py", name, "--json", *options)
        return built.json()["splits"]["train"]["chars"] if built.code == 0 else built

    assert chars("counting") == 50
    assert chars("counting", "--corpus-option", "numbers=7", "--corpus-option", "word=xy") == 14
    assert chars("made", "--corpus-option", "numbers=5") == 5
    wrong = chars("counting", "--corpus-option", "number=7")
    assert wrong.code == 2
    assert "corpus 'counting' has no option 'number': did you mean 'numbers'" in wrong.told
    assert "numbers=x of corpus 'counting'" in chars("counting", "--corpus-option", "numbers=x").told
    options = cli("plugins", "show", "--plugin", "mine.py", "counting", "--json").json()[0]
    assert options["flag"] == "--corpus-option"
    assert [each["name"] for each in options["options"]] == ["numbers", "word"]
    assert cli("plugins", "check", "--plugin", "mine.py", "counting", "--option", "numbers=9").code == 0
    assert [each["name"] for each in cli("plugins", "show", "wikipedia", "--json").json()[0]["options"]] == ["language"]


def test_what_is_asked_for_overrides_the_recipe(own, opened, tmp_path):
    hub = 'source = "hub"\ndataset = "larryvrh/Chinese-Poems"\n'
    own("titled", hub + 'template = "{title}:{content}"\nfilter = {dynasty = "唐", author = "李白"}\n')
    own("text8", hub + 'column = "author"\nseparator = ", "\n')
    found = opened(
        ("titled", {}),
        ("titled", {"column": "title"}),
        ("titled", {"template": "{author}", "filter": {"author": "杜甫"}}),
        ("text8", {}),
        ("text8", {"template": "{author}!", "separator": " "}),
        ("text8", {"column": "contents"}),
        cwd=tmp_path,
    )
    texts = [each.get("texts", {}).get("train") for each in found]
    assert texts == ["靜夜思:床前明月光", "靜夜思", "杜甫", "李白, 杜甫", "李白! 杜甫!", None]
    assert "no column 'contents': did you mean 'content'" in found[-1]["error"]  # the recipe is not to blame


def test_a_recipe_that_is_out_of_date_says_so(own, opened, tmp_path):
    own("stale", 'source = "hub"\ndataset = "some/valid"\n[splits]\ntrain = "train"\nvalidation = "validation"\n')
    own(
        "mended", 'source = "hub"\ndataset = "some/valid"\ncolumn = "text"\n[splits]\ntrain = "valid"\ntest = "train"\n'
    )
    own("renamed", 'source = "hub"\ndataset = "some/valid"\ncolumn = "txt"\n')
    stale, mended, renamed = opened(("stale", {}), ("mended", {}), ("renamed", {}), cwd=tmp_path)
    assert "the recipe 'stale' is out of date: it takes 'validation' from a split 'validation'" in stale["error"]
    assert "the splits are train, valid; mend [splits] in corpora/stale.toml" in stale["error"]
    assert mended["texts"] == {"train": "valid", "test": "train"}
    assert "column 'txt'" in renamed["error"]
    assert "text" in renamed["error"].split("'txt'")[1]


def test_a_recipe_warns_where_it_should(hub_environment, program):
    shown = program("corpora", "show", "ptb", env=hub_environment)
    assert shown.code == 0
    assert "charrnn: warning: corpus 'ptb': the text is the Penn Treebank's" in shown.told
    assert "LDC" in shown.out


def test_the_warning_is_of_a_category_of_ours(own):
    own("mine", 'source = "pydoc-topics"\nwarning = "mind this"\n')
    with pytest.warns(CorpusWarning, match="corpus 'mine': mind this"):
        open_corpus("mine", CorpusSettings())


def test_the_help_texts_of_python_are_a_corpus():
    from pydoc_data.topics import topics

    corpus = open_corpus("pydoc-topics", CorpusSettings())
    text = "".join(corpus.read("train"))
    assert all(topic in text for topic in topics.values())
    assert abs(corpus.size() - len(text.encode())) < len(topics) + 1
    assert corpus.provenance()["licence"] == "PSF-2.0"
    assert corpus.fingerprint() == open_corpus("pydoc-topics", CorpusSettings()).fingerprint()
    assert corpus.fingerprint() != open_corpus("pydoc-topics", CorpusSettings(separator="|")).fingerprint()


def test_the_standard_library_names_its_python_and_its_files():
    provenance = open_corpus("pystdlib", CorpusSettings()).provenance()
    assert provenance["python"] == ".".join(map(str, sys.version_info[:3]))
    assert provenance["files"] > 500
    assert len(provenance["sha256"]) == 64


HUB = 'source = "hub"\ndataset = "a/b"\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "source is missing"),
        ('source = "hb"', "source 'hb': is no source: did you mean 'hub'"),
        ('source = "hub"', "it names no dataset"),
        ('source = "pydoc-topics"\ncolumn = "text"', 'column is for source = "hub"'),
        (HUB + 'colum = "text"', "did you mean 'column'"),
        (HUB + 'name = "other"', "name is the file's own"),
        (HUB + 'column = "a"\ntemplate = "{b}"', "column and template cannot both be given"),
        (HUB + 'template = "b"', "names no column"),
        (HUB + 'template = "{b"', "write a literal brace twice"),
        (HUB + "filter = {a = [1]}", r"filter.a \[1\]: should be a text"),
        (HUB + "streamed = 3", "streamed '3'"),
        (HUB + '[splits]\nvalidation = "valid"', "splits has validation, and no train"),
        (HUB + '[splits]\ntrain = "train[9:3]"', r"splits.train: 'train\[9:3\]' is empty"),
        (HUB + '[splits]\ntrain = "train[-9:]"', "should be a split, or a range of its bytes"),
        (HUB + '[splits]\ntrain = "train"\n"a/b" = "train"', "'a/b' is no name for a split"),
        (HUB + "[splits]\ntrain = 3", "splits.train '3'"),
        (HUB + 'config = "{languge}"\n[parameters]\nlanguage = "en"', "did you mean 'language'"),
        (HUB + 'config = "{language}"', r"give its default in \[parameters\]"),
        (HUB + '[parameters]\nlanguage = "en"', "is used nowhere"),
        (HUB + 'config = "{a}"\n[parameters]\na = [1]', "its default should be a text or a number"),
        ("summary = 1 2", "cannot be read"),
    ],
)
def test_a_wrong_recipe_is_told_in_a_line(content, message, own, cli):
    path = own("mine", content)
    with pytest.raises(CharrnnError, match=message) as told:
        read_recipe(path)
    assert "\n" not in str(told.value)
    checked = cli("corpora", "check", path)
    assert checked.code == 1
    assert str(told.value) in checked.out
    assert "broken" in cli("corpora", "list").out
    assert str(told.value) in cli("train", "mine").told


def test_check_looks_at_every_recipe(own, cli):
    assert cli("corpora", "check").code == 0
    own("good", 'source = "pydoc-topics"\n')
    bad, spaced = own("bad", 'sorce = "hub"\n'), own("my corpus", 'source = "pydoc-topics"\n')
    rows = cli("corpora", "check", "--json")
    assert rows.code == 1
    problems = {row["name"]: row["problem"] for row in rows.json()}
    assert {*READ, *LOCAL, "good"} <= {name for name, problem in problems.items() if problem is None}
    assert "did you mean 'source'" in problems["bad"]
    assert "'my corpus' is no name for a corpus" in problems["my corpus"]
    assert cli("corpora", "check", "corpora/good.toml").code == 0
    assert cli("corpora", "check", bad, spaced).out.count("\n") == 3
    missing = cli("corpora", "check", "corpora/god.toml")
    assert missing.code == 1
    assert "there is no recipe corpora/god.toml: did you mean 'good.toml'" in missing.out
    # A name that cannot be registered does no harm to the others.
    assert "'my corpus' is no name" in cli("train", "my-corpus").told
    assert cli("corpora", "show", "good").code == 0


def test_a_corpus_s_facts_come_before_its_text(cli, text, text_file):
    listed = {row["name"]: row for row in cli("corpora", "list", "--json").json()}
    assert (listed["text8"]["language"], listed["pystdlib"]["licence"]) == ("English", "PSF-2.0")
    assert listed["enwik8"]["size"] == "100 MB"
    assert listed["enwik8"]["plugin"] == "builtin"
    shown = cli("corpora", "show", text_file, "--json").json()["text"]
    assert shown["splits"] == {
        "train": {"bytes": len(text.encode()), "characters": len(text), "is_sample": False},
    }
    assert shown["alphabet"]["size"] == len(set(text))
    assert shown["alphabet"]["most_common"][0] == [" ", text.count(" ")]
    assert shown["alphabet"]["least_common"][0][1] == min(map(text.count, set(text)))
    assert shown["tokens"] == {"char": len(text), "byte": len(text.encode())}
    assert shown["epoch_seconds"] == epoch_seconds(len(text))
    assert text.startswith(shown["start"])
    out = cli("corpora", "show", text_file).out
    assert out.count(f"{len(text):,}") == 4
    assert text.split("\n")[0] in out


def test_a_sample_says_that_it_is_one(cli, tmp_path):
    (tmp_path / "long.txt").write_text("é" * 10_000)
    sampled = cli("corpora", "show", "long.txt", "--sample-bytes", "1001")
    assert "a sample, the first 1,001 bytes of each split" in sampled.out
    shown = cli("corpora", "show", "long.txt", "--sample-bytes", "1001", "--json").json()["text"]
    assert shown["splits"]["train"] == {"bytes": 1000, "characters": 500, "is_sample": True}
    exact = cli("corpora", "show", "long.txt", "--sample-bytes", "20k", "--json").json()["text"]
    assert exact["splits"]["train"] == {"bytes": 20_000, "characters": 10_000, "is_sample": False}
    wrong = cli("corpora", "show", "long.txt", "--sample-bytes", "many")
    assert wrong.code == 2
    assert "--sample-bytes 'many'" in wrong.told


def test_a_text_does_not_steer_the_terminal(cli, tmp_path):
    (tmp_path / "odd.txt").write_text("\x1b[31m[bold]\u202e\x00\n")
    out = cli("corpora", "show", "odd.txt").out
    assert "␛[31m[bold]" in out
    assert not {"\x1b", "\u202e", "\x00"} & set(out)
    assert "U+001B 1" in out
    assert r"\n 1" in out


def test_what_cannot_be_reached_still_has_its_facts(program):
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": ""}
    shown = program("corpora", "show", "wikitext-2", env=nowhere)
    assert shown.code == 1
    assert "Stephen Merity" in shown.out
    assert "the hub cannot be reached" in shown.told
    shown = program("corpora", "show", "wikitext-2", "--json", env=nowhere)
    assert shown.code == 1
    assert shown.json()["dataset"] == "Salesforce/wikitext"


@dataclass(frozen=True)
class Described:
    """What the hub is said to say."""

    columns: dict[str, str]
    id: str = "Some/Rows"
    resolved_revision: str | None = "0123456789abcdef0123456789abcdef01234567"
    licence: str | None = "mit"
    configs: list[str] = field(default_factory=lambda: ["default"])
    config: str | None = "default"
    splits: list[str] = field(default_factory=lambda: ["train"])
    bytes: int | None = 12_345_678
    access: str = "gated"


@pytest.fixture
def described(monkeypatch):
    def say(*, configs=("default",), config="default", **columns):
        said = Described(columns, configs=list(configs), config=config)
        monkeypatch.setattr(hub_module, "describe", lambda *asked: said, raising=False)

    yield say
    plugins.cache_clear()


def test_new_writes_a_recipe_that_can_be_trained_on(described, cli):
    described(id="int64", text="string", title="string")
    made = cli("corpora", "new", "hf:Some/Rows_1@v2")
    assert made.code == 0, made.err
    assert made.out == "charrnn train rows_1\n"
    assert made.told == "wrote corpora/rows_1.toml"
    recipe = read_recipe(Path("corpora/rows_1.toml"))
    assert (recipe.dataset, recipe.config, recipe.revision, recipe.column) == ("Some/Rows_1", None, "v2", "text")
    assert (recipe.licence, recipe.size) == ("mit", "about 12 MB in its files")
    plugins.cache_clear()
    assert "rows_1" in {row["name"] for row in cli("corpora", "list", "--json").json()}
    again = cli("corpora", "new", "hf:Some/Rows_1")
    assert again.code == 1
    assert "corpora/rows_1.toml is there already; give another --name, or --force" in again.told
    assert cli("corpora", "new", "hf:Some/Rows_1", "--force", "--column", "title").code == 0
    assert read_recipe(Path("corpora/rows_1.toml")).column == "title"
    written = Path("corpora/rows_1.toml").read_text()
    assert f'# revision = "{Described({}).resolved_revision}"' in written
    assert "# The dataset is gated: HF_TOKEN has to be set" in written


def test_new_says_what_to_choose(described, cli):
    described(id="int64", title="string", body="string")
    several = cli("corpora", "new", "hf:some/rows")
    assert several.code == 1
    assert "choose one by --column title|body, or put several together by --template" in several.told
    assert "did you mean 'body'" in cli("corpora", "new", "hf:some/rows", "--column", "boddy").told
    assert "did you mean 'title'" in cli("corpora", "new", "hf:some/rows", "--template", "{titel}").told
    assert "holds int64, not text" in cli("corpora", "new", "hf:some/rows", "--column", "id").told
    both = cli("corpora", "new", "hf:some/rows", "--column", "body", "--template", "{body}")
    assert both.code == 2
    assert "--name: 'a b' is no name" in cli("corpora", "new", "hf:some/rows", "--name", "a b").told
    assert "should be hf:OWNER/NAME" in cli("corpora", "new", "some/rows").told
    taken = cli("corpora", "new", "hf:some/rows", "--name", "text8", "--column", "body")
    assert "a corpus 'text8' is there already" in taken.told
    assert not Path("corpora").exists()
    assert cli("corpora", "new", "hf:some/rows", "--name", "mine", "--template", r"{title}\n{body}").code == 0
    assert read_recipe(Path("corpora/mine.toml")).template == "{title}\n{body}"


def test_new_names_the_configuration_where_there_are_several(described, cli):
    described(configs=("default", "large"), text="string")
    assert cli("corpora", "new", "hf:some/rows").code == 0
    assert read_recipe(Path("corpora/rows.toml")).config == "default"
    assert cli("corpora", "new", 'hf:some/rows:an "odd\\one"', "--name", "odd").code == 0
    assert read_recipe(Path("corpora/odd.toml")).config == 'an "odd\\one"'


def test_new_asks_for_a_configuration_where_none_is_the_default(described, cli):
    described(configs=[f"lang{number}" for number in range(30)], config=None)
    several = cli("corpora", "new", "hf:some/rows")
    assert several.code == 1
    assert (
        "'some/rows' has several configurations: name one, such as hf:some/rows:lang0; there are: lang0, lang1,"
        in several.told
    )
    assert several.told.endswith("lang19, ...")


@given(st.dictionaries(st.sampled_from("abc"), st.text()))
def test_what_is_written_as_toml_is_read_again(values):
    assert tomllib.loads(toml(values)) == values


def test_what_is_not_utf8_is_no_toml():
    with pytest.raises(UsageError, match="not UTF-8"):
        toml({"a": "\udc80"})


class Pieces(Corpus):
    """A corpus of the splits that it is given, in pieces."""

    name = "pieces"

    def __init__(self, **splits):
        self._splits = splits

    def splits(self):
        return tuple(self._splits)

    def read(self, split):
        yield from self._splits[split]

    def shards(self, split):
        return [Shard(lambda piece=piece: iter([piece]), documents=True) for piece in self._splits[split]]

    def provenance(self):
        return {"source": "pieces"}


TEXT = st.text(st.sampled_from("aé漢🐍\ud800"), max_size=30)


@given(st.lists(TEXT, max_size=5), st.integers(0, 200), st.none() | st.integers(0, 200))
def test_a_range_is_a_slice_of_the_bytes_moved_to_characters(pieces, start, length):
    whole = "".join(pieces).encode("utf-8", "surrogatepass")
    stop = None if length is None else start + length

    def moved(place):
        place = min(place, len(whole))
        while place < len(whole) and whole[place] & 0xC0 == 0x80:
            place += 1
        return place

    expected = whole[moved(start) : len(whole) if stop is None else moved(stop)]
    found = "".join(byte_range(iter(pieces), start, stop))
    assert found.encode("utf-8", "surrogatepass") == expected


@given(st.lists(TEXT, max_size=5), st.lists(st.integers(0, 300), max_size=4).map(sorted))
def test_ranges_side_by_side_are_the_text(pieces, cuts):
    bounds = [0, *cuts, None]
    ranges = pairwise(bounds)
    assert "".join("".join(byte_range(iter(pieces), *each)) for each in ranges) == "".join(pieces)


def test_what_lies_behind_a_range_is_not_read():
    def pieces():
        yield "ab"
        yield "cd"
        raise AssertionError

    assert "".join(byte_range(pieces(), 1, 4)) == "bcd"


def test_a_large_piece_is_cut_in_blocks(monkeypatch):
    monkeypatch.setattr("charrnn.corpora.pieces._BLOCK", 3)
    assert "".join(byte_range(iter(["漢字かな" * 5]), 4, 40)) == ("漢字かな" * 5)[2:14]


def test_a_split_with_another_name_keeps_its_shards():
    pieces = Pieces(train=["one", "two"], valid=["three"])
    mapped = SplitMap(pieces, {"train": SplitPart("train", 0, 4), "validation": SplitPart("valid")}, "mine")
    assert mapped.splits() == ("train", "validation")
    assert [(list(each.read()), each.documents) for each in mapped.shards("validation")] == [(["three"], True)]
    [shard] = mapped.shards("train")
    assert "".join(shard.read()) == "onet"
    assert not shard.documents
    assert mapped.fingerprint() != pieces.fingerprint()
    with pytest.raises(CorpusError, match=r"the recipe 'mine' is out of date.*the splits are train, valid"):
        SplitMap(pieces, {"train": SplitPart("training")}, "mine")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("train", ("train", 0, None)),
        ("train[:5]", ("train", 0, 5)),
        ("train[5:]", ("train", 5, None)),
        ("a.b-c[1_000:2_000]", ("a.b-c", 1000, 2000)),
    ],
)
def test_parts_of_splits(text, part):
    assert parse_part(text) == SplitPart(*part)


@pytest.mark.parametrize("text", ["", "train[", "train[5]", "train[a:b]", "train[5:5]", "train[_:]", "train [1:2]"])
def test_what_is_no_part_of_a_split(text):
    with pytest.raises(UsageError, match=r"train\[0:90000000\]|is empty"):
        parse_part(text)


@given(st.lists(st.text(max_size=40), max_size=6), st.none() | st.integers(1, 100))
def test_characters_are_counted_as_python_counts_them(pieces, most):
    found = measure(Pieces(train=pieces), most)
    text = "".join(pieces)
    read = text
    if most is not None:
        while len(read.encode()) > most:
            read = read[:-1]
    assert found.splits["train"].is_sample == (read != text)
    assert (found.characters, found.bytes) == (len(read), len(read.encode()))
    assert found.alphabet_size == len(set(read))
    assert read.startswith(found.start)
    assert dict(found.most_common(1000)) == {each: read.count(each) for each in set(read)}
    counts = [count for _, count in found.least_common(1000)]
    assert counts == sorted(counts)
    assert isinstance(found.counts, np.ndarray)


def test_a_recipe_is_a_corpus_without_a_network():
    recipe = Recipe(name="t", summary="s", source="pydoc-topics", licence="l", language="l", size="s")
    assert recipe(CorpusSettings()).splits() == ("train",)
