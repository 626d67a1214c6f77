"""`marque product clicks` and `marque product explain`: traces answered, and the reasons of what is forced and forbidden."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from marque.app.product import Opening, conflict_said, count_said, decision_said, write
from marque.common import InputError, Refusal
from marque.product.configure import Answer, Conflict, Decision, Limits, Product, Repair, Verb, click, repairs

_FORM = 'A trace is a list of clicks: [{"select": "NAME"}, {"deselect": "NAME"}, {"retract": "NAME"}].'


def clicks(opening: Opening, trace: Path, json_out: Path | None, ways: int, counted: bool = False) -> None:
    """Answers every click of a trace, in turn. Raises InputError for a broken trace before any click, NoCar where there is no car.

    milliseconds: from the click to its lists of names, by the clock; writing them is not in it, nor are repairs and counts.
    """
    steps = read_trace(trace)
    answer = opening.begin()
    for index, (_, name) in enumerate(steps):
        _known(answer.product, trace, index, name)
    gc.collect()
    gc.freeze()  # what is loaded stays: no pass over it in the middle of a click
    told = _Told()
    said = _answers(answer, steps, ways, counted, told)
    if json_out is None:
        for _ in said:
            pass
    else:
        _write_all(json_out, said)
    typer.echo(told.line())


def explain(
    opening: Opening, feature: str, select: Sequence[str], deselect: Sequence[str], ways: int, json_out: Path | None
) -> None:  # fmt: skip
    """Prints why a feature is as it is after decisions, and how to have it otherwise. Raises InputError, for decisions in conflict too."""
    answer = opening.begin()
    answer.product.variable(feature)
    for verb, names in ((Verb.SELECT, select), (Verb.DESELECT, deselect)):
        for name in names:
            after = click(answer, verb, name)
            if isinstance(after, Conflict):
                raise InputError(f"--{verb}", name, "the decisions leave no car", str(after))
            assert isinstance(after, Answer)
            answer = after
    standing = answer.standing(feature)
    against = answer.why(feature)
    found: list[Repair] = []
    if against is None:
        typer.echo(f"“{feature}” is {standing}: there are cars with it and cars without it")
    else:
        assert against.wanted is not None
        typer.echo(f"“{feature}” is {standing}. {against}")
        found = repairs(answer, against.wanted, limits=Limits(ways)) if ways else []
        for repair in found:
            typer.echo(f"{repair.told()}{'' if repair.optimal else '  (the best found in the time)'}")
    if json_out is not None:
        why = None if against is None else conflict_said(against)
        write(json_out, {"feature": feature, "standing": standing.value, "why": why, "repairs": [repair_said(one) for one in found]})


def read_trace(file: Path) -> list[tuple[Verb, str]]:
    """Raises InputError that names the click, counted from 1, for what is not a trace."""
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(file.name, "", "there is no such file") from None
    except json.JSONDecodeError as error:
        raise InputError(file.name, f"line {error.lineno}, column {error.colno}", f"this is not JSON: {error.msg}", _FORM) from None
    except (UnicodeDecodeError, RecursionError):
        raise InputError(file.name, "", "this is not JSON in UTF-8", _FORM) from None
    if not isinstance(said, list):
        raise InputError(file.name, "", f"expected a list of clicks, found {_kind(said)}", _FORM)
    return [_click(file, index, one) for index, one in enumerate(said)]


def repair_said(repair: Repair) -> dict[str, Any]:
    """As JSON tells a repair."""
    return {
        "give_up": [decision_said(one) for one in repair.given_up],
        "swap": dict(repair.swaps),
        "adds": list(repair.added),
        "removes": list(repair.removed),
        "decisions": [decision_said(one) for one in repair.decisions],
        "price_change": repair.price_change,
        "cost": {"given_up": repair.cost[0], "moved": repair.cost[1], "changed": repair.cost[2]},
        "optimal": repair.optimal,
        "text": repair.told(),
    }


class _Told:
    """What the terminal hears of a trace: how many clicks, and how long they took."""

    def __init__(self) -> None:
        self.milliseconds: list[float] = []
        self.refused = 0

    def line(self) -> str:
        ranked = sorted(self.milliseconds)
        if not ranked:
            return "no clicks"
        last = ranked[min(len(ranked) - 1, int(0.99 * len(ranked)))]
        took = f"{ranked[len(ranked) // 2]:.3f} ms in the middle, {last:.3f} ms at the 99th percentile"
        return f"{len(ranked)} clicks answered, {self.refused} more refused; {took}"


def _answers(
    answer: Answer, steps: Sequence[tuple[Verb, str]], ways: int, counted: bool, told: _Told
) -> Iterator[dict[str, Any]]:  # fmt: skip
    for verb, name in steps:
        began = time.perf_counter()
        after = click(answer, verb, name)
        state = after if isinstance(after, Answer) else answer
        lists = {"forced": state.forced, "forbidden": state.forbidden, "free_count": state.free_count}
        took = round(1000.0 * (time.perf_counter() - began), 4)
        said: dict[str, Any] = {"click": {verb.value: name}}
        if isinstance(after, Conflict):
            told.refused += 1
            said |= {"conflict": conflict_said(after), "milliseconds": took}
            if ways:
                said["repairs"] = [repair_said(one) for one in repairs(answer, wanted(after), limits=Limits(ways))]
        else:
            told.milliseconds.append(took)
            said |= {**lists, "milliseconds": took}
            if counted:
                said["count"] = count_said(state)
            if isinstance(after, Refusal):
                said["refused"] = after.reason
        yield said
        answer = state


def wanted(conflict: Conflict) -> Decision:
    assert conflict.wanted is not None
    return conflict.wanted


def _write_all(file: Path, said: Iterator[dict[str, Any]]) -> None:
    """One click a line, written as it is answered: a long trace of a large model does not fit into memory."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as out:
        out.write("[")
        for index, one in enumerate(said):
            out.write((",\n" if index else "\n") + json.dumps(one, ensure_ascii=False, allow_nan=False))
        out.write("\n]\n")


def _click(file: Path, index: int, said: Any) -> tuple[Verb, str]:
    place = f"click {index + 1}"
    if not isinstance(said, dict) or len(said) != 1:
        raise InputError(file.name, place, f"expected an object with one of select, deselect, retract; found {_kind(said)}", _FORM)
    verb, name = next(iter(said.items()))
    if verb not in {one.value for one in Verb}:
        raise InputError(file.name, place, f"{verb!r} is none of select, deselect, retract", _FORM)
    if not isinstance(name, str):
        raise InputError(file.name, place, f"expected the name of a feature, found {_kind(name)}", _FORM)
    return Verb(verb), name


def _known(product: Product, trace: Path, index: int, name: str) -> None:
    try:
        product.variable(name)
    except InputError as error:
        raise InputError(trace.name, f"click {index + 1}, {name}", error.problem, error.remedy) from None


def _kind(said: Any) -> str:
    if isinstance(said, dict):
        return f"an object with {', '.join(map(repr, said)) or 'nothing'} in it"
    return {list: "a list", str: "a text", bool: "a truth value", type(None): "null"}.get(type(said), "a number")
