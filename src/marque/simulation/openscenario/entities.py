"""Who takes part: bodies as the file describes them, and where each is at the present instant."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from marque.driving.observation import Kind
from marque.simulation.openscenario.course import Course, Pose
from marque.simulation.openscenario.document import Node
from marque.simulation.openscenario.network import Place, Route
from marque.vehicle import BMW_320I, VehicleParameters

_VEHICLES = {
    "car": Kind.CAR, "van": Kind.CAR, "truck": Kind.TRUCK, "semitrailer": Kind.TRUCK, "trailer": Kind.TRUCK, "bus": Kind.BUS,
    "motorbike": Kind.MOTORCYCLE, "bicycle": Kind.BICYCLE, "train": Kind.TRAM, "tram": Kind.TRAM, "standUpScooter": Kind.BICYCLE,
    "workMachine": Kind.TRUCK,
}  # fmt: skip
_PEDESTRIANS = ("pedestrian", "wheelchair", "animal")
_MISC = (
    "none", "obstacle", "pole", "tree", "vegetation", "barrier", "building", "parkingSpace", "patch", "railing", "trafficIsland",
    "crosswalk", "streetLamp", "gantry", "soundBarrier", "wind", "roadMark", "roadSurface",
)  # fmt: skip
_FLAT = ("parkingSpace", "patch", "crosswalk", "roadMark", "roadSurface")


@dataclass(frozen=True, slots=True)
class Body:
    """What an entity is. Its origin is where the file's positions put it: a vehicle's rear axle, on the ground.

    centre_x_m, centre_y_m: from the origin to the middle of the body, ahead and to the left.
    """

    kind: Kind
    length_m: float
    width_m: float
    centre_x_m: float
    centre_y_m: float
    speed_max_mps: float = math.inf
    acceleration_max_mps2: float = math.inf
    braking_max_mps2: float = math.inf
    wheelbase_m: float = 0.0
    steering_max_rad: float = 0.0
    category: str = "vehicle"
    solid: bool = True


class Mode(Enum):
    """How an entity that is no ego moves."""

    LANE = 0
    """Along its lane, at an offset from the lane's middle."""
    COURSE = 1
    """Along a trajectory."""
    FREE = 2
    """Straight on, as it is headed."""


@dataclass(slots=True)
class Entity:
    """One participant at the present instant. x, y, heading: of its origin. speed: along its heading, below 0 when it backs."""

    name: str
    body: Body
    ego: bool = False
    placed: bool = False
    active: bool = True
    sensed: bool = True
    x: float = 0.0
    y: float = 0.0
    heading: float = 0.0
    speed: float = 0.0
    acceleration: float = 0.0
    travelled: float = 0.0
    stood_s: float = 0.0
    off_road_s: float = 0.0
    at_end_s: float = 0.0

    mode: Mode = Mode.FREE
    place: Place | None = None
    """Kept by who moves along a lane; found out, when asked for, for others."""
    located: Pose | None = None
    """The pose it was found out at."""
    lane: int = 0
    offset: float = 0.0
    forward: bool = True
    sideways: float = 0.0
    """m/s to the left of its way, in mode LANE."""
    course: Course | None = None
    course_s: float = 0.0
    route: Route | None = None
    led: bool = False
    """Whether an action has said where the step that begins leads: its mean speed is `speed`."""

    @property
    def there(self) -> bool:
        """Whether it has been placed and not been deleted."""
        return self.placed and self.active

    @property
    def pose(self) -> Pose:
        return self.x, self.y, self.heading

    @property
    def centre(self) -> Pose:
        """The middle of the body, with its heading."""
        c, s = math.cos(self.heading), math.sin(self.heading)
        return (
            self.x + self.body.centre_x_m * c - self.body.centre_y_m * s,
            self.y + self.body.centre_x_m * s + self.body.centre_y_m * c,
            self.heading,
        )

    def corners(self) -> list[tuple[float, float]]:
        x, y, heading = self.centre
        c, s = math.cos(heading), math.sin(heading)
        a, b = 0.5 * self.body.length_m, 0.5 * self.body.width_m
        return [(x + u * c - v * s, y + u * s + v * c) for u, v in ((a, b), (a, -b), (-a, -b), (-a, b))]


def read_entities(root: Node) -> dict[str, Entity]:
    """The entities of a file, by name, the ego marked. Raises InputError where no ego can be told."""
    found: dict[str, Entity] = {}
    controlled = []
    node = root.one("Entities")
    for child in node.each("ScenarioObject"):
        name = child.text("name")
        if name in found:
            raise child.fault("the name is used twice, names must be unique")
        body = _body(child)
        found[name] = Entity(name, body)
        if child.maybe("ObjectController") is not None:
            # Which controller is not ours to choose: the ego is driven by the pilot, the others as the storyboard says.
            child.pass_over("<ObjectController>")
            controlled.append(name)
    named = [name for name in found if name.lower() in ("ego", "hero", "egovehicle", "ego_vehicle", "sut", "vut")]
    choice = named or (controlled if len(controlled) == 1 else [])
    if len(choice) != 1:
        raise node.fault("the ego cannot be told", 'Name one ScenarioObject "Ego", or give a controller to the ego alone.')
    ego = found[choice[0]]
    if ego.body.category != "vehicle":
        raise node.fault(f'the ego "{ego.name}" is no vehicle')
    ego.ego = True
    return found


