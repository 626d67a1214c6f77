"""What a moment says in words: the rows of our cars, the chosen car's card, the totals of traffic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from marque.app.words import Words
from marque.common import Floats, Ints, kmh_from_mps
from marque.driving.observation import Kind
from marque.driving.view import Reason, View
from marque.simulation.frame import Flag, Frame

_STANDING_MPS = 0.3
_LIGHTS = {Reason.RED_LIGHT, Reason.AMBER_LIGHT}
_ON_WHEELS = (Kind.CAR, Kind.TRUCK, Kind.BUS, Kind.MOTORCYCLE, Kind.TRAM)


@dataclass(frozen=True, slots=True)
class Lanes:
    """What the words need of the map, by lane: the posted limit in m/s (inf: none) and the length in m."""

    limit_mps: Floats
    length_m: Floats


@dataclass(frozen=True, slots=True)
class Row:
    """One of our cars."""

    id: int
    number: int
    name: str
    doing: str
    sentence: str
    speed: str
    waiting_for: str
    reason: str
    standing: bool


@dataclass(frozen=True, slots=True)
class Card:
    """The chosen car in full: its row and (label, value) pairs."""

    row: Row
    speed_kmh: int
    facts: tuple[tuple[str, str], ...]


def rows(words: Words, frame: Frame, cars: Sequence[int]) -> list[Row]:
    """One row per car of ours that is on the road, in the order of `cars`, after which they are numbered from 1."""
    return [_row(words, frame, cars, car) for car in cars if car in frame.views and _place(frame, car) is not None]


def card(words: Words, frame: Frame, cars: Sequence[int], car: int, lanes: Lanes) -> Card | None:
    """The chosen car's card, None when it is not on the road now. Its view must hold the whole thinking."""
    place, view = _place(frame, car), frame.views.get(car)
    if place is None or view is None or car not in cars:
        return None
    facts = [
        (words("card.limit"), _limit(words, view, lanes)),
        (words("card.target"), _speed(words, view.target_speed_mps)),
        (words("card.for"), _subject(words, frame, cars, view) or words("subject.none")),
        (
            words("card.distance"),
            words("metres", metres=round(view.distance_m)) if math.isfinite(view.distance_m) else words("subject.none"),
        ),
        (words("card.route"), _length(words, float(lanes.length_m[_known(view, lanes)].sum()))),
        (words("card.expects"), words("card.expects.value", actors=len({prediction.subject for prediction in view.predictions}))),
    ]
    return Card(_row(words, frame, cars, car), round(kmh_from_mps(abs(frame.speed_mps[place]))), tuple(facts))


def totals(words: Words, frame: Frame) -> list[tuple[str, str]]:
    """(label, value) pairs about everybody on the road."""
    driving = np.isin(frame.kinds, _ON_WHEELS)
    speeds = frame.speed_mps[driving]
    minutes, seconds = divmod(int(frame.time_s), 60)
    return [
        (words("totals.time"), f"{minutes // 60:d}:{minutes % 60:02d}:{seconds:02d}"),
        (words("totals.vehicles"), str(int(driving.sum()))),
        (words("totals.waiting"), str(int((np.abs(speeds) < _STANDING_MPS).sum()))),
        (words("totals.speed"), _speed(words, float(speeds.mean()) if len(speeds) else 0.0)),
        (words("totals.pedestrians"), str(int((frame.kinds == Kind.PEDESTRIAN).sum()))),
        (words("totals.cyclists"), str(int((frame.kinds == Kind.BICYCLE).sum()))),
    ]


def results(words: Words, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(label, value) pairs of what a drive's result says, as far as it says it."""
    seconds = ("driven_s", "goal_s", "collision_s", "edge_s", "infeasible_s", "ttc_min_s")
    told = [(words(f"result.{name}"), words("seconds", seconds=f"{facts[name]:.1f}")) for name in seconds if _is_number(facts.get(name))]
    if isinstance(facts.get("at_fault"), bool):
        told.append((words("result.at_fault"), words("replays.yes" if facts["at_fault"] else "replays.no")))
    comfort = facts.get("comfort")
    if isinstance(comfort, dict) and _is_number(comfort.get("braking_max_mps2")):
        told.append((words("result.braking_max_mps2"), words("result.mps2", value=f"{comfort['braking_max_mps2']:.1f}")))
    return told


def sentence(words: Words, frame: Frame, cars: Sequence[int], view: View, *, standing: bool) -> str:
    """Why the car drives or stands as it does, as one sentence."""
    unnamed = words("subject.danger" if view.reason is Reason.EMERGENCY else "kind.nobody")
    subject = _subject(words, frame, cars, view) or unnamed
    key = f"{'standing' if standing else 'moving'}.{view.reason.name}"
    return words(key, subject=subject, ahead=_ahead(words, view.distance_m))


def _row(words: Words, frame: Frame, cars: Sequence[int], car: int) -> Row:
    view, place = frame.views[car], _place(frame, car)
    speed, flags = float(frame.speed_mps[place]), int(frame.flags[place])
    standing = abs(speed) < _STANDING_MPS
    waiting = flags & Flag.WAITING or (standing and view.reason is not Reason.CRUISE)
    number = cars.index(car) + 1
    return Row(
        id=car,
        number=number,
        name=words("car.name", number=number),
        doing=words(f"short.{view.reason.name}"),
        sentence=sentence(words, frame, cars, view, standing=standing),
        speed=_speed(words, speed),
        waiting_for=(waiting and _subject(words, frame, cars, view)) or words("subject.none"),
        reason=view.reason.name,
        standing=standing,
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _place(frame: Frame, actor: int) -> int | None:
    places = np.flatnonzero(frame.ids == actor)
    return int(places[0]) if len(places) else None


def _subject(words: Words, frame: Frame, cars: Sequence[int], view: View) -> str:
    """Whom or what the reason names; empty when it names nobody."""
    if view.reason in _LIGHTS:
        return words("subject.light")
    if view.subject < 0:
        return ""
    if view.subject in cars:
        return words("car.name", number=cars.index(view.subject) + 1)
    place = _place(frame, view.subject)
    return words("kind.nobody") if place is None else words(f"kind.{Kind(int(frame.kinds[place])).name}")


def _ahead(words: Words, distance_m: float) -> str:
    if not math.isfinite(distance_m):
        return words("ahead.unknown")
    return words("ahead.metres", metres=round(distance_m)) if distance_m >= 1.5 else words("ahead.here")


def _speed(words: Words, speed_mps: float) -> str:
    return words("kmh", speed=round(kmh_from_mps(abs(speed_mps)))) if math.isfinite(speed_mps) else words("unlimited")


def _distance(words: Words, distance_m: float) -> str:
    return words("metres", metres=round(distance_m)) if math.isfinite(distance_m) else words("subject.none")


def _length(words: Words, length_m: float) -> str:
    if length_m < 1000.0:
        return words("metres", metres=round(length_m))
    return words("kilometres", kilometres=f"{length_m / 1000.0:.1f}")


def _known(view: View, lanes: Lanes) -> Ints:
    """The lanes of the route that the map has."""
    return view.route[(view.route >= 0) & (view.route < len(lanes.length_m))]


def _limit(words: Words, view: View, lanes: Lanes) -> str:
    route = _known(view, lanes)
    return _speed(words, float(lanes.limit_mps[route[0]])) if len(route) else words("subject.none")
