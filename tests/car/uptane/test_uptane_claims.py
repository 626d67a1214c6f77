"""Claims and assignments as JSON: what is written reads back equal, and what is not understood is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.car.attacks import Attack, UpdateRefused
from marque.car.uptane.claims import Assignment, Claims, Delta, Reach
from marque.car.uptane.claims_json import DELTA_METHODS, assignment_of, claims_of, custom_of, custom_with

words = st.text(st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"]), min_size=1, max_size=20)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
counters = st.integers(1, 2**53 - 1)
names = st.lists(words, unique=True, max_size=3).map(tuple)
reaches = st.builds(Reach, words, words, names)
spans = st.tuples(counters, counters).map(lambda pair: (min(pair), max(pair)))
claims = st.builds(
    Claims,
    release=words,
    version=words,
    counter=counters,
    digest=digests,
    evidence=digests,
    verdict=words,
    reach=st.lists(reaches, max_size=3).map(tuple),
    hardware=names,
    rxswin=st.dictionaries(words, words, max_size=2),
    requires=st.dictionaries(words, counters, max_size=2),
    conflicts=st.dictionaries(words, spans, max_size=2),
    entitlement=st.one_of(st.just(""), words),
)
deltas = st.builds(Delta, st.sampled_from(DELTA_METHODS), digests, words, counters, digests)
assignments = st.builds(
    Assignment, ecus=st.dictionaries(words, words, min_size=1, max_size=3), deltas=st.lists(deltas, max_size=3).map(tuple)
)
CLAIM_FIELDS = tuple(Claims.__dataclass_fields__)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (*CLAIM_FIELDS, "ecus", "deltas", "model", "market")


def attack_of(act):
    try:
        act()
    except UpdateRefused as refused:
        return refused.attack
    return None


@given(claims)
def test_claims_read_back_as_written(said):
    assert claims_of(json.loads(json.dumps(custom_of(said))), "file") == said


@given(claims, assignments)
def test_the_director_says_the_claims_and_whom_they_are_for(said, wanted):
    custom = json.loads(json.dumps(custom_with(said, wanted)))
    assert claims_of(custom, "file") == said
    assert assignment_of(custom, "file") == wanted


@given(claims, assignments, st.sampled_from(FIELDS), anything)
def test_a_field_of_another_kind_is_refused_or_read_and_nothing_else(said, wanted, name, value):
    custom = json.loads(json.dumps(custom_with(said, wanted)))
    for part in ("marque", "assign"):
        changed = custom | {part: custom[part] | {name: value}}
        for read in (claims_of, assignment_of):
            assert attack_of(lambda read=read, changed=changed: read(changed, "file")) in {None, Attack.MALFORMED, Attack.EVIDENCE_MISSING}


@given(claims, words)
def test_a_claim_that_this_car_does_not_know_may_be_a_limit_and_is_refused(said, value):
    custom = custom_of(said)
    with pytest.raises(UpdateRefused, match="not known to this car") as refused:
        claims_of({"marque": custom["marque"] | {"not_before": value}}, "file")
    assert refused.value.attack is Attack.MALFORMED


@pytest.mark.parametrize("custom", [{}, {"marque": {}}, {"marque": {"release": "pilot"}}])
def test_what_names_no_evidence_is_refused_as_that(custom):
    with pytest.raises(UpdateRefused) as refused:
        claims_of(custom, "file")
    assert refused.value.attack is Attack.EVIDENCE_MISSING


def test_an_assignment_to_no_ecu_is_refused():
    with pytest.raises(UpdateRefused, match="names no ECU"):
        assignment_of({"assign": {"ecus": {}}}, "file")
