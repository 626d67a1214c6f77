"""Releases: drafted, given images, proven by sealed evidence, put up for signatures; published with the last of them.

Who drafts has a role in `release-signature` and the duty of an engineer or product person; who puts up for signatures and signs, that of a
release manager of an organisation that decides there. Whatever is not the asker's to see is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from marque.car.tuf.model import Target
from marque.foundation import Transaction
from marque.release.model import Change, Draft, Release, Waiting

if TYPE_CHECKING:
    from marque.alliance.passkeys import RelyingParty
    from marque.foundation.blobs import BlobStore, Source

PAGE = 50


def draft(tx: Transaction, lead: str, programme: UUID, given: Draft) -> Release:
    """A new release, with the next counter of its name and model. Raises Missing, Denied, Refused for a version that there is already."""
    raise NotImplementedError


def add_image(tx: Transaction, blobs: BlobStore, release: UUID, name: str, role: str, hardware: Sequence[str], source: Source) -> Release:
    """A file of a draft of one's own organisation. name: of the file; role: of the ECU. Raises Missing, Denied, Refused."""
    raise NotImplementedError


def remove_image(tx: Transaction, release: UUID, path: str) -> Release:
    """Raises as `add_image`."""
    raise NotImplementedError


def attach_evidence(tx: Transaction, blobs: BlobStore, party: RelyingParty, release: UUID, source: Source) -> Release:
    """Verify a sealed evidence file against the parties' directories of keys, keep it as a blob, and attach it.

    Refused, naming every finding, for evidence that does not hold: of another release, model or party, expired, replayed, with a cell that
    FAILED or none that PASSED, or withdrawn. Other evidence may take its place until signatures are asked for.
    """
    raise NotImplementedError


def ask_signatures(tx: Transaction, release: UUID) -> Change:
    """Draft the role files of both organisations with this release in them, and open the change that their people sign (`signatures`).

    Refused without images or evidence that holds now, while another release of the model is being signed, for a counter that is not higher
    than what is published, and while the repository's parties are not those who decide by the agreement.
    """
    raise NotImplementedError


def one(tx: Transaction, release: UUID) -> Release:
    """Raises Missing."""
    raise NotImplementedError


def page(tx: Transaction, lead: str, programme: UUID, before: UUID | None = None, limit: int = PAGE) -> list[Release]:
    """The newest visible releases first. Raises Missing for a programme one has nothing to do with."""
    raise NotImplementedError


def waiting(tx: Transaction, release: UUID) -> list[Waiting]:
    """What a release waits for, of whom. Raises Missing."""
    raise NotImplementedError


def waiting_for_me(tx: Transaction) -> list[Waiting]:
    """Everything of every programme that waits for the acting organisation."""
    raise NotImplementedError


def distributable(tx: Transaction, releases: Collection[UUID]) -> frozenset[UUID]:
    """Of these, the ones that cars may be given now: published, and nobody has withdrawn their evidence. By row-level security alone,
    in one query, for roll-outs and devices: ask it in the transaction that offers.
    """
    raise NotImplementedError


def targets(tx: Transaction, releases: Collection[UUID]) -> Mapping[UUID, Mapping[str, Target]]:
    """By release and ECU role, the targets as the image repository lists them (claims in `custom`), for the director. Distributable ones
    alone; one query, by row-level security alone.
    """
    raise NotImplementedError
