"""Small feature models drawn at random, for comparison with the trial of every assignment."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from marque.product.model import (
    Aggregate,
    And,
    Arithmetic,
    Attribute,
    Compare,
    Constant,
    Constraint,
    Feature,
    FeatureModel,
    FeatureType,
    Formula,
    Group,
    GroupKind,
    Iff,
    Implies,
    Name,
    Not,
    Or,
    Place,
    Term,
    Value,
)

TEXTS = ("", "a", "b", "abc")
HERE = Place("<drawn>", 1, 1)


def drawn(seed: int, features: int = 9, constraints: int = 4, numbers: bool = False, types: bool = False) -> FeatureModel:
    """A model with up to that many features and constraints.

    numbers: with attributes, and constraints that count them. types: with Integer and String features too, whose values attributes list.
    """
    random = Random(seed)
    names = [f"F{number}" for number in range(random.choice([1, 2, *range(3, features + 1), features]))]
    children: dict[str, list[str]] = {name: [] for name in names}
    parents = {name: random.choice(names[max(0, place - 4) : place]) for place, name in enumerate(names) if place}
    for name, parent in parents.items():
        children[parent].append(name)
    made: dict[str, Feature] = {}
    waiting = [names[0]]
    while waiting:  # Parents before children.
        name = waiting.pop(0)
        groups = _groups(random, children[name])
        made[name] = Feature(name, parents.get(name, ""), groups, HERE, attributes=_attributes(random) if numbers else {})
        if types and random.random() < 0.4:
            made[name] = _typed(random, made[name])
        waiting += [child for group in groups for child in group.children]
    number = random.choice([0, 1, 1, 2, constraints])
    rules = tuple(Constraint(_formula(random, made, random.choice([1, 2, 2]), numbers), f"rule {place}", HERE) for place in range(number))
    return FeatureModel("drawn", made, rules)


def _groups(random: Random, children: list[str]) -> tuple[Group, ...]:
    found = []
    rest = list(children)
    while rest:
        size = random.randint(1, len(rest))
        group, rest = tuple(rest[:size]), rest[size:]
        kind = random.choice([*GroupKind, GroupKind.OPTIONAL, GroupKind.OPTIONAL, GroupKind.OR])
        least, most = {
            GroupKind.MANDATORY: (size, size),
            GroupKind.OPTIONAL: (0, size),
            GroupKind.OR: (1, size),
            GroupKind.ALTERNATIVE: (1, 1),
            GroupKind.CARDINALITY: (random.randint(0, size), random.choice([None, random.randint(0, size)])),
        }[kind]
        if most is not None and least > most:
            least, most = most, least
        found.append(Group(kind, group, least, most, HERE))
    return tuple(found)


def domains_of(model: FeatureModel) -> dict[str, list[int | str]]:
    """Of a model that was drawn: the values that the attributes of its typed features list."""
    found: dict[str, list[int | str]] = {}
    for feature in model.features.values():
        listed, low, high = (feature.attributes.get(name) for name in ("values", "min", "max"))
        if isinstance(listed, tuple):
            found[feature.name] = [value for value in listed if isinstance(value, int | str)]
        elif feature.type is FeatureType.INTEGER:
            assert isinstance(low, int)
            assert isinstance(high, int)
            found[feature.name] = list(range(low, high + 1))
    return found


def _typed(random: Random, feature: Feature) -> Feature:
    low = random.randint(-2, 2)
    kind, more = random.choice(
        [
            (FeatureType.INTEGER, {"min": low, "max": low + random.randint(0, 3)}),
            (FeatureType.INTEGER, {"values": tuple(random.sample(range(-1, 6), random.randint(1, 3)))}),
            (FeatureType.STRING, {"values": tuple(random.sample(TEXTS, random.randint(1, 3)))}),
        ]
    )
    return replace(feature, type=kind, attributes={**feature.attributes, **more})


def _attributes(random: Random) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if random.random() < 0.7:
        found["mass"] = random.choice([random.randint(-3, 9), round(random.uniform(-2, 4), 1)])
    if random.random() < 0.5:
        found["price"] = random.randint(0, 5)
    return found


def _formula(random: Random, features: dict[str, Feature], depth: int, numbers: bool) -> Formula:
    if depth == 0 or random.random() < 0.15:
        if numbers and random.random() < 0.7:
            texts = [name for name, feature in features.items() if feature.type is FeatureType.STRING]
            if texts and random.random() < 0.5:
                other = random.choice([Constant(random.choice(TEXTS)), Name(random.choice(texts))])
                return Compare(random.choice(["==", "!="]), Name(random.choice(texts)), other)
            operator = random.choice(["==", "!=", "<", "<=", ">", ">="])
            return Compare(operator, _term(random, features, 2), _term(random, features, random.randint(0, 1)))
        return Constant(random.random() < 0.7) if random.random() < 0.05 else Name(random.choice(list(features)))

    def part() -> Formula:
        return _formula(random, features, depth - 1, numbers)

    match random.choice([0, 1, 2, 2, 3, 3, 3, 4]):
        case 0:
            return Not(part())
        case 1:
            return And(tuple(part() for _ in range(random.randint(2, 3))))
        case 2:
            return Or(tuple(part() for _ in range(random.randint(2, 3))))
        case 3:
            return Implies(part(), part())
        case _:
            return Iff(part(), part())


def _term(random: Random, features: dict[str, Feature], depth: int) -> Term:
    with_numbers = [
        (name, attribute) for name, feature in features.items() for attribute in feature.attributes if attribute in {"mass", "price"}
    ]
    if depth and random.random() < 0.5:
        operator = random.choice(["+", "+", "-", "*", "/"])
        return Arithmetic(operator, _term(random, features, depth - 1), _term(random, features, depth - 1))
    typed = [name for name, feature in features.items() if feature.type is not FeatureType.BOOLEAN]
    if typed and random.random() < 0.5:
        name = random.choice(typed)
        return Name(name) if features[name].type is FeatureType.INTEGER else Aggregate("len", operand=Name(name))
    chance = random.random()
    if chance < 0.3 and with_numbers:
        return Attribute(*random.choice(with_numbers))
    if chance < 0.7:
        return Aggregate(
            random.choice(["sum", "sum", "avg", "min", "max"]),
            random.choice(["mass", "price"]),
            random.choice(["", *features]),
        )
    if chance < 0.8:
        return Aggregate(random.choice(["floor", "ceil"]), operand=_term(random, features, 0))
    return Constant(random.choice([random.randint(-2, 9), round(random.uniform(-1, 5), 1)]))
