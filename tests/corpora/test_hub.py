"""Datasets of the hub, through the unmodified client and the real command line, against a stand-in on loopback.

What does not answer is waited for a second here, not twenty; that the wait ends at all is shown by a test's end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from charrnn.corpora.hub import parse_address
from charrnn.corpora.hub.address import Address
from charrnn.errors import CorpusError
from tests.conftest import LONG, TINY
from tests.hub import Repository

SOON = {"CHARRNN_HUB_SECONDS": "1"}
NOWHERE = {"HF_ENDPOINT": "http://127.0.0.1:9"}
#: For Python in a process of its own.
HUB = """
import json
from itertools import islice
from charrnn.corpora.hub import Hub, describe
from charrnn.settings import CorpusSettings
def hub(dataset, config=None, revision=None, streamed=False, recipe=None, **settings):
    return Hub("it", dataset, config, revision, CorpusSettings(**settings), streamed=streamed, recipe=recipe)
"""
#: Tells the one line of an error.
TELL = """
from charrnn.errors import CharrnnError
def told(do):
    try:
        do()
    except CharrnnError as error:
        return str(error)
"""


def texts(built):
    """The characters of a corpus that was built, as counts by split."""
    assert built.code == 0, built.err
    return {split: counts["chars"] for split, counts in built.json()["splits"].items()}


def provenance(built):
    [manifest] = Path(built.json()["directory"]).glob("*.json")
    return json.loads(manifest.read_text())["provenance"]


class TestReading:
    def test_a_recipe_trains_with_the_dataset_s_own_splits(self, online, hub, text_rows):
        trained = online("train", "tinyshakespeare", "--steps", 5, *TINY, "--name", "mine")
        assert trained.code == 0, trained.err
        corpus = online("runs", "show", "mine", "--json").json()["corpus"]
        assert corpus["validation"]["split"] == "validation"
        assert corpus["splits"]["train"]["chars"] == len(text_rows["train"])
        assert corpus["provenance"]["requested_revision"] == "refs/convert/parquet"
        assert corpus["provenance"]["resolved_revision"] == hub.repositories["karpathy/tiny_shakespeare"].sha
        assert online("eval", "--json").json()["tokens"] == len(text_rows["validation"])
        assert online("eval", "--split", "test", "--json").json()["tokens"] == len(text_rows["test"])

    def test_config_revision_and_column(self, online):
        built = online("corpora", "build", "hf:some/rows:small@v2", "--column", "body", "--json")
        assert texts(built) == {"train": len("one row of text\nanother row")}

    def test_a_configuration_of_the_hub_s_own_parquet_branch(self, online, tmp_path):
        asked = ["corpora", "build", "hf:some/converted:two@refs/convert/parquet", "--json"]
        assert texts(online(*asked)) == {"train": len("of the other")}
        offline = {"HF_HUB_OFFLINE": "1", "CHARRNN_CACHE": str(tmp_path / "another")}
        assert texts(online(*asked, **offline)) == {"train": len("of the other")}

    @pytest.mark.parametrize(
        ("dataset", "splits"),
        [
            ("csv", {"train": len("first\nsecond"), "test": len("third")}),
            ("lines", {"train": len("first\nsecond")}),
            ("prose", {"train": len("first\nsecond")}),
            ("many", {"train": 10 * len("row 0a") + 9}),
        ],
    )
    def test_datasets_of_every_kind_of_file(self, dataset, splits, online):
        assert texts(online("corpora", "build", f"hf:some/{dataset}", "--json")) == splits

    def test_where_the_text_came_from_is_the_same_streamed_and_downloaded(self, python, hub):
        read, (downloaded, streamed) = python(
            HUB
            + """
corpora = [hub("some/prose"), hub("some/prose", streamed=True)]
read = ["".join(corpus.read("train")) for corpus in corpora]
print(json.dumps([read, [corpus.provenance() for corpus in corpora]]))
"""
        )
        assert read == ["first\nsecond"] * 2
        assert downloaded == streamed
        assert downloaded["resolved_revision"] == hub.repositories["some/prose"].sha
        assert downloaded["licence"] == "cc0-1.0"

    def test_a_shard_is_a_file(self, python):
        pieces, documents = python(
            HUB
            + """
