"""Very many targets: spread over hash bins, so that a car that asks for one of them loads one small file (succinct roles, TUF's TAP 15).

The bins of a two-party repository are signed by both parties, each file by `each` keys of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from marque.car.tuf.matching import bin_name, bin_names
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


def spread(targets: Iterable[Target], bins: Bins) -> dict[str, dict[str, Target]]:
    """Targets by bin, then by path; a bin without any is there as well, since a car must find that it holds nothing."""
    found: dict[str, dict[str, Target]] = {name: {} for name in bin_names(bins)}
    for target in targets:
        found[bin_name(bins, target.path)][target.path] = target
    return found


def files(
    spread: Mapping[str, Mapping[str, Target]], version: int | Mapping[str, int], expires: datetime, signers: Sequence[Signer]
) -> Iterator[tuple[str, bytes]]:
    """Role name and file of each bin given, one after the other. version: of all, or by name: only bins that changed are written anew."""
    for name, targets in spread.items():
        number = version if isinstance(version, int) else version[name]
        yield name, signed(Targets(version=number, expires=expires, targets=targets), signers)
