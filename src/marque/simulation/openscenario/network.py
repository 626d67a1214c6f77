"""Where road coordinates are, which road a place is on, and the ways from road to road."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from itertools import pairwise

from marque.driving.importers.opendrive import DRIVING, Road, Roads, Way
from marque.simulation.openscenario.course import TOLERANCE_M, Course, Pose, wrapped


@dataclass(frozen=True, slots=True)
class Place:
    """Road coordinates: s m along the reference line of a road, t m to its left."""

    road: str
    s: float
    t: float


@dataclass(frozen=True, slots=True)
class Leg:
    """A stretch of a route on one road: from s `begin` to s `end` (below it where it is travelled backward); `start` m into the route."""

    road: str
    forward: bool
    begin: float
    end: float
    start: float


@dataclass(frozen=True, slots=True)
class Route:
    """A way over roads. Its own coordinates: m from its beginning along the reference lines, t m to the left of its direction."""

    legs: tuple[Leg, ...]
    course: Course

    @property
    def length(self) -> float:
        return self.course.length

    def leg(self, s: float) -> tuple[Leg, float]:
        """The leg that holds s m of the route, and the s of its road there."""
        leg = next((leg for leg in reversed(self.legs) if s >= leg.start), self.legs[0])
        return leg, leg.begin + (s - leg.start if leg.forward else leg.start - s)

    def ways(self) -> tuple[tuple[str, bool], ...]:
        return tuple((leg.road, leg.forward) for leg in self.legs)


class Network:
    """The roads of a scenario with what is needed to move on them."""

    def __init__(self, roads: Roads) -> None:
        self.roads = roads
        self._courses: dict[str, Course] = {}

    def road(self, place_road: str) -> Road:
        return self.roads.roads[place_road]

    def pose(self, place: Place) -> Pose:
        """The place in the world, headed as the reference line is."""
        x, y, heading = self.road(place.road).line.pose(place.s)
        return x - place.t * math.sin(heading), y + place.t * math.cos(heading), heading

    def reference(self, road: str) -> Course:
        """The reference line of a road as a course."""
        if road not in self._courses:
            line = self.road(road).line
            places = line.samples(TOLERANCE_M)
            self._courses[road] = Course.through([line.pose(s) for s in places], places)
        return self._courses[road]

    def locate(self, x: float, y: float, heading: float | None = None, near: Place | None = None) -> Place:
        """The road coordinates of a place: on the road whose lanes hold it, else on the nearest; the one driven on before, or else the
        best aligned, where roads lie across each other.
        """
        if near is not None:
            s, t = self.reference(near.road).project(x, y, near.s)
            if 0.0 < s < self.road(near.road).length and self.road(near.road).lane_at(s, t) is not None:
                return Place(near.road, s, t)
        best, found = math.inf, Place(next(iter(self.roads.roads)), 0.0, 0.0)
        for name, road in self.roads.roads.items():
            s, t = self.reference(name).project(x, y)
            inside = min(road.length, max(0.0, s))
            beside = abs(s - inside)
            if beside > 0.0 or road.lane_at(inside, t) is None:
                beside += 0.1 + max(
                    0.0, abs(t) - max(abs(b) for k in road.section(inside).lanes for b in road.lane_borders(inside, k) or (0,))
                )
            turned = 0.0 if heading is None else abs(math.sin(wrapped(heading - road.line.pose(inside)[2])))
            cost = beside + 0.05 * turned + 1e-4 * abs(t)
            if cost < best:
                best, found = cost, Place(name, s, t)
        return found

    def on_road(self, place: Place) -> bool:
        """Whether a lane for vehicles holds a place."""
        road = self.road(place.road)
        if not 0.0 <= place.s <= road.length:
            return False
        lane = road.lane_at(place.s, place.t)
        return lane is not None and road.lane_type(place.s, lane) in DRIVING

    def onward(self, way: Way, route: Route | None) -> Way | None:
        """Which way is taken at the end of a road: the route's, else the straightest; None where the road ends."""
        choices = self.roads.beyond(way)
        if not choices:
            choices = self.roads.beyond(Way(way.road, way.forward))
        if route is not None:
            planned = set(route.ways())
            choices = [choice for choice in choices if (choice.road, choice.forward) in planned] or choices
        return min(choices, key=self._bend, default=None)

    def _bend(self, way: Way) -> float:
        line = self.road(way.road).line
        return abs(wrapped(line.pose(line.length)[2] - line.pose(0.0)[2]))

    def beyond(self, place: Place, ds: float, lane: int | None) -> tuple[Place, int | None, bool]:
        """The place `ds` m on along s (back where below 0), over the ends of roads; the lane's number there; whether s still grows that
        way. t is 0 where a road is left: who asks knows the lane.
        """
        way, s = Way(place.road, ds >= 0.0, lane), place.s + ds
        grows = True
        for _ in range(1000):
            road = self.road(way.road)
            over = s - road.length if way.forward else -s
            following = self.onward(way, None) if over > 0.0 else None
            if following is None:
                return Place(way.road, s, place.t if way.road == place.road else 0.0), way.lane, grows
            grows = grows == (following.forward == way.forward)
            s = over if following.forward else self.road(following.road).length - over
            way = following
        return place, lane, True

    def route(self, stations: list[tuple[Place, bool | None]]) -> Route | None:
        """The shortest way through places (at least 2), each with the direction it is to be left in, None for either; None where there is
        none.
        """
        legs: list[Leg] = []
        start, forward = 0.0, stations[0][1]
        for (here, said), (there, _) in pairwise(stations):
            heads = [forward] if forward is not None else [said] if said is not None else [True, False]
            found = min((way for head in heads if (way := self._search(here, head, there))), key=lambda way: way[0], default=None)
            if found is None:
                return None
            for road, ahead, begin, end in found[1]:
                legs.append(Leg(road, ahead, begin, end, start))
                start += abs(end - begin)
            forward = legs[-1].forward
        legs = [leg for leg in legs if leg.begin != leg.end] or legs[:1]
        return Route(tuple(legs), self._course(legs))

    def _search(self, here: Place, forward: bool, there: Place) -> tuple[float, list[tuple[str, bool, float, float]]] | None:
        """(length, stretches) from a place, left in a direction, to another; Dijkstra over the ends of roads."""
        if here.road == there.road and (there.s - here.s) * (1.0 if forward else -1.0) >= 0.0:
            return abs(there.s - here.s), [(here.road, forward, here.s, there.s)]
        first = (here.road, forward)
        edge = self.road(here.road).length if forward else 0.0
        queue = [(abs(edge - here.s), 0, first)]
        came: dict[tuple[str, bool], tuple[str, bool]] = {}
        done: set[tuple[str, bool]] = set()
        count = 0
        while queue:
            cost, _, state = heapq.heappop(queue)
            if state in done:
                continue
            done.add(state)
            if state[0] == there.road and (state != first or came):
                if state == first:
                    continue
                return self._unwound(here, there, first, state, came, cost)
            for choice in self.roads.beyond(Way(*state)):
                following = (choice.road, choice.forward)
                if following not in done:
                    length = self.road(choice.road).length
                    last = choice.road == there.road
                    count += 1
                    came.setdefault(following, state)
                    step = (there.s if choice.forward else length - there.s) if last else length
                    heapq.heappush(queue, (cost + step, count, following))
        return None

    def _unwound(
        self, here: Place, there: Place, first: tuple[str, bool], last: tuple[str, bool],
        came: dict[tuple[str, bool], tuple[str, bool]], cost: float,
    ) -> tuple[float, list[tuple[str, bool, float, float]]]:  # fmt: skip
        states = [last]
        while states[-1] != first:
            states.append(came[states[-1]])
        stretches = []
        for road, ahead in reversed(states):
            length = self.road(road).length
            begin, end = (0.0, length) if ahead else (length, 0.0)
            stretches.append((road, ahead, here.s if (road, ahead) == first else begin, there.s if (road, ahead) == last else end))
        return cost, stretches

    def _course(self, legs: list[Leg]) -> Course:
        poses: list[Pose] = []
        lengths: list[float] = []
        for leg in legs:
            line = self.road(leg.road).line
            low, high = min(leg.begin, leg.end), max(leg.begin, leg.end)
            places = [low, *(s for s in line.samples(TOLERANCE_M) if low < s < high), high]
            for s in places if leg.forward else reversed(places):
                x, y, heading = line.pose(s)
                poses.append((x, y, heading if leg.forward else heading + math.pi))
                lengths.append(leg.start + abs(s - leg.begin))
        return Course.through(poses, lengths)

    def along(self, a: Place, b: Place) -> float:
        """How far b lies along a's road from a, m, over the ends of roads; below 0 where it lies behind; inf where no road leads."""
        if a.road == b.road:
            return b.s - a.s
        found = []
        for forward in (True, False):
            way = self._search(a, forward, b)
            if way is not None:
                found.append(way[0] if forward else -way[0])
        return min(found, key=abs, default=math.inf)