shards = hub("some/many", streamed=True).shards("train")
print(json.dumps([[list(shard.read()) for shard in reversed(shards)], [shard.documents for shard in shards]]))
"""
        )
        assert pieces == [[f"row {n}a", f"row {n}b"] for n in reversed(range(5))]
        assert documents == [True] * 5

    def test_parquet_is_read_by_the_thread_that_asks(self, python):
        """A thread of Arrow's that still holds an object of Python at the program's end would abort it."""
        read, here = python(
            """
            import threading
            import fsspec.spec
            by = set()
            plain = fsspec.spec.AbstractBufferedFile.read
            def read(self, *arguments):
                by.add(threading.get_native_id())
                return plain(self, *arguments)
            fsspec.spec.AbstractBufferedFile.read = read
            """
            + textwrap.indent(HUB, " " * 12)
            + """
            rows = list(hub("some/rows", "small", streamed=True, column="body").read("train"))
            print(json.dumps(["".join(rows), by == {threading.get_native_id()}]))
            """
        )
        assert read == "one row of text\nanother row"
        assert here

    def test_the_start_of_a_dataset_does_not_need_the_whole(self, python, hub):
        start = python(
            HUB
            + """
pieces = hub("some/long", max_bytes="100kB").read("train")
print(json.dumps(next(pieces)))
"""
        )
        assert LONG.decode().startswith(start)
        assert hub.sent < 10 * len(LONG) / 3
        assert not any("/resolve/" in each and "train/9.txt" in each for each in hub.requests if each.startswith("GET"))

    def test_nothing_is_asked_for_before_it_is_needed(self, python, hub):
        python(HUB + 'hub("some/none"); print(1)')
        assert hub.requests == []

    def test_what_is_recorded_is_what_is_read_though_the_branch_moves(self, online, hub):
        moving = hub.repositories["some/moving"] = Repository({"a.txt": b"before"})
        before = online("corpora", "build", "hf:some/moving", "--json")
        moving.commit("main", {"a.txt": b"and afterwards"}, [])
        after = online("corpora", "build", "hf:some/moving", "--json")
        pinned = online("corpora", "build", f"hf:some/moving@{provenance(before)['resolved_revision']}", "--json")
        assert [texts(built)["train"] for built in (before, after, pinned)] == [6, 14, 6]
        assert provenance(after)["resolved_revision"] == moving.sha
        assert provenance(pinned)["resolved_revision"] == provenance(before)["resolved_revision"]

    def test_a_folder_of_the_same_name_is_no_dataset(self, online, tmp_path):
        (tmp_path / "some" / "prose").mkdir(parents=True)
        (tmp_path / "some" / "prose" / "mine.txt").write_text("not this")
        assert texts(online("corpora", "build", "hf:some/prose", "--json")) == {"train": len("first\nsecond")}

    def test_a_proxy_leads_to_the_hub(self, online, hub):
        behind = {"HF_ENDPOINT": "http://hub.invalid", "HTTP_PROXY": hub.url}
        built = online("corpora", "build", "hf:some/prose", "--json", **behind)
        assert texts(built) == {"train": len("first\nsecond")}
        assert "GET http://hub.invalid/api/datasets/some/prose" in hub.requests

    def test_what_the_client_uploads_can_be_trained_on(self, python, online):
        python(
            """
            from huggingface_hub import HfApi
            api = HfApi(token="hf_mine")
            api.create_repo("me/new", repo_type="dataset")
            api.upload_file(path_or_fileobj=b"my own text", path_in_repo="a.txt", repo_id="me/new", repo_type="dataset")
            print(1)
            """
        )
        assert texts(online("corpora", "build", "hf:me/new", "--json")) == {"train": len("my own text")}


class TestDescribing:
    def test_a_dataset_with_several_configurations(self, python, hub):
        all_of_it, small = python(
            HUB
            + """
