"""The provisioned file of a vehicle, and what an ECU remembers of what it ran."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.car.uptane.vehicle import Ecu, Installed, Vehicle, dumps, read
from marque.common import InputError

digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=10)
counts = st.dictionaries(names, st.integers(1, 1000), max_size=2)
spans = st.tuples(st.integers(0, 9), st.integers(10, 20))
installed = st.builds(
    Installed, names, names, st.integers(1, 1000), digests, st.integers(0, 10**9), names, digests, counts, st.dictionaries(names, spans)
)


@st.composite
def vehicles(draw):
    serials = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    ecus = {
        serial: Ecu(
            serial=serial,
            hardware=draw(names),
            role=draw(names),
            primary=number == 0,
            installed=draw(st.none() | installed),
            methods=draw(st.sampled_from([(), ("bsdiff",), ("zstd-patch", "bsdiff")])),
            public_key=draw(st.just("") | digests),
            highest=draw(counts),
        )
        for number, serial in enumerate(serials)
    }
    return Vehicle(draw(names), draw(names), draw(names), ecus, frozenset(draw(st.sets(names))), frozenset(draw(st.sets(names))))


def one(release="pilot", counter=3):
    return Installed(release, "3.0", counter, "0" * 64, 10, "path", "1" * 64)


@given(vehicles())
def test_a_vehicle_reads_back_as_written(vehicle):
    assert read(dumps(vehicle)) == vehicle


@given(st.binary(max_size=200) | vehicles().map(dumps), st.integers(0, 5000), st.integers(0, 255))
def test_a_spoilt_file_is_an_error_for_people_or_reads(raw, place, byte):
    spoilt = raw[:place] + bytes([byte]) + raw[place + 1 :]
    try:
        found = read(spoilt)
    except InputError as fault:
        source, found = fault.source, None
    assert source == "vehicle.json" if found is None else found.primary.primary


@pytest.mark.parametrize("primaries", [0, 2])
def test_a_vehicle_has_one_primary(primaries):
    ecus = {str(number): Ecu(str(number), "h", "r", primary=number < primaries) for number in range(3)}
    with pytest.raises(InputError, match="exactly one primary"):
        read(dumps(Vehicle("v", "m", "k", ecus)))


def test_a_method_that_no_car_has_is_refused():
    raw = json.loads(dumps(Vehicle("v", "m", "k", {"1": Ecu("1", "h", "r", primary=True)})))
    raw["ecus"]["1"]["methods"] = ["xdelta"]
    with pytest.raises(InputError, match="zstd-patch, bsdiff"):
        read(json.dumps(raw).encode())


def test_an_ecu_remembers_the_highest_counter_of_each_release_that_it_ran():
    ecu = Ecu("1", "h", "r").running(one("pilot", 5)).running(one("valet", 1)).running(one("pilot", 4))
    assert ecu.least("pilot") == 5
    assert ecu.least("valet") == 1
    assert ecu.least("another") == 0
