"""Positions of every kind the standard knows, told when they are needed.

A position may be relative to an entity that moves, so it is read once and placed later. Coordinates of roads and lanes are exact
(`driving.importers.opendrive`). Where no orientation is given, an entity faces the way its lane, route or trajectory leads, or as who it is
relative to. Source: ASAM OpenSCENARIO XML 1.3, class reference, `Position`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from marque.common import MarqueError
from marque.simulation.openscenario.course import Course, Pose, wrapped
from marque.simulation.openscenario.document import Node
from marque.simulation.openscenario.entities import Entity, Mode
from marque.simulation.openscenario.network import Network, Place, Route

_ACROSS_RAD = math.radians(30.0)


class NotPlacedError(MarqueError):
    """An entity that something is relative to has no place yet."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A position in the world. place, lane: where it was given in road coordinates; course: and where along a route or trajectory."""

    pose: Pose
    place: Place | None = None
    lane: int | None = None
    course: Course | None = None
    course_s: float = 0.0
    route: Route | None = None


Position = Callable[["Stage"], Spot]


@dataclass(slots=True)
class Stage:
    """Where everything happens: the roads, and everyone on them."""

    network: Network
    entities: dict[str, Entity]

    def entity(self, name: str) -> Entity:
        entity = self.entities[name]
        if not entity.placed:
            raise NotPlacedError(f'"{name}" is needed before it has a position')
        return entity

    def place(self, entity: Entity) -> Place:
        """The road coordinates of an entity's origin."""
        if entity.place is None or ((entity.ego or entity.mode is not Mode.LANE) and entity.located != entity.pose):
            entity.place = self.network.locate(entity.x, entity.y, entity.heading, entity.place)
            entity.located = entity.pose
        return entity.place

    def lane(self, entity: Entity) -> int | None:
        place = self.place(entity)
        return self.network.road(place.road).lane_at(place.s, place.t)


def entity_name(node: Node, stage: Stage, attribute: str = "entityRef") -> str:
    """An entity the file declares. Raises InputError for another."""
    name = node.text(attribute)
    if name not in stage.entities:
        raise node.fault(f'there is no entity "{name}"')
    return name


def read_position(node: Node, stage: Stage) -> Position:
    """What a `Position` (or a thing of that type) says. Raises InputError for kinds that are not supported."""
    kind = node.only()
    reader = _READERS.get(kind.tag)
    if reader is None:
        raise kind.unsupported(f"{', '.join(sorted(_READERS))} can be placed.")
    return reader(kind, stage)


def _orientation(node: Node) -> tuple[float | None, bool]:
    """(heading or None, whether it is relative to the position's own direction)."""
    given = node.maybe("Orientation")
    if given is None:
        return None, True
    given.pass_over("p", "r")
    return given.number("h", 0.0), given.choice("type", ("absolute", "relative"), "absolute") == "relative"


def _headed(own: float, orientation: tuple[float | None, bool]) -> float:
    heading, relative = orientation
    return own if heading is None else own + heading if relative else heading


def _world(node: Node, stage: Stage) -> Position:
    x, y, h = node.number("x"), node.number("y"), node.number("h", 0.0)
    node.pass_over("z", "p", "r")
    return lambda stage: Spot((x, y, h))


def _road_named(node: Node, stage: Stage) -> str:
    name = node.text("roadId")
    if name not in stage.network.roads.roads:
        raise node.fault(f'the road network has no road "{name}"')
    return name


def _road_position(node: Node, stage: Stage) -> Position:
    place = Place(_road_named(node, stage), node.number("s"), node.number("t"))
    road, orientation = stage.network.road(place.road), _orientation(node)
    if not -1e-6 <= place.s <= road.length + 1e-6:
        raise node.fault(f'the road "{place.road}" is {road.length:g} m long, s is {place.s:g}')
    x, y, heading = stage.network.pose(place)
    spot = Spot((x, y, _headed(heading, orientation)), place, road.lane_at(place.s, place.t))
    return lambda stage: spot


