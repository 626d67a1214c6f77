"""Whether a set of features is a complete car of the model, buildable on a day: by the definition of the model, without a solver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from datetime import date

from marque.common import InputError, Refusal
from marque.product.evaluate import satisfied
from marque.product.model import Feature, FeatureModel, FeatureType, Group

_MOST_SHOWN = 5


def incomplete(
    model: FeatureModel, car: Set[str], on: date | None = None, values: Mapping[str, int | float | str] | None = None
) -> Refusal | None:
    """None for a complete car that may be built; otherwise why not, the first five reasons.

    car: names of all features it has. values: of its typed features. on: the day it is built; features with attributes `from` and `until`
    (ISO days, both included) exist between them. Raises InputError for an attribute that is not a day.
    """
    if unknown := sorted(car - model.features.keys()):
        return Refusal("the model has no such feature", {"features": ", ".join(unknown[:_MOST_SHOWN])})
    faults = [*_tree(model, car), *_values(model, car, values or {})]
    if not faults:
        faults += [f"{one.text} ({one.place})" for one in model.constraints if not satisfied(one.formula, car, model, values or {})]
    if faults:
        return Refusal("this is not a complete car that may be built", {"because": "; ".join(faults[:_MOST_SHOWN])})
    if on is not None and (outside := [told for name in model.features if name in car for told in _outside(model.features[name], on)]):
        return Refusal("this car may not be built on this day", {"day": str(on), "because": "; ".join(outside[:_MOST_SHOWN])})
    return None


def _tree(model: FeatureModel, car: Set[str]) -> Iterator[str]:
    if model.root.name not in car:
        yield f"{model.root.name} is missing"
    for feature in model.features.values():
        has = feature.name in car
        if has and feature.parent and feature.parent not in car:
            yield f"{feature.name} needs {feature.parent}"
        if has:
            for group in feature.groups:
                yield from _group(feature, group, car)


def _group(feature: Feature, group: Group, car: Set[str]) -> Iterator[str]:
    number = sum(child in car for child in group.children)
    most = len(group.children) if group.most is None else group.most
    if not group.least <= number <= most:
        wanted = f"exactly {group.least}" if group.least == most else f"{group.least} to {most}"
        yield f"{feature.name} takes {wanted} of {', '.join(group.children[:_MOST_SHOWN])}, this car has {number}"


def _values(model: FeatureModel, car: Set[str], values: Mapping[str, int | float | str]) -> Iterator[str]:
    for name in car:
        kind = model.features[name].type
        if kind is FeatureType.BOOLEAN:
            continue
        if name not in values:
            yield f"{name} has no value"
        elif isinstance(values[name], str) != (kind is FeatureType.STRING):
            yield f"{name} is {kind}, not {values[name]!r}"


def _outside(feature: Feature, on: date) -> Iterator[str]:
    first, last = (_day(feature, name) for name in ("from", "until"))
    if first is not None and on < first:
        yield f"{feature.name} is offered from {first}"
    if last is not None and on > last:
        yield f"{feature.name} was offered until {last}"


def _day(feature: Feature, name: str) -> date | None:
    said = feature.attributes.get(name)
    if said is None:
        return None
    try:
        return date.fromisoformat(str(said))
    except ValueError as fault:
        raise InputError(
            feature.place.file,
            f"line {feature.place.line}",
            f"the attribute {name} of {feature.name} is {said!r}, not a day",
            "Write it as '2026-03-01'.",
        ) from fault
