"""Small OpenSCENARIO files: a straight road of four lanes, and whatever a test puts on it."""

from __future__ import annotations

import functools
import math
import tempfile
from pathlib import Path

from marque.simulation.openscenario.scenario import TICK_S, Story, read_story

ROAD = """<OpenDRIVE><header revMajor="1" revMinor="6"/>
<road id="7" length="1000" junction="-1" rule="RHT"><planView>
<geometry s="0" x="0" y="0" hdg="0" length="1000"><line/></geometry></planView>
<lanes><laneSection s="0">
<left><lane id="2" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane>
<lane id="1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></left>
<center><lane id="0" type="none"/></center>
<right><lane id="-1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane>
<lane id="-2" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></right>
</laneSection></lanes></road></OpenDRIVE>"""

VEHICLE = """<Vehicle name="v" vehicleCategory="car"><BoundingBox><Center x="1.4" y="0" z="0.8"/>
<Dimensions width="1.8" length="4.5" height="1.5"/></BoundingBox><Performance maxSpeed="60" maxAcceleration="5" maxDeceleration="9"/>
<Axles><FrontAxle maxSteering="0.5" wheelDiameter="0.6" trackWidth="1.6" positionX="2.7" positionZ="0.3"/>
<RearAxle maxSteering="0" wheelDiameter="0.6" trackWidth="1.6" positionX="0" positionZ="0.3"/></Axles></Vehicle>"""


@functools.cache
def _road_folder() -> tempfile.TemporaryDirectory[str]:
    """One road for all files: converting it anew takes longer than most tests."""
    folder = tempfile.TemporaryDirectory(prefix="marque-road-")
    (Path(folder.name) / "road.xodr").write_text(ROAD)
    return folder


def lane_position(s: float, lane: int = -1, offset: float = 0.0) -> str:
    return f'<LanePosition roadId="7" laneId="{lane}" s="{s}" offset="{offset}"/>'


def teleport(position: str) -> str:
    return f"<PrivateAction><TeleportAction><Position>{position}</Position></TeleportAction></PrivateAction>"


def speed(value: float | str, shape: str = "step", dimension: str = "time", over: float = 0.0, target: str = "") -> str:
    wanted = target or f'<AbsoluteTargetSpeed value="{value}"/>'
    return f"""<PrivateAction><LongitudinalAction><SpeedAction>
    <SpeedActionDynamics dynamicsShape="{shape}" dynamicsDimension="{dimension}" value="{over}"/>
    <SpeedActionTarget>{wanted}</SpeedActionTarget></SpeedAction></LongitudinalAction></PrivateAction>"""


def time_condition(value: float, rule: str = "greaterOrEqual", edge: str = "none", delay: float = 0.0) -> str:
    return condition(f'<ByValueCondition><SimulationTimeCondition value="{value}" rule="{rule}"/></ByValueCondition>', edge, delay)


def condition(what: str, edge: str = "none", delay: float = 0.0) -> str:
    return f'<ConditionGroup><Condition name="c" conditionEdge="{edge}" delay="{delay}">{what}</Condition></ConditionGroup>'


def together(*groups: str) -> str:
    """The conditions of several groups as one, all of which have to hold."""
    return "".join(groups).replace("</ConditionGroup><ConditionGroup>", "")


def entity_condition(what: str, who: str = "Ego") -> str:
    return f"""<ByEntityCondition><TriggeringEntities triggeringEntitiesRule="any"><EntityRef entityRef="{who}"/></TriggeringEntities>
    <EntityCondition>{what}</EntityCondition></ByEntityCondition>"""


def event(name: str, action: str, trigger: str = "", priority: str = "parallel", count: int = 1) -> str:
    start = f"<StartTrigger>{trigger}</StartTrigger>" if trigger else ""
    return f"""<Event name="{name}" priority="{priority}" maximumExecutionCount="{count}">
    <Action name="{name}Action">{action}</Action>{start}</Event>"""


def story_of(events: str, actor: str = "Other", stop: str = "") -> str:
    return f"""<Story name="s"><Act name="a"><ManeuverGroup name="g" maximumExecutionCount="1">
    <Actors selectTriggeringEntities="false"><EntityRef entityRef="{actor}"/></Actors>
    <Maneuver name="m">{events}</Maneuver></ManeuverGroup><StartTrigger>{time_condition(0.0)}</StartTrigger></Act></Story>
    <StopTrigger>{stop}</StopTrigger>"""


EGO = teleport(lane_position(10.0)) + speed(10.0)
OTHER = teleport(lane_position(60.0)) + speed(10.0)


def document(story: str, other: str = OTHER, ego: str = EGO, parameters: str = "", init: str = "", entities: str = "") -> str:
    return f"""<OpenSCENARIO><FileHeader revMajor="1" revMinor="3" date="2026-01-01T00:00:00" description="test" author="test"/>
    <ParameterDeclarations>{parameters}</ParameterDeclarations><CatalogLocations/>
    <RoadNetwork><LogicFile filepath="{_road_folder().name}/road.xodr"/></RoadNetwork>
    <Entities><ScenarioObject name="Ego">{VEHICLE}</ScenarioObject>
    <ScenarioObject name="Other">{VEHICLE}</ScenarioObject>{entities}</Entities>
    <Storyboard><Init><Actions>{init}<Private entityRef="Ego">{ego}</Private><Private entityRef="Other">{other}</Private></Actions></Init>
    {story}</Storyboard></OpenSCENARIO>"""


def write(folder: Path, text: str, name: str = "file.xosc") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def begun(folder: Path, text: str) -> Story:
    story = read_story(write(folder, text))
    story.begin()
    return story


def run(story: Story, seconds: float) -> Story:
    """Ticks on; the ego drives straight on at the speed it has, as nobody drives it here."""
    first = round(story.world.time_s / TICK_S)
    ego = story.world.ego
    for tick in range(first + 1, first + round(seconds / TICK_S) + 1):
        story.tick()
        ego.x += ego.speed * TICK_S * math.cos(ego.heading)
        ego.y += ego.speed * TICK_S * math.sin(ego.heading)
        ego.travelled += abs(ego.speed) * TICK_S
        story.look(tick)
    return story
