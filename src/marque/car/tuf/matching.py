"""Which delegated role speaks for a target path."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from fnmatch import fnmatchcase

from marque.car.tuf.model import Bins, Delegation


def speaks_for(one: Delegation, path: str) -> bool:
    """Whether a delegation is about the path: by a pattern, part by part between "/", or by the beginning of the path's SHA-256."""
    if one.paths is not None:
        parts = path.split("/")
        return any(_matches(parts, pattern.split("/")) for pattern in one.paths)
    digest = path_digest(path)
    return any(digest.startswith(prefix) for prefix in one.hash_prefixes or ())


def _matches(parts: list[str], patterns: list[str]) -> bool:
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def path_digest(path: str) -> str:
    """SHA-256 of a target path, hexadecimal."""
    return hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()


def bin_name(bins: Bins, path: str) -> str:
    """The bin that speaks for a path: its number is the leading bits of the path's SHA-256."""
    return _name(bins, int(path_digest(path)[:8], 16) >> (32 - bins.bits))


def bin_names(bins: Bins) -> Iterator[str]:
    """All bins in order."""
    return (_name(bins, number) for number in range(2**bins.bits))


def is_bin(name: str, bins: Bins) -> bool:
    """Whether a role is one of the bins."""
    prefix, _, number = name.rpartition("-")
    try:
        return prefix == bins.prefix and name == _name(bins, int(number, 16)) and 0 <= int(number, 16) < 2**bins.bits
    except ValueError:
        return False


def _name(bins: Bins, number: int) -> str:
    return f"{bins.prefix}-{number:0{(bins.bits + 3) // 4}x}"