def _lane_position(node: Node, stage: Stage) -> Position:
    name, lane = _road_named(node, stage), node.whole("laneId")
    s, offset, orientation = node.number("s"), node.number("offset", 0.0), _orientation(node)
    road = stage.network.road(name)
    if not -1e-6 <= s <= road.length + 1e-6:
        raise node.fault(f'the road "{name}" is {road.length:g} m long, s is {s:g}')
    t = road.lane_t(s, lane, offset)
    if t is None:
        raise node.fault(f'the road "{name}" has no lane {lane} at s = {s:g}')
    x, y, heading = stage.network.pose(Place(name, s, t))
    own = heading if road.travels_forward(lane) else heading + math.pi
    spot = Spot((x, y, _headed(own, orientation)), Place(name, s, t), lane)
    return lambda stage: spot


def _relative_road(node: Node, stage: Stage) -> Position:
    name, ds, dt, orientation = entity_name(node, stage), node.number("ds"), node.number("dt"), _orientation(node)

    def placed(stage: Stage) -> Spot:
        here = stage.place(stage.entity(name))
        there, _, grows = stage.network.beyond(here, ds, None)
        place = Place(there.road, there.s, (here.t if grows else -here.t) + dt)
        x, y, heading = stage.network.pose(place)
        return Spot((x, y, _headed(heading, orientation)), place)

    return placed


def _relative_lane(node: Node, stage: Stage) -> Position:
    name, lanes, offset, orientation = entity_name(node, stage), node.whole("dLane"), node.number("offset", 0.0), _orientation(node)
    along_lane = node.has("dsLane")
    ds = node.number("dsLane") if along_lane else node.number("ds")

    def placed(stage: Stage) -> Spot:
        here, lane = stage.place(stage.entity(name)), stage.lane(stage.entity(name))
        if lane is None:
            raise node.fault(f'"{name}" is on no lane')
        lane = shifted(lane, lanes)
        way = ds
        road = stage.network.road(here.road)
        if along_lane:  # metres of the lane's middle, not of the reference line
            t = road.lane_t(here.s, lane)
            way = ds / max(0.1, 1.0 - road.line.curvature(here.s) * (t or 0.0))
        there, after, grows = stage.network.beyond(here, way, lane)
        road = stage.network.road(there.road)
        number = lane if after is None else after
        number = road.renumbered(number, here.s, there.s) if there.road == here.road else number
        t = road.lane_t(there.s, number, offset if grows else -offset)
        if t is None:
            raise node.fault(f'the road "{there.road}" has no lane {number} at s = {there.s:g}')
        place = Place(there.road, there.s, t)
        x, y, heading = stage.network.pose(place)
        own = heading if road.travels_forward(number) else heading + math.pi
        return Spot((x, y, _headed(own, orientation)), place, number)

    return placed


def shifted(lane: int, by: int) -> int:
    """A lane's number, `by` lanes to the left of the road's direction; there is no lane 0."""
    after = lane + by
    if (lane < 0 <= after) or (after <= 0 < lane):
        after += 1 if by > 0 else -1
    return after


def _relative_object(node: Node, stage: Stage) -> Position:
    name, dx, dy, orientation = entity_name(node, stage), node.number("dx"), node.number("dy"), _orientation(node)
    node.pass_over("dz")

    def placed(stage: Stage) -> Spot:
        x, y, heading = stage.entity(name).pose
        c, s = math.cos(heading), math.sin(heading)
        return Spot((x + dx * c - dy * s, y + dx * s + dy * c, _headed(heading, orientation)))

    return placed


def _relative_world(node: Node, stage: Stage) -> Position:
    name, dx, dy, orientation = entity_name(node, stage), node.number("dx"), node.number("dy"), _orientation(node)
    node.pass_over("dz")

    def placed(stage: Stage) -> Spot:
        x, y, heading = stage.entity(name).pose
        return Spot((x + dx, y + dy, _headed(heading, orientation)))

    return placed


