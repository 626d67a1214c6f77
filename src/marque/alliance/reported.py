"""Agreements as the public record tells them, taken into a database: for demonstrations, and to try questions on real history.

Nobody has signed these here. Each signature says that it is reported, and by whom; it has no envelope and no passkey, and no proof can be
made of it. Only the operator of an installation can take them in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, time
from uuid import UUID

from marque.alliance.history import Told
from marque.alliance.store import agreements as store
from marque.alliance.store.agreements import ProgrammeRow
from marque.common import new_id
from marque.foundation import Actor, Database, SetClock

NOTE = "reported"


def take_in(app: str, told: Told, people: Mapping[str, UUID]) -> None:
    """An agreement, its revisions each at the instant it was reported for, its programmes.

    app: the address of the serving role. people: who stands for each party. What is there already stays: taken in again it changes
    nothing, and what was interrupted is taken up where it stopped.
    """
    first = told.agreement.revisions[0]
    owner, agreement = first.positions["carmaker"], first.agreement
    clock = SetClock(_midnight(told, 0))
    with Database(app, clock, connections=1) as database:
        acting = {code: Actor(code, person, "public record") for code, person in people.items()}
        with database.transaction(acting[owner]) as tx:
            if store.agreement(tx, owner, agreement) is None:
                store.add_agreement(tx, agreement, first.title)
        for place, revision in enumerate(told.agreement.revisions):
            clock.set(_midnight(told, place))
            with database.transaction(acting[owner if owner in revision.signatories else min(revision.signatories)]) as tx:
                if store.revision(tx, owner, agreement, revision.number) is None:
                    store.add_revision(tx, owner, agreement, revision.number, revision.text.decode())
            sources = "; ".join(source.text for source in told.moments[place].sources)
            for one in sorted(revision.signatories):
                with database.transaction(acting[one]) as tx:
                    row = store.revision(tx, owner, agreement, revision.number)
                    assert row is not None
                    if (row.number, one) not in {(said.number, said.signatory) for said in store.signatures(tx, owner, agreement)}:
                        store.add_signature(tx, row, "", json.dumps({NOTE: sources}))
        for programme in told.programmes:
            with database.transaction(acting[owner]) as tx:
                if programme.code not in {one.code for one in store.programmes(tx, owner, agreement)}:
                    row_of = ProgrammeRow(owner, new_id(), agreement, programme.code, programme.name, programme.brand, tx.now)
                    store.add_programme(tx, row_of)


def _midnight(told: Told, place: int) -> datetime:
    return datetime.combine(told.moments[place].since, time(), UTC)