def _body(scenario_object: Node) -> Body:
    kinds = ("CatalogReference", "Vehicle", "Pedestrian", "MiscObject")
    node = scenario_object.maybe(*kinds)
    if node is None:
        other = next((c for c in scenario_object.children() if c.tag != "ObjectController"), scenario_object)
        raise other.unsupported("Describe it as a Vehicle, a Pedestrian or a MiscObject.")
    node = node.followed()
    if node.tag not in kinds:
        raise node.fault("a Vehicle, a Pedestrian or a MiscObject is expected here")
    box = node.one("BoundingBox")
    centre, size = box.one("Center"), box.one("Dimensions")
    centre.number("z"), size.number("height")
    x, y = centre.number("x"), centre.number("y")
    length, width = size.number("length"), size.number("width")
    if length <= 0.0 or width <= 0.0:
        raise size.fault("length and width above 0 are expected")
    node.pass_over("name", "mass", "model", "model3d", "role", "<Properties>")
    if node.tag == "Vehicle":
        return _vehicle(node, length, width, x, y)
    if node.tag == "Pedestrian":
        node.choice("pedestrianCategory", _PEDESTRIANS)
        return Body(Kind.PEDESTRIAN, length, width, x, y, category="pedestrian")
    category = node.choice("miscObjectCategory", _MISC)
    return Body(Kind.STATIC, length, width, x, y, category="miscellaneous", solid=category not in _FLAT)


def _vehicle(node: Node, length: float, width: float, x: float, y: float) -> Body:
    kind = _VEHICLES[node.choice("vehicleCategory", tuple(_VEHICLES))]
    limits, axles = node.one("Performance"), node.one("Axles")
    limits.pass_over("maxAccelerationRate", "maxDecelerationRate")
    front, rear = axles.one("FrontAxle") if axles.maybe("FrontAxle") else None, axles.one("RearAxle")
    for axle in (front, rear):
        if axle is not None:
            axle.pass_over("wheelDiameter", "trackWidth", "positionZ", "maxSteering", "positionX")
    axles.pass_over("<AdditionalAxle>")
    node.pass_over("<TrailerHitch>", "<TrailerCoupler>")
    if node.maybe("Trailer") is not None:
        raise node.one("Trailer").unsupported("Trailers are not simulated.")
    return Body(
        kind, length, width, x, y,
        speed_max_mps=limits.number("maxSpeed"),
        acceleration_max_mps2=limits.number("maxAcceleration"),
        braking_max_mps2=limits.number("maxDeceleration"),
        wheelbase_m=0.0 if front is None else front.number("positionX") - rear.number("positionX"),
        steering_max_rad=0.0 if front is None else front.number("maxSteering"),
    )  # fmt: skip


def vehicle_of(body: Body) -> VehicleParameters:
    """The ego's vehicle model: size, axles and limits of the file's vehicle; what it does not say is that of the BMW 320i."""
    usual = BMW_320I
    grip = min(usual.braking_max_mps2, body.braking_max_mps2)
    return usual._replace(
        length_m=body.length_m,
        width_m=body.width_m,
        wheelbase_m=body.wheelbase_m if body.wheelbase_m > 0.5 else usual.wheelbase_m,
        rear_axle_m=body.centre_x_m,
        steering_max_rad=body.steering_max_rad if body.steering_max_rad > 0.0 else usual.steering_max_rad,
        speed_max_mps=min(body.speed_max_mps, 100.0),
        acceleration_max_mps2=min(usual.acceleration_max_mps2, body.acceleration_max_mps2),
        braking_max_mps2=grip,
        lateral_max_mps2=min(usual.lateral_max_mps2, grip),
    )


def body_of(vehicle: VehicleParameters) -> Body:
    """An ego with this vehicle's size, axles and limits."""
    return Body(
        Kind.CAR, vehicle.length_m, vehicle.width_m, vehicle.rear_axle_m, 0.0,
        speed_max_mps=vehicle.speed_max_mps,
        acceleration_max_mps2=vehicle.acceleration_max_mps2,
        braking_max_mps2=vehicle.braking_max_mps2,
        wheelbase_m=vehicle.wheelbase_m,
        steering_max_rad=vehicle.steering_max_rad,
    )  # fmt: skip
