"""Small CommonRoad files, written by hand: a straight road with two lanes each way and whatever a test puts on it."""

from __future__ import annotations

from pathlib import Path

STEP_S = 0.1


def exact(tag: str, value: float) -> str:
    return f"<{tag}><exact>{value}</exact></{tag}>"


def interval(tag: str, low: float, high: float) -> str:
    return f"<{tag}><intervalStart>{low}</intervalStart><intervalEnd>{high}</intervalEnd></{tag}>"


def point(x: float, y: float) -> str:
    return f"<point><x>{x}</x><y>{y}</y></point>"


def lanelet(name: int, left: list[tuple[float, float]], right: list[tuple[float, float]], more: str = "") -> str:
    borders = "".join(f"<{tag}>{''.join(point(*p) for p in line)}</{tag}>" for tag, line in (("leftBound", left), ("rightBound", right)))
    return f'<lanelet id="{name}">{borders}{more}</lanelet>'


def strip(name: int, y: float, *, x0: float = 0.0, x1: float = 200.0, width: float = 3.5, more: str = "") -> str:
    """A lanelet along x, its centre line at y."""
    left = [(x0, y + 0.5 * width), (x1, y + 0.5 * width)]
    right = [(x0, y - 0.5 * width), (x1, y - 0.5 * width)]
    return lanelet(name, left, right, more)


TWO_LANES = strip(1, 0.0, more='<adjacentLeft ref="2" drivingDir="same"/>') + strip(
    2, 3.5, more='<adjacentRight ref="1" drivingDir="same"/>'
)


def state(tag: str, step: int, x: float, y: float, heading: float = 0.0, speed: float = 0.0) -> str:
    where = f"<position>{point(x, y)}</position>"
    return f"<{tag}>{where}{exact('orientation', heading)}{exact('velocity', speed)}{exact('time', step)}</{tag}>"


def rectangle(length: float, width: float, x: float = 0.0, y: float = 0.0, heading: float = 0.0) -> str:
    size = f"<length>{length}</length><width>{width}</width>"
    return f"<rectangle>{size}<orientation>{heading}</orientation><center><x>{x}</x><y>{y}</y></center></rectangle>"


def car(name: int, path: list[tuple[float, float, float, float]], *, kind: str = "car", first: int = 0) -> str:
    """A moving obstacle: (x, y, heading, speed) step by step."""
    start, *rest = path
    states = "".join(state("state", first + k + 1, *row) for k, row in enumerate(rest))
    shape = "<shape><rectangle><length>4.5</length><width>1.8</width></rectangle></shape>"
    return (
        f'<obstacle id="{name}"><role>dynamic</role><type>{kind}</type>{shape}{state("initialState", first, *start)}'
        f"<trajectory>{states}</trajectory></obstacle>"
    )


def parked(name: int, x: float, y: float) -> str:
    shape = "<shape><rectangle><length>4.5</length><width>1.8</width></rectangle></shape>"
    return f'<obstacle id="{name}"><role>static</role><type>parkedVehicle</type>{shape}{state("initialState", 0, x, y)}</obstacle>'


def problem(x: float, y: float, speed: float, goal: str, *, heading: float = 0.0, step: int = 0, name: int = 9) -> str:
    start = (
        f"<initialState><position>{point(x, y)}</position>{exact('orientation', heading)}{exact('time', step)}"
        f"{exact('velocity', speed)}{exact('yawRate', 0.0)}{exact('slipAngle', 0.0)}</initialState>"
    )
    return f'<planningProblem id="{name}">{start}{goal}</planningProblem>'


def goal(
    first: int, last: int, *, region: str = "", speed: tuple[float, float] | None = None, heading: tuple[float, float] | None = None
) -> str:
    where = f"<position>{region}</position>" if region else ""
    more = (interval("velocity", *speed) if speed else "") + (interval("orientation", *heading) if heading else "")
    return f"<goalState>{where}{interval('time', first, last)}{more}</goalState>"


def document(*parts: str, version: str = "2018b", step_s: float = STEP_S, source: str = "hand-made") -> str:
    head = (
        f'<commonRoad benchmarkID="ZAM_Test-1_1_T-1" commonRoadVersion="{version}" timeStepSize="{step_s}" source="{source}" tags="test">'
    )
    return f'<?xml version="1.0"?>{head}{"".join(parts)}</commonRoad>'


def write(folder: Path, text: str, name: str = "scene.xml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