def _route_position(node: Node, stage: Stage) -> Position:
    route = read_route(node.one("RouteRef").only(), stage)
    orientation, where = _orientation(node), node.one("InRoutePosition").only()
    if where.tag == "FromRoadCoordinates":
        s, lane, t = where.number("pathS"), None, where.number("t")
    elif where.tag == "FromLaneCoordinates":
        s, lane, t = where.number("pathS"), where.whole("laneId"), where.number("laneOffset", 0.0)
    elif where.tag == "FromCurrentEntity":
        name = entity_name(where, stage)
        return lambda stage: _on_route(stage, route, route.course.project(*stage.entity(name).pose[:2]), orientation)
    else:
        raise where.unsupported("FromRoadCoordinates, FromLaneCoordinates and FromCurrentEntity can be placed.")
    if not -1e-6 <= s <= route.length + 1e-6:
        raise where.fault(f"the route is {route.length:g} m long, pathS is {s:g}")
    if lane is not None:
        leg, road_s = route.leg(s)
        number = lane if leg.forward else -lane
        borders = stage.network.road(leg.road).lane_borders(road_s, number)
        if borders is None:
            raise where.fault(f'the road "{leg.road}" has no lane {number} at s = {road_s:g}')
        t += 0.5 * sum(borders) * (1.0 if leg.forward else -1.0)
    spot = _on_route(stage, route, (s, t), orientation)
    return lambda stage: spot


def _on_route(stage: Stage, route: Route, at: tuple[float, float], orientation: tuple[float | None, bool]) -> Spot:
    leg, s = route.leg(at[0])
    place = Place(leg.road, s, at[1] if leg.forward else -at[1])
    x, y, heading = stage.network.pose(place)
    own = heading if leg.forward else heading + math.pi
    return Spot((x, y, _headed(own, orientation)), place, stage.network.road(leg.road).lane_at(s, place.t), route.course, at[0], route)


def read_route(node: Node, stage: Stage) -> Route:
    """A `Route`, in the file or a catalog. Its waypoints must not be relative to anyone."""
    route = node.followed()
    if route.tag != "Route":
        raise route.fault("a Route is expected here")
    route.text("name", "")
    if route.flag("closed", False):
        raise route.fault("a closed route is not supported", "Repeat the waypoints as often as it is to be driven.")
    stations = []
    for waypoint in route.each("Waypoint"):
        waypoint.choice("routeStrategy", ("shortest", "fastest", "leastIntersections", "random"), "shortest")
        stations.append(station(read_position(waypoint.one("Position"), stage)(stage), stage))
    if len(stations) < 2:
        raise route.fault("at least 2 waypoints are expected")
    found = stage.network.route(stations)
    if found is None:
        raise route.fault("no roads lead from waypoint to waypoint")
    return found


def station(spot: Spot, stage: Stage) -> tuple[Place, bool | None]:
    """A place on the roads, and the direction in which its lane is left."""
    place = spot.place or stage.network.locate(*spot.pose)
    road = stage.network.road(place.road)
    lane = spot.lane if spot.lane is not None else road.lane_at(place.s, place.t)
    return place, None if lane is None or lane == 0 else road.travels_forward(lane)


def _trajectory_position(node: Node, stage: Stage) -> Position:
    from marque.simulation.openscenario.trajectories import read_trajectory

    trajectory = read_trajectory(node.one("TrajectoryRef").only(), stage)
    s, t, orientation = node.number("s"), node.number("t", 0.0), _orientation(node)

    def placed(stage: Stage) -> Spot:
        course = trajectory.course(stage, None)
        x, y, heading = course.pose(s)
        return Spot(
            (x - t * math.sin(heading), y + t * math.cos(heading), _headed(heading, orientation)), course=course, course_s=s
        )  # fmt: skip

    return placed


_READERS: dict[str, Callable[[Node, Stage], Position]] = {
    "WorldPosition": _world,
    "RoadPosition": _road_position,
    "LanePosition": _lane_position,
    "RelativeRoadPosition": _relative_road,
    "RelativeLanePosition": _relative_lane,
    "RelativeObjectPosition": _relative_object,
    "RelativeWorldPosition": _relative_world,
    "RoutePosition": _route_position,
    "TrajectoryPosition": _trajectory_position,
}


def crosses_road(heading: float, road_heading: float) -> bool:
    """Whether somebody who faces so does not follow the road either way."""
    turned = abs(wrapped(heading - road_heading))
    return _ACROSS_RAD < turned < math.pi - _ACROSS_RAD
