"""JSON from strangers is read in bounds, or refused in one line."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.strict_json import parse_json, read_json

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_what_was_written_is_read(value):
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'{"a": 1, "b": 2, "a": 3}', "the key 'a' twice"),
        (b'{"a": {"b": 1, "b": 1}}', "the key 'b' twice"),
        (b"[NaN]", "NaN for a number"),
        (b"-Infinity", "-Infinity for a number"),
        (b"1e999", "too large for any machine"),
        (b"1" * 5000, "a number of 5000 digits"),
        (b"[" * 40 + b"]" * 40, "nested more than 32 deep"),
        (b'{"a":' * 100_000, "nested more than 32 deep"),
        (b"[" * 1_000_000, "nested more than 32 deep"),
        (b"", "Expecting value"),
        (b"\xff", "invalid start byte"),
        ('"text"'.encode("utf-16"), "invalid start byte"),
    ],
)
def test_what_is_no_sound_json_is_refused(data, told):
    with pytest.raises(ValueError, match=told):
        parse_json(data)


def test_depth_up_to_the_bound_is_read():
    assert parse_json(b"[" * 32 + b"]" * 32)
    assert parse_json(b"[" + b"[]," * 1000 + b"[]]")


def test_a_file_has_a_bound_and_is_no_pipe(tmp_path):
    (tmp_path / "large").write_bytes(b" " * 101)
    with pytest.raises(ValueError, match="larger than 100 bytes"):
        read_json(tmp_path / "large", limit=100)
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "gone", "."):
        with pytest.raises(OSError, match=r"no regular file|No such file|Is a directory"):
            read_json(tmp_path / name)