print(json.dumps([vars(describe("some/rows", None, None)), vars(describe("some/rows", "small", "v2"))]))
"""
        )
        repository = hub.repositories["some/rows"]
        assert all_of_it["configs"] == ["small", "large"]
        assert all_of_it["config"] is None
        assert all_of_it["splits"] == []
        assert small["config"] == "small"
        assert small["splits"] == ["train"]
        assert small["columns"] == {"title": "string", "body": "string"}
        assert small["bytes"] == len(repository.files["small.parquet"])
        assert small["resolved_revision"] == repository.sha

    def test_licence_and_access(self, python):
        asked = 'print(json.dumps([vars(describe("some/prose")), vars(describe("some/private"))]))'
        prose, private = python(HUB + asked, HF_TOKEN="hf_mine")
        assert prose["licence"] == "cc0-1.0"
        assert prose["columns"] == {"text": "string"}
        assert prose["access"] == "public"
        assert private["access"] == "private"


class TestWhatIsNotThere:
    @pytest.mark.parametrize(
        ("address", "message"),
        [
            ("hf:some/rows:small", "choose one by --column title|body"),
            ("hf:some/rows:smal", "'some/rows' has no configuration 'smal': did you mean 'small'?"),
            ("hf:some/rows", "several configurations: small, large; give one, as in hf:some/rows:small"),
            ("hf:some/converted:too@refs/convert/parquet", "no configuration 'too': did you mean 'two'"),
            ("hf:some/rows:small@v9", "'some/rows' has no revision 'v9': did you mean 'v2'?"),
            ("hf:some/none", "no dataset 'some/none' on the hub, or it is private; check the name, or set HF_TOKEN"),
            ("hf:some/private", "no dataset 'some/private' on the hub, or it is private; check the name"),
            ("hf:some/gated", "'some/gated' is gated: ask for access at http://"),
            ("hf:some/script", "is made by a script, which is not run; its Parquet form may be there: hf:some/script@"),
            ("hf:some/empty", "holds no data files that can be read (Parquet, CSV, JSON lines, text)"),
            ("hf:some/broken", "'some/broken' cannot be read: "),
        ],
    )
    def test_is_told(self, address, message, online):
        result = online("train", address)
        assert result.code == 1
        assert message in result.told

    def test_a_token_opens_what_is_private(self, online):
        assert texts(online("corpora", "build", "hf:some/private", "--json", HF_TOKEN="hf_mine")) == {"train": 6}

    def test_a_token_without_access_is_told(self, online):
        told = online("train", "hf:some/gated", HF_TOKEN="hf_mine").told
        assert "'some/gated' is gated, and your token has no access; ask for it at http://" in told
        assert "/datasets/some/gated" in told

    def test_a_script_is_told_though_the_parquet_form_was_read_before(self, online):
        assert online("corpora", "build", "hf:karpathy/tiny_shakespeare@refs/convert/parquet").code == 0
        assert "is made by a script" in online("corpora", "build", "hf:karpathy/tiny_shakespeare").told
        assert "is made by a script" in online("corpora", "build", "hf:karpathy/tiny_shakespeare:other").told

    def test_a_recipe_that_is_out_of_date_is_told_with_what_the_dataset_has_now(self, python):
        config, split, column = python(
            HUB
            + TELL
            + """
