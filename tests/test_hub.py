"""Datasets of the hub, through the unmodified client and the real command line, against a stand-in on loopback."""

from __future__ import annotations

import pytest

from tests.conftest import TINY


def test_a_recipe_trains_with_the_dataset_s_own_splits(online, hub, text_rows):
    trained = online("train", "tinyshakespeare", "--steps", 5, *TINY, "--name", "mine")
    assert trained.code == 0, trained.err
    config = online("runs", "show", "mine", "--json").json()
    corpus = config["corpus"]
    assert corpus["validation"]["split"] == "validation"
    assert corpus["splits"]["train"]["chars"] == len(text_rows["train"])
    assert corpus["provenance"]["requested_revision"] == "refs/convert/parquet"
    assert corpus["provenance"]["resolved_revision"] == hub.repositories["karpathy/tiny_shakespeare"].sha
    assert online("eval", "--json").json()["tokens"] == len(text_rows["validation"])
    assert online("eval", "--split", "test", "--json").json()["tokens"] == len(text_rows["test"])
    # What was fetched once serves without a network.
    offline = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1"}
    assert online("corpora", "build", "tinyshakespeare", **offline).code == 0


def test_config_revision_and_column(online):
    built = online("corpora", "build", "hf:some/rows:small@v2", "--column", "body", "--json")
    assert built.code == 0, built.err
    assert built.json()["splits"]["train"]["chars"] == len("one row of text\nanother row")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hf:some/rows:small", "choose one by --column title|body"),
        ("hf:some/rows:medium", "'some/rows' has no configuration 'medium': there are: large, small"),
        ("hf:some/rows:small@v9", "'some/rows' has no revision 'v9': did you mean 'v2'?"),
        (
            "hf:some/none",
            "there is no dataset 'some/none' on the hub, or it is private; check the name, or set HF_TOKEN",
        ),
        ("hf:some/gated", "'some/gated' is gated: ask for access at"),
        (
            "hf:some/script",
            "made by a script, which is not run; its Parquet form may be there: hf:some/script@refs/convert/parquet",
        ),
    ],
)
def test_what_cannot_be_loaded_is_told(address, message, online):
    result = online("train", address)
    assert result.code == 1
    assert message in result.told


def test_a_hub_that_does_not_answer_is_told_with_the_local_choices(online):
    result = online("train", "hf:some/rows", HF_ENDPOINT="http://127.0.0.1:9")
    assert result.code == 1
    assert "nothing answers there; corpora that need no network: 'pystdlib'" in result.told
