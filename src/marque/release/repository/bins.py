"""Very many targets: spread over hash bins, so that a car that asks for one of them loads one small file (succinct roles, TUF's TAP 15).

The bins of a two-party repository are signed by both parties, each file by `each` keys of each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from marque.car.tuf.model import Bins, Delegations, Target, Targets
from marque.release.repository.keys import Signer, by_id, signed
from marque.release.repository.roles import EACH, Party, quorum

ENTRY_BYTES = 900
"""Of a target with its claims, as a targets file lists it: about."""
LISTED_BYTES = 32
"""Of a bin in the snapshot, by version alone: `"bin-1ff.json":{"version":1},`, about."""
MOST_BITS = 16


def bits_for(targets: int, entry_bytes: int = ENTRY_BYTES) -> int:
    """The number of bits, 1 to 16, with which snapshot and one bin together are the fewest bytes: √(targets × entry ÷ listed) bins."""
    return min(range(1, MOST_BITS + 1), key=lambda bits: 2**bits * LISTED_BYTES + targets * entry_bytes / 2**bits)


def delegated(parties: Sequence[Party], bits: int, prefix: str = "bin", *, each: int = EACH) -> Delegations:
    """What a targets role delegates to bins. Raises InputError for keys that cannot make the quorum."""
    keys = by_id([key for party in parties for key in party.keys])
    return Delegations(keys=keys, bins=Bins(quorum(parties, each), bits, prefix))


def bin_of(path: str, bins: Bins) -> str:
    """The name of the role that a path is in: the leading bits of its SHA-256, in as many hexadecimal digits as the last bin needs."""
    return _name(int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big") >> (32 - bins.bits), bins)


def names_of(bins: Bins) -> Iterator[str]:
    """Every bin's role name, in order."""
    return (_name(number, bins) for number in range(2**bins.bits))


def spread(targets: Iterable[Target], bins: Bins) -> dict[str, dict[str, Target]]:
    """Targets by bin, then by path; a bin without any is there as well, since a car must find that it holds nothing."""
    found: dict[str, dict[str, Target]] = {name: {} for name in names_of(bins)}
    for target in targets:
        found[bin_of(target.path, bins)][target.path] = target
    return found


def files(
    spread: Mapping[str, Mapping[str, Target]], version: int | Mapping[str, int], expires: datetime, signers: Sequence[Signer]
) -> Iterator[tuple[str, bytes]]:
    """Role name and file of each bin given, one after the other. version: of all, or by name: only bins that changed are written anew."""
    for name, targets in spread.items():
        number = version if isinstance(version, int) else version[name]
        yield name, signed(Targets(version=number, expires=expires, targets=targets), signers)


def _name(number: int, bins: Bins) -> str:
    digits = len(f"{2**bins.bits - 1:x}")
    return f"{bins.prefix}-{number:0{digits}x}"