print(json.dumps([
    told(lambda: hub("some/rows", "medium", recipe="mine").splits()),
    told(lambda: hub("some/csv", recipe="mine").shards("dev")),
    told(lambda: list(hub("some/csv", recipe="mine", column="body").read("train"))),
]))
"""
        )
        advice = "write a new one: charrnn corpora new hf:some/"
        assert config.startswith("the recipe 'mine' is out of date: 'some/rows' has no configuration 'medium' any more")
        assert f"but configurations: small, large; {advice}rows" in config
        assert f"has no split 'dev' any more, but splits: train, test; {advice}csv" in split
        assert f"has no column 'body' any more, but columns: text; {advice}csv" in column

    @pytest.mark.parametrize(
        ("address", "message"),
        [
            ("hf:squad", "it names no owner; give the one before '/squad'"),
            ("hf:squad@main", "it names no owner; give the one before '/squad'"),
            ("hf:https://huggingface.co/datasets/some/rows/viewer", "is the address of a page; give hf:some/rows"),
            ("hf:some/rows:", "should be hf:OWNER/NAME, with :CONFIG and @REVISION where needed"),
        ],
    )
    def test_an_address_of_another_form_is_told(self, address, message):
        with pytest.raises(CorpusError) as error:
            parse_address(address)
        assert message in str(error.value)

    @pytest.mark.parametrize(
        "name", ["some/", "é/rows", "a--b/rows", "a..b/rows", "-some/rows", "some/rows.git", "a/b/c"]
    )
    def test_a_name_that_no_dataset_has_is_told(self, name):
        with pytest.raises(CorpusError, match="is no name of a dataset: it should be OWNER/NAME"):
            Address(name)

    @pytest.mark.parametrize(
        "revision", ["", "../../../etc/passwd", "/etc/passwd", "a b", "a/", "-f", "a\x1b", "a" * 300]
    )
    def test_a_revision_that_git_does_not_know_is_told(self, revision):
        with pytest.raises(CorpusError, match="is no revision of 'some/rows': it is a branch, a tag or a commit"):
            Address("some/rows", revision=revision)

    @pytest.mark.parametrize("revision", ["main", "v1.2", "refs/convert/parquet", "refs/pr/3", "0" * 40, "größe"])
    def test_a_branch_a_tag_and_a_commit_are_revisions(self, revision):
        assert str(Address("some/rows", revision=revision)) == f"hf:some/rows@{revision}"


class TestWhatGoesWrong:
    """Each fault ends, in one line with advice; or the client gets over it."""

    @pytest.mark.parametrize(
        ("where", "kind", "how", "message"),
        [
            ("", "hang", {"method": ""}, "does not answer: waited 1 seconds for /api/datasets/some/many"),
            ("/tree/", "hang", {}, "does not answer: waited 1 seconds for /api/datasets/some/many/tree"),
            ("00002-of", "hang", {}, "does not answer: waited 1 seconds for /datasets/some/many/resolve/"),
            ("00002-of", "stall", {}, "sends almost nothing: waited 1 seconds"),
            ("00002-of", "trickle", {}, "sends almost nothing: waited 1 seconds"),
            ("00002-of", "cut", {}, "breaks off again and again"),
            ("00002-of", "short", {}, "a file of 'some/many' arrived short, 3 times over; try again later"),
            ("00002-of", "flip", {}, "arrived damaged twice: its checksum is not the one that the hub lists"),
            ("00002-of", "status", {"status": 503}, "answers HTTP 503"),
            ("/api/", "status", {"status": 500}, "answers HTTP 500"),
            ("/api/", "status", {"status": 429}, "limits how often it may be asked (HTTP 429)"),
            ("/api/", "status", {"status": 401, "headers": {"X-Error-Message": "Invalid credentials in Authorization "
             "header"}}, "does not accept your HF_TOKEN"),
            ("00002-of", "status", {"status": 429, "headers": {"Retry-After": "300"}}, "(HTTP 429); wait 300 seconds"),
            ("/tree/", "status", {"status": 429, "headers": {"RateLimit": '"api";r=0;t=200'}}, "; wait 200 seconds"),
            ("/tree/", "status", {"status": 503, "headers": {"Retry-After": "99"}}, "to be left alone for 99 seconds"),
            ("", "html", {"method": ""}, "a login page answers in the place of http://127.0.0.1"),
            ("00002-of", "html", {}, "a login page answers in the place of http://localhost"),
            ("README", "hang", {"method": "HEAD"}, "waited 1 seconds for /datasets/some/many/resolve/"),
        ],
    )  # fmt: skip
    def test_is_told(self, where, kind, how, message, online, hub):
        hub.fail(where, kind, **how)
        result = online("corpora", "build", "hf:some/many", **SOON)
        assert result.code == 1
        assert message in result.told
        assert "'some/many'" in result.told

    @pytest.mark.parametrize("kind", ["status", "cut", "short", "flip"])
    def test_what_goes_wrong_once_is_got_over(self, kind, online, hub):
        hub.fail("00002-of", kind, times=1)
        assert texts(online("corpora", "build", "hf:some/many", "--json")) == {"train": 10 * len("row 0a") + 9}
        fetched = [each for each in hub.requests if each.startswith("GET") and "/elsewhere/" in each]
        assert sum("00002-of" in each for each in fetched) == 2
        assert sum("00001-of" in each for each in fetched) == 1

    @pytest.mark.parametrize("where", ["/api/datasets/some/many", "/tree/", "/paths-info/"])
    def test_an_api_that_stumbles_once_is_asked_again(self, where, online, hub):
        hub.fail(where, "status", times=1, method="POST" if "paths" in where else "GET")
        assert texts(online("corpora", "build", "hf:some/many", "--json")) == {"train": 10 * len("row 0a") + 9}

    @pytest.mark.parametrize(("kind", "message"), [("hang", "does not answer"), ("status", "answers HTTP 500")])
    def test_a_stream_that_breaks_is_told(self, kind, message, python, hub):
        hub.fail("00002-of", kind)
        first, told = python(
            HUB
            + TELL
            + """
shards = hub("some/many", streamed=True).shards("train")
print(json.dumps([list(shards[0].read()), told(lambda: list(shards[2].read()))]))
""",
            **SOON,
        )
        assert first == ["row 0a", "row 0b"]
        assert message in told

    def test_a_network_that_leads_to_its_login_page_is_told(self, online, hub):
        hub.fail("/welcome", "html")
        hub.fail("/api/", "status", status=302, headers={"Location": f"{hub.url}/welcome"})
        assert "a login page answers in the place of" in online("train", "hf:some/many").told

    def test_a_full_disk_is_told(self, python):
        told = python(
            HUB
            + TELL
            + """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))  # a file may not grow: what is told is the same
