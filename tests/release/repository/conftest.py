"""Fixtures of the repository's tests."""

from __future__ import annotations

import pytest
from repository_token import make_token


@pytest.fixture
def token(tmp_path, monkeypatch):
    """The label of a token with the keys `li` (P-256), `wang` (Ed25519) and `wide` (P-384)."""
    return make_token(tmp_path, monkeypatch)
