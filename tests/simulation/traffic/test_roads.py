"""Which lanes traffic drives on."""

from __future__ import annotations

import numpy as np
import pytest
from loops import against_each_other, eight, merge, straight
from loops import lane as lay

from marque.common import InputError
from marque.driving.map import Colour
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import RoadSpec, SignalSpec
from marque.simulation.traffic import Traffic
from marque.simulation.traffic.roads import choose_roads


def test_every_lane_of_a_round_trip_is_used_one_that_ends_too():
    for road_map in (eight(), merge()):
        assert choose_roads(road_map).used.all()


@pytest.mark.parametrize(("apart_m", "room"), [(3.5, True), (2.3, True), (1.6, False)])
def test_where_two_cars_that_meet_have_no_room_nobody_drives(apart_m, room):
    if room:
        assert choose_roads(against_each_other(apart_m)).used.any()
    else:
        with pytest.raises(InputError):
            choose_roads(against_each_other(apart_m))


def test_a_road_without_a_way_back_is_refused():
    road_map = build_road_map(RoadSpec("there", "test", [lay("a", straight(0, 0, 90, 0), ["b"]), lay("b", straight(90, 0, 200, 0))]))
    with pytest.raises(InputError, match="leads back"):
        Traffic(road_map, vehicles=1)


def test_a_light_that_is_never_green_closes_its_lane():
    def with_light(colour):
        lanes = [
            lay("near", straight(0, 0, 90, 0), ["gate"]),
            lay("gate", straight(90, 0, 100, 0), ["far"], junction="j", signal="light"),
            lay("far", np.array([[100, 0], [150, 30], [150, 90], [0, 90], [-50, 30], [0, 0]], float), ["near"]),
        ]
        return build_road_map(RoadSpec("gate", "test", lanes, signals=[SignalSpec("light", [(10.0, colour)], junction="j")]))

    assert choose_roads(with_light(Colour.GREEN)).used.all()
    with pytest.raises(InputError):
        choose_roads(with_light(Colour.RED))
