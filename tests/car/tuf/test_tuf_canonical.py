"""Canonical JSON against the reference implementation, and a reader that nothing doubtful passes."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.formats import encode_canonical

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf import canonical

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
LEAF = st.none() | st.booleans() | st.integers() | TEXT | st.sampled_from(["\x00", "\\", '"', "\n\t\r\b\f", "\\n", "\\u0041", "\x7f\u2028"])
JSON = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20)


@given(JSON)
def test_the_bytes_are_those_of_the_reference_implementation(value: Any) -> None:
    assert canonical.encode(value) == encode_canonical(value).encode()


@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_what_was_written_is_read_back(value: dict[str, Any]) -> None:
    assert canonical.decode(json.dumps(value).encode(), 10_000, "file") == value


@pytest.mark.parametrize("value", [1.0, {"a": float("nan")}, {1: "a"}, [b"bytes"], {"a": {2: 3}}, "\ud800", {"\ud800": 1}, object()])
def test_what_has_no_canonical_form_is_no_value(value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of which kind does not matter
        canonical.encode(value)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'{"a": 1',
        b'{"a": 1}x',
        b'{"a": 1, "a": 1}',
        b'{"b": {"a": 1, "a": 2}}',
        b'{"a": 1.0}',
        b'{"a": 1e3}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a":' * 49 + b"1" + b"}" * 49,
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    ],
)
def test_doubtful_files_are_malformed(raw: bytes) -> None:
    with pytest.raises(UpdateRefused) as met:
        canonical.decode(raw, 1_000_000, "file.json", "image")
    assert (met.value.attack, met.value.repository, met.value.file) == (Attack.MALFORMED, "image", "file.json")


def test_a_file_longer_than_allowed_is_not_even_read() -> None:
    with pytest.raises(UpdateRefused) as met:
        canonical.decode(b"{}" + b" " * 99, 100, "file.json")
    assert met.value.attack is Attack.ENDLESS_DATA


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode(errors="replace")))
def test_no_bytes_do_worse_than_being_refused(raw: bytes) -> None:
    with suppress(UpdateRefused):
        assert isinstance(canonical.decode(raw, 1000, "file"), dict)
