"""Which evidence a release takes: one that holds, of itself, judged by both, with every cell passed; and no other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from release_world import CELLS, DAY, NOW, PARTY, PASSED, RUNS
from sealed_world import INPUTS, Input, packed, run_line, sha

from marque.alliance import keys
from marque.common import Refused, ok
from marque.proof.evidence import Verdict
from marque.release import releases
from marque.release.model import Stage


def refused(world, release, words, **other):
    """Attaching evidence that is made otherwise is refused with these words, and nothing of it stays."""
    blobs = {one.digest for one in world.blobs.of("gac").list()}
    with pytest.raises(Refused, match=words):
        world.attach(release, world.evidence(**({"version": release.version} | other)))
    assert world.one(release.id).evidence is None
    assert {one.digest for one in world.blobs.of("gac").list()} == blobs


def test_evidence_that_holds_is_kept_whole_with_what_it_says(begun):
    sealed = packed(begun.evidence().parts())
    with begun.acting(begun.engineers["huawei"]) as tx:
        release = releases.attach_evidence(tx, begun.blobs, PARTY, _drafted(begun).id, sealed)
    said = release.evidence
    assert begun.blobs.of("huawei").read(said.sha256) == sealed
    assert (said.owner, said.verified, said.expires, said.sequence, said.runs) == ("huawei", NOW - 2 * DAY, NOW + 30 * DAY, 7, 9)
    assert [(one.cell, one.answer) for one in said.cells] == [(one.cell, "PASSED") for one in PASSED]
    assert said.signers == {"gac": str(begun.managers["gac"][0].id), "huawei": str(begun.managers["huawei"][0].id)}


def _drafted(begun):
    return begun.drafted(images={"driving": b"x"})


def test_a_cell_that_failed_proves_nothing(begun):
    failed = (Verdict("vela", CELLS[0], "FAILED", ("one of three runs failed",)), *PASSED[1:])
    lines = RUNS.split(b"\n")
    lines[0] = run_line(0, "failed", CELLS[0]).rstrip(b"\n")
    refused(begun, _drafted(begun), "the gate says FAILED.*one of three runs failed", verdicts=failed, runs=b"\n".join(lines))


def test_nothing_passed_is_nothing_proven(begun):
    outside = tuple(replace(one, answer="OUTSIDE ODD", reasons=("no such road",)) for one in PASSED)
    runs = b"".join(run_line(case, "outside", CELLS[case % 3]) for case in range(9))
    refused(begun, _drafted(begun), "no cell of the design domain passed", verdicts=outside, runs=runs)


def test_a_cell_outside_the_domain_is_not_in_the_reach(begun):
    release = begun.attach(_drafted(begun), begun.evidence(verdicts=(*PASSED, Verdict("vela", "tunnel", "OUTSIDE ODD", ("no tunnel",)))))
    assert {cell for one in release.reach for cell in one.cells} == set(CELLS)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"version": "1.3.0"}, "another release"),
        ({"inputs": tuple(Input(one.name, sha("other")) if one.name == "code/driving" else one for one in INPUTS)}, "another release"),
        ({"change_provenance": lambda one: replace(one, model="corvus")}, "another vehicle model|does not hold"),
        ({"expires": NOW - DAY}, "expired"),
        ({"verified": NOW + DAY}, "of the future"),
    ],
)
def test_evidence_of_something_else_or_another_time_is_refused(begun, other, words):
    refused(begun, _drafted(begun), words, **other)


def test_evidence_that_one_partner_alone_has_judged_is_refused(begun):
    li = begun.managers["gac"][0].key
    refused(begun, _drafted(begun), "does not hold.*huawei", summary_keys=(li,))


def test_evidence_by_keys_that_the_partner_has_not_shown_is_refused(begun):
    others = begun.companies.appoint("seres", "release-manager", name="stranger")
    wang = begun.managers["huawei"][0].key
    refused(begun, _drafted(begun), "does not hold", summary_keys=(others.key, wang))


def test_one_byte_otherwise_and_every_broken_link_is_named(begun):
    release = _drafted(begun)
    sealed = bytearray(packed(begun.evidence().parts()))
    sealed[sealed.index(b'"lost":') if b'"lost":' in sealed else len(sealed) // 2] ^= 1
    with pytest.raises(Refused, match=r"the evidence does not hold.*finding 1"), begun.acting("gac") as tx:
        releases.attach_evidence(tx, begun.blobs, PARTY, release.id, bytes(sealed))
    for text in (b"", b"no archive", sealed[:700]):
        with pytest.raises(Refused, match="does not hold"), begun.acting("gac") as tx:
            releases.attach_evidence(tx, begun.blobs, PARTY, release.id, bytes(text))


def test_an_older_verdict_is_not_taken_after_a_newer_one_was_seen(begun):
    begun.attach(_drafted(begun), begun.evidence(sequence=9))
    second = begun.drafted("1.3.0", images={"driving": b"y"})
    refused(begun, second, "older verdict is replayed", sequence=8)


def test_evidence_is_judged_by_the_keys_as_they_are_now(begun):
    """A key that was revoked before it signed does not count, though the directory in the sealed file is older than that."""
    sealed = begun.evidence(verified=NOW - 2 * DAY)
    release = _drafted(begun)
    with begun.acting("huawei") as tx:
        wang = begun.managers["huawei"][0]
        known = next(one for one in keys.keys_of(tx, "huawei") if one.person == wang.id)
        ok(keys.revoke_key(tx, known.id, "lost"))
    assert begun.attach(release, sealed).stage is Stage.PROVEN, "signed before the revocation, it stays signed"
    late = begun.evidence("1.3.0", verified=NOW, sequence=8)
    refused(begun, begun.drafted("1.3.0", images={"driving": b"y"}), "does not hold|shown", verified=late.verified, sequence=8)


def test_without_the_partners_directory_nothing_can_be_verified(world):
    world.name_keys("gac")
    with pytest.raises(Refused, match="not shown its directory"):
        world.attach(world.drafted(images={"driving": b"x"}))


def test_other_evidence_takes_its_place_until_signatures_are_asked_for(begun):
    release = begun.attach(_drafted(begun), begun.evidence(sequence=7))
    first = release.evidence.sha256
    second = begun.attach(release, begun.evidence(sequence=8)).evidence
    assert second.sha256 != first
    assert begun.one(release.id).evidence.sequence == 8
