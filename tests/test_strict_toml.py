"""TOML from strangers is read in bounds, or refused in one line."""

from __future__ import annotations

import os

import pytest

from charrnn.strict_toml import parse_toml, read_toml


def test_what_a_person_writes_is_read():
    found = parse_toml(b'summary = "a b"\n[filter]\nlang = "de"\nyear = 1999\n[a.b.c]\nd = [1.5, [true]]')
    assert found == {
        "summary": "a b",
        "filter": {"lang": "de", "year": 1999},
        "a": {"b": {"c": {"d": [1.5, [True]]}}},
    }
    assert parse_toml(b"a = '" + b". " * 200 + b"'")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"a = 1\na = 2", "Cannot overwrite a value"),
        (b"a = nan", "a has nan for a number"),
        (b"a = -inf", "a has -inf for a number"),
        (b"[a.b]\nc = [1e999]", "a has inf for a number"),
        (b"a = 0x" + b"f" * 90_000, "more than 64 bits"),
        (b"a = [1, {b = 9223372036854775808}]", "more than 64 bits"),
        (b"a = " + b"9" * 5000, "digits"),
        (b"a = " + b"[" * 40_000, "nested more than 32 deep"),
        (b"a = " + b"[" * 40 + b"]" * 40, "nested more than 32 deep"),
        (b"a = " + b"{a = " * 15_000, "nested more than 32 deep"),
        (b".".join([b"a"] * 100) + b" = 1", "nested more than 32 deep"),
        (b"a = 1\n" + b".".join([b"a"] * 40_000) + b" = 1", "line 2 has more than 200 full stops"),
        (b"[" + b".".join([b'"="'] * 10_000) + b"]", "line 1 has more than 200 full stops"),
        (b"#" * 100_001, "larger than 100,000 bytes"),
        (b"a = '\xff'", "invalid start byte"),
        ("a = 1".encode("utf-16"), "invalid start byte"),
        (b"a = ", "Invalid value"),
    ],
)
def test_what_is_no_sound_toml_is_refused(data, told):
    with pytest.raises(ValueError, match=told):
        parse_toml(data)


def test_a_pipe_or_a_directory_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "gone", "."):
        with pytest.raises(OSError, match=r"no regular file|No such file|Is a directory"):
            read_toml(tmp_path / name)
