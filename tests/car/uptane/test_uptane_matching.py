"""Must-match and what follows from it, as rules: nothing that differs passes, nothing goes back, nothing lacks what it requires."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf.model import Target
from marque.car.uptane.claims import Claims, Delta, Reach
from marque.car.uptane.claims_json import custom_of
from marque.car.uptane.full import compatible
from marque.car.uptane.matching import check_claims, check_order, check_same, deltas_for
from marque.car.uptane.vehicle import Ecu, Installed, Vehicle

SHA = "ab" * 32
CLAIMS = Claims(
    release="pilot",
    version="2",
    counter=2,
    digest="1" * 64,
    evidence="2" * 64,
    verdict="PASSED",
    reach=(Reach("vela", "CN", ("motorway",)),),
    hardware=("h1", "h2"),
    rxswin={"UN R157": "X"},
    requires={"gateway": 1},
    conflicts={"brake": (1, 2)},
    entitlement="city",
)
CHANGES = {
    "release": ("other", Attack.MIX_AND_MATCH),
    "version": ("3", Attack.MIX_AND_MATCH),
    "counter": (3, Attack.MIX_AND_MATCH),
    "digest": ("3" * 64, Attack.EVIDENCE_SWAPPED),
    "evidence": ("3" * 64, Attack.EVIDENCE_SWAPPED),
    "verdict": ("FAILED", Attack.EVIDENCE_SWAPPED),
    "reach": ((), Attack.MIX_AND_MATCH),
    "hardware": (("h1",), Attack.WRONG_HARDWARE),
    "rxswin": ({}, Attack.MIX_AND_MATCH),
    "requires": ({}, Attack.MIX_AND_MATCH),
    "conflicts": ({}, Attack.MIX_AND_MATCH),
    "entitlement": ("", Attack.MIX_AND_MATCH),
}
cells = st.sets(st.sampled_from(["motorway", "city", "rural", "night"]))
counters = st.integers(1, 4)


def target(claims, length=10, sha=SHA):
    return Target("vela/pilot/1.bin", length, {"sha256": sha}, custom_of(claims))


def attack_of(act, *given):
    try:
        act(*given)
    except UpdateRefused as refused:
        return refused.attack
    return None


def test_the_table_of_changes_has_every_claim():
    assert set(CHANGES) == set(Claims.__dataclass_fields__)


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("whose", ["director", "image"])
def test_no_claim_may_differ_whoever_changed_it(name, whose):
    value, attack = CHANGES[name]
    changed = replace(CLAIMS, **{name: value})
    wanted, signed = (changed, CLAIMS) if whose == "director" else (CLAIMS, changed)
    assert attack_of(check_same, target(wanted), target(signed), wanted) is attack
    assert attack_of(check_same, target(wanted), target(wanted), wanted) is None


@pytest.mark.parametrize("changes", [{"length": 11}, {"sha": "cd" * 32}])
def test_no_byte_may_differ(changes):
    assert attack_of(check_same, target(CLAIMS), target(CLAIMS, **changes), CLAIMS) is Attack.MIX_AND_MATCH


@given(cells, cells, st.sampled_from(["CN", "EU"]))
def test_evidence_reaches_where_every_cell_that_the_vehicle_drives_in_passed(passed, driven, market):
    claims = replace(CLAIMS, reach=(Reach("vela", "CN", tuple(sorted(passed))),), entitlement="")
    vehicle = Vehicle("v", "vela", market, {}, domain=frozenset(driven))
    reaches = market == "CN" and (not passed or driven <= passed)
    assert attack_of(check_claims, claims, "file", vehicle, {}) is (None if reaches else Attack.EVIDENCE_REACH)


@given(st.lists(st.tuples(st.sampled_from(["pilot", "valet"]), st.integers(1, 6)), max_size=12))
def test_of_no_release_an_ecu_ever_goes_back(wanted):
    ecu, greatest = Ecu("1", "h1", "pilot"), {"pilot": 0, "valet": 0}
    for release, counter in wanted:
        claims = replace(CLAIMS, release=release, counter=counter)
        sha = f"{counter:02x}" * 32
        met = attack_of(check_order, ecu, claims, target(claims, sha=sha))
        assert (met is Attack.ROLLBACK) == (counter < greatest[release])
        if met is None:
            ecu = ecu.running(Installed(release, "1", counter, sha, 10, "path", "2" * 64))
            greatest[release] = counter


@st.composite
def vehicles(draw):
    """Three ECUs, of which each has something that may require or conflict with another's role or release."""
    names = st.sampled_from(["a", "b", "c", "release-a", "release-b"])
    spans = st.tuples(counters, counters).map(lambda pair: (min(pair), max(pair)))
    ecus = {
        role: Ecu(
            role,
            "h",
            role,
            installed=draw(
                st.none()
                | st.builds(
                    Installed,
                    st.just(f"release-{role}"),
                    st.just("1"),
                    counters,
                    st.just(SHA),
                    st.just(1),
                    st.just(role),
                    st.just(SHA),
                    st.dictionaries(names, counters, max_size=2),
                    st.dictionaries(names, spans, max_size=1),
                )
            ),
        )
        for role in ("a", "b", "c")
    }
    return Vehicle("v", "vela", "CN", ecus)


@given(vehicles())
def test_a_bundle_fits_exactly_when_all_that_is_required_is_there_and_nothing_conflicts(vehicle):
    """Beside it, said otherwise: counters by every name that they go by."""
    there = {}
    for role, ecu in vehicle.ecus.items():
        if ecu.installed:
            there[role] = there[f"release-{role}"] = ecu.installed.counter
    installed = [ecu.installed for ecu in vehicle.ecus.values() if ecu.installed]
    fits = all(there.get(name, 0) >= least for one in installed for name, least in one.requires.items()) and not any(
        name in there and first <= there[name] <= last for one in installed for name, (first, last) in one.conflicts.items()
    )
    assert attack_of(compatible, vehicle, ()) is (None if fits else Attack.INCOMPATIBLE)


@given(st.lists(st.tuples(st.sampled_from(["zstd-patch", "bsdiff", "later"]), st.sampled_from([SHA, "cd" * 32]), st.integers(1, 20))))
def test_deltas_are_those_that_the_ecu_can_apply_and_that_save_bytes_smallest_first(offered):
    ecu = Ecu("1", "h", "r", installed=Installed("pilot", "1", 1, SHA, 10, "path", SHA), methods=("bsdiff",))
    found = deltas_for(ecu, target(CLAIMS), [Delta(method, base, "path", length, SHA) for method, base, length in offered])
    lengths = [length for method, base, length in offered if method == "bsdiff" and base == SHA and length < 10]
    assert [one.length for one in found] == sorted(lengths)
