"""Random agreements for properties: values, not rows of a database."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from hypothesis import strategies as st

from marque.alliance.model import Clause, Deviation, Matrix, Process, Revision, Role, Sight, Signature, Source, Transition, What

AGREEMENT = UUID("01900000-0000-7000-8000-0000000000ff")
ORGANISATIONS = ("baic", "gac", "huawei", "seres")
PROGRAMMES = ("AH8", "M9", "S 9 境")
FIRST = date(2021, 7, 1)
DAYS = 40


def a_revision(number=1, previous="", effective=FIRST, parties=("gac", "huawei"), **more):
    """The first party leads everything and sees everything; the others supply and see their own."""
    said = {
        "mode": "component-supplier",
        "positions": {"carmaker": parties[0], "partner": parties[-1]} if len(parties) > 1 else {"carmaker": parties[0]},
        "matrix": {process: {one: Role.LEADS if one == parties[0] else Role.SUPPLIES for one in parties} for process in Process},
        "sight": {process: {one: Sight.ALL if one == parties[0] else Sight.OWN for one in parties} for process in Process},
    }
    return Revision(AGREEMENT, "An agreement", number, previous, effective, parties=tuple(parties), **(said | more))


def a_signature(revision, organisation, at):
    return Signature(organisation, revision.digest, at)


def days(after=0):
    return datetime.combine(FIRST, time(), UTC) + timedelta(days=after)


def rows(chance, parties, whole=True):
    """Drawn from one seed, not cell by cell: a matrix of words need not shrink."""
    matrix, sight = {}, {}
    for process in Process if whole else [one for one in Process if chance.random() < 0.2]:
        leader = chance.choice(parties)
        others = [role for role in Role if role is not Role.LEADS]
        matrix[process] = {one: Role.LEADS if one == leader else chance.choice(others) for one in parties}
        sight[process] = {one: chance.choice(list(Sight)) for one in parties}
    return matrix, sight


@st.composite
def histories(draw, most=4):
    """Revisions that follow one another, and signatures on them: some missing, some late, in any order."""
    revisions, signatures = [], []
    chance = random.Random(draw(st.integers(0, 2**32)))
    for number in range(1, draw(st.integers(1, most)) + 1):
        parties = tuple(sorted(draw(st.sets(st.sampled_from(ORGANISATIONS), min_size=1, max_size=3))))
        matrix, sight = rows(chance, parties)
        codes = draw(st.sets(st.sampled_from(PROGRAMMES), max_size=2))
        programmes = {code: Deviation(*rows(chance, parties, whole=False)) for code in sorted(codes)}
        leaving = tuple(sorted(set(revisions[-1].parties) - set(parties))) if revisions and draw(st.booleans()) else ()
        concerned = st.sampled_from([*parties, *leaving])
        clauses = draw(
            st.lists(
                st.builds(Clause, st.sampled_from(list(Process)), concerned, st.sampled_from([What.KEEPS_READ, What.FROZEN_COPY])),
                max_size=3,
                unique=True,
            )
        )
        revision = a_revision(
            number, revisions[-1].digest if revisions else "", FIRST + timedelta(days=draw(st.integers(0, DAYS))), parties,
            matrix=matrix, sight=sight, programmes=programmes, leaving=leaving,
            transition=Transition(tuple(clauses), draw(st.sampled_from(list(Matrix)))),
            sources=tuple(draw(st.lists(st.builds(Source, st.sampled_from(["a report", "公告"]), st.sampled_from(["", "https://a.example/b"]),
                                                  st.sampled_from(["", "2021", "2021-07", "2021-07-09"])), max_size=2))),
        )  # fmt: skip
        revisions.append(revision)
        signing = sorted(revision.signatories)
        signing = signing if draw(st.integers(0, 3)) else draw(st.permutations(signing))[1:]
        signatures += [a_signature(revision, one, days(draw(st.integers(0, DAYS * 4)) / 4)) for one in signing]
    return tuple(revisions), tuple(draw(st.permutations(signatures)))