print(json.dumps(told(lambda: list(hub("some/random").read("train")))))
"""
        )
        assert "there is no room for 'some/random' on the disk of" in told
        assert "set HF_HOME to a folder on another disk" in told

    def test_an_interrupted_download_ends(self, online_env, hub):
        hub.fail("00002-of", "trickle")
        command = [sys.executable, "-m", "charrnn", "corpora", "build", "hf:some/many"]
        with subprocess.Popen(command, env={**os.environ, **online_env}, stderr=subprocess.PIPE) as running:
            assert hub.faults.met.wait(60)
            running.send_signal(signal.SIGINT)
            _, told = running.communicate(timeout=60)
        assert told.decode() == "charrnn: interrupted\n"
        assert running.returncode == 130

    def test_a_wait_that_is_no_number_is_told(self, online):
        result = online("train", "hf:some/many", CHARRNN_HUB_SECONDS="soon")
        assert result.code == 2
        assert "CHARRNN_HUB_SECONDS=soon: give the seconds to wait for the hub" in result.told

    def test_the_client_is_left_as_it_was(self, python):
        assert python(
            HUB
            + TELL
            + """
import os
from huggingface_hub import constants
from huggingface_hub.utils import _http
import datasets
def state():
    return [_http._GLOBAL_CLIENT_FACTORY.__name__, constants.HF_HUB_OFFLINE, constants.HF_HUB_DISABLE_XET,
            datasets.config.STREAMING_READ_MAX_RETRIES, os.environ.get("HF_HUB_OFFLINE")]
before = state()
told(lambda: hub("some/none").splits())
first, second = (hub("some/many", streamed=True).read("train") for _ in range(2))
next(first), next(second), first.close(), list(second)
print(json.dumps(state() == before))
"""
        )


class TestOffline:
    @pytest.mark.parametrize("how", [NOWHERE, {"HF_HUB_OFFLINE": "1"}, {**NOWHERE, "HF_DATASETS_OFFLINE": "1"}])
    @pytest.mark.parametrize("more", [[], ["--max-bytes", "1MB"]])
    def test_what_was_fetched_once_serves_without_a_network(self, how, more, online, tmp_path):
        arguments = ["corpora", "build", "hf:some/rows:small@v2", "--column", "body", "--json"]
        fetched = online(*arguments)
        again = online(*arguments, *more, **how, CHARRNN_CACHE=str(tmp_path / "another"))
        assert texts(again) == texts(fetched)
        found = provenance(again)
        found.pop("rewritten", None)
        assert found == provenance(fetched)

    def test_a_hub_that_fails_leaves_what_was_fetched(self, online, hub, tmp_path):
        assert online("corpora", "build", "hf:some/prose").code == 0
        hub.fail("", "status", method="")
        again = online("corpora", "build", "hf:some/prose", "--json", **SOON, CHARRNN_CACHE=str(tmp_path / "another"))
        assert texts(again) == {"train": len("first\nsecond")}

    def test_describing_what_was_fetched(self, python):
        asked = 'print(json.dumps(vars(describe("some/csv"))))'
        online = python(HUB + 'list(hub("some/csv").read("train"));' + asked)
        offline = python(HUB + asked, HF_HUB_OFFLINE="1")
        assert offline == {**online, "bytes": None}

    def test_shards_of_what_was_fetched(self, python):
        count = 'print(json.dumps(sorted(len(list(each.read())) for each in hub("some/csv").shards("train"))))'
        assert python(HUB + 'list(hub("some/csv").read("train")); print(1)') == 1
        assert python(HUB + count, HF_HUB_OFFLINE="1") == [2]

    def test_a_hub_that_hangs_leaves_what_was_fetched(self, online, hub, tmp_path):
        assert online("corpora", "build", "hf:some/prose").code == 0
        hub.fail("", "hang", method="")
        again = online("corpora", "build", "hf:some/prose", "--json", **SOON, CHARRNN_CACHE=str(tmp_path / "another"))
        assert texts(again) == {"train": len("first\nsecond")}

    def test_what_was_not_fetched_is_told_with_the_local_choices(self, online):
        result = online("train", "hf:some/rows", **NOWHERE)
        assert result.code == 1
        assert "nothing answers at http://127.0.0.1:9; corpora that need no network: 'pystdlib'" in result.told

    def test_another_configuration_than_the_one_fetched_is_told(self, online):
        assert online("corpora", "build", "hf:some/rows:small", "--column", "body").code == 0
        told = online("corpora", "build", "hf:some/rows:large", "--column", "body", HF_HUB_OFFLINE="1").told
        assert "'hf:some/rows:large' was not fetched before, and cannot be now: HF_HUB_OFFLINE is set" in told
        told = online("corpora", "build", "hf:some/rows", "--column", "body", HF_HUB_OFFLINE="1").told
        assert "several configurations: small, large; give one, as in hf:some/rows:small" in told
