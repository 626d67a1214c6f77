"""Typed features: which values they may have, and a variable for each.

An Integer feature has the values that its attributes `min` and `max`, or `values` (a list), give it; a limit that they do not give is
what the constraints leave. A String feature has the texts of `values`, or else those that constraints compare it with and, as one more
value, any other text (where constraints ask for its length: any other text of each length up to the longest asked for, and any longer one).
A feature with a cardinality [n..m] has the number of its copies as value.

A typed feature that no constraint uses and no attribute limits is allowed: then its value distinguishes no cars. A feature that is not in
the car has no value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from marque.product.encoding.clauses import Builder
from marque.product.encoding.polynomials import NotExactError
from marque.product.model import (
    Aggregate,
    And,
    Arithmetic,
    Compare,
    Constant,
    Feature,
    FeatureModel,
    FeatureType,
    Formula,
    GroupKind,
    Iff,
    Implies,
    Name,
    Not,
    Or,
    Term,
)

MOST_VALUES = 4096

REST = "\0"

_PAIRWISE_UP_TO = 24
_LONGEST = 255
_Values = tuple[int | str, ...]
_TYPED = frozenset({FeatureType.INTEGER, FeatureType.REAL, FeatureType.STRING})


@dataclass(frozen=True)
class Domain:
    """Of a typed feature: values[i] is variable first + i. rest: of a String, that texts made of REST stand for all that are not named."""

    values: tuple[int | str, ...]
    first: int
    rest: bool = False

    @property
    def variables(self) -> range:
        return range(self.first, self.first + len(self.values))


def domains(model: FeatureModel) -> dict[str, Domain]:
    """By name, numbered on from the features in their order. Raises InputError for a feature that needs one and has none."""
    unusual = [feature for feature in model.features.values() if feature.type in _TYPED or feature.most != 1 or feature.least != 1]
    if not unusual:
        return {}
    used = {term.feature for one in model.constraints for term in terms_in(one.formula) if isinstance(term, Name)}
    given: dict[str, _Values | None] = {}
    for feature in unusual:
        try:
            given[feature.name] = _times(model, feature) if feature.type is FeatureType.BOOLEAN else _given(feature)
        except NotExactError as error:
            raise error.at(feature.place) from error
    limits = _limits(model, unusual, given, used)
    found: dict[str, Domain] = {}
    free = len(model.features) + 1
    for feature in unusual:
        values, rest = given[feature.name], False
        if values is None and feature.name in used:
            try:
                rest = feature.type is FeatureType.STRING
                values = _texts(model, feature.name) if rest else _numbers(feature, limits.get(feature.name))
            except NotExactError as error:
                raise error.at(feature.place) from error
        if values:
            found[feature.name] = Domain(values, free, rest)
            free += len(values)
    return found


def _limits(
    model: FeatureModel, unusual: list[Feature], given: Mapping[str, _Values | None], used: set[str]
) -> dict[str, tuple[int | None, int | None]]:
    from marque.product.encoding.ranges import narrowed

    integers = [feature for feature in unusual if feature.type is FeatureType.INTEGER]
    known: dict[str, tuple[int | None, int | None]] = {}
    for feature in integers:
        numbers = [value for value in given[feature.name] or () if isinstance(value, int)]
        sides = (min(numbers), max(numbers)) if numbers else (_side(feature, "min"), _side(feature, "max"))
        known[feature.name] = sides
    return narrowed(model, [feature.name for feature in integers if feature.name in used and not given[feature.name]], known)


def _side(feature: Feature, name: str) -> int | None:
    value = feature.attributes.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def define(builder: Builder, found: Mapping[str, Domain]) -> None:
    """A typed feature of the car has exactly one value, one that is not in it has none. The values are counted."""
    for name, domain in found.items():
        feature, variables = builder.index[name], list(domain.variables)
        builder.define([[-feature, *variables]])
        builder.define([-variable, feature] for variable in variables)
        if len(variables) <= _PAIRWISE_UP_TO:
            builder.define([-one, -other] for place, one in enumerate(variables) for other in variables[:place])
            continue
        seen = variables[0]
        for variable in variables[1:]:
            either = builder.fresh() if variable != variables[-1] else feature
            builder.define([[-seen, -variable], [-seen, either], [-variable, either], [seen, variable, -either]])
            seen = either


def terms_in(formula: Formula) -> Iterator[Term]:
    """All terms of its comparisons, those within others too."""
    waiting: list[Formula | Term] = [formula]
    while waiting:
        part = waiting.pop()
        match part:
            case Not(operand):
                waiting.append(operand)
            case And(operands) | Or(operands):
                waiting.extend(operands)
            case Implies(left, right) | Iff(left, right):
                waiting.extend((left, right))
            case Compare(_, left, right):
                for side in (left, right):
                    yield from _within(side)
            case _:
                pass


def _within(term: Term) -> Iterator[Term]:
    waiting: list[Term] = [term]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, Arithmetic):
            waiting.extend((part.left, part.right))
        elif isinstance(part, Aggregate) and part.operand is not None:
            waiting.append(part.operand)


def _times(model: FeatureModel, feature: Feature) -> _Values | None:
    """How many of a feature with a cardinality a car may have; None for an ordinary one. Only of one without features below it.

    Copies of a feature with others below it could differ from each other, and what a constraint says of it would be open.
    """
    least, most = feature.least, feature.most
    optional = not feature.parent or any(
        feature.name in group.children and group.kind is GroupKind.OPTIONAL for group in model.features[feature.parent].groups
    )
    if most is None or feature.groups or (least == 0 and not optional):
        raise NotExactError(
            f"“{feature.name}” has the cardinality [{least}..{'*' if most is None else most}], "
            "which is only possible with a limit, without features below it, and from 0 only in an optional group",
            "Write each copy as a feature of its own in a group with a cardinality.",
        )
    return None if most <= 1 else _few(feature, range(max(least, 1), most + 1))


def _given(feature: Feature) -> _Values | None:
    """By its own attributes; None if they do not say."""
    attributes = feature.attributes
    kind: type = str if feature.type is FeatureType.STRING else int
    listed = attributes.get("values")
    if feature.type is FeatureType.REAL:
        return None
    if isinstance(listed, tuple):
        values = [value for value in listed if isinstance(value, int | str) and isinstance(value, kind) and not isinstance(value, bool)]
        if len(values) < len(listed) or not values:
            raise NotExactError(
                f"the values of “{feature.name}” are not all of type {feature.type}", "Write whole numbers, or texts in single quotes."
            )
        return _few(feature, tuple(dict.fromkeys(values)))
    low, high = _side(feature, "min"), _side(feature, "max")
    if kind is int and low is not None and high is not None:
        if low > high:
            raise NotExactError(f"“{feature.name}” has min {low} above max {high}", "Exchange them.")
        return _few(feature, range(low, high + 1))
    return None


def _few(feature: Feature, values: _Values | range) -> _Values:
    if len(values) > MOST_VALUES:
        raise NotExactError(
            f"“{feature.name}” has {len(values):,} values, at most {MOST_VALUES:,} can be told apart", "Give it narrower `min` and `max`."
        )
    return tuple(values)


def _numbers(feature: Feature, limits: tuple[int | None, int | None] | None) -> _Values:
    if feature.type is FeatureType.REAL:
        raise NotExactError(
            f"“{feature.name}” is a Real, whose values nobody can list, and a constraint uses it",
            "Make it an Integer in a smaller unit (millimetres, tenths), with attributes min and max.",
        )
    low, high = limits or (None, None)
    if low is None or high is None:
        side = "upper" if low is not None else "lower"
        raise NotExactError(
            f"“{feature.name}” is used in a constraint and has no {side} limit",
            f"Give it one, such as `{feature.name} Integer {{min 0, max 9}}`.",
        )
    return _few(feature, range(low, max(low, high) + 1))


def _texts(model: FeatureModel, name: str) -> _Values:
    texts: dict[str, None] = {}
    longest = -1
    for constraint in model.constraints:
        for compare in _compares(constraint.formula):
            for side, other in ((compare.left, compare.right), (compare.right, compare.left)):
                if not any(Name(name) in (term, getattr(term, "operand", None)) for term in _within(side)):
                    continue
                if side == Name(name) and isinstance(other, Constant) and isinstance(other.value, str):
                    texts[other.value] = None
                elif side == Aggregate("len", operand=Name(name)) and isinstance(other, Constant) and isinstance(other.value, int | float):
                    longest = max(longest, min(int(other.value), _LONGEST + 1))
                else:
                    raise _listless(name, "is compared with more than a text in quotes, or its length with more than a number")
    if longest > _LONGEST:
        raise _listless(name, f"is compared with a length above {_LONGEST}")
    if longest < 0:
        return (*texts, REST)
    lengths = range(max(longest, *map(len, texts), 0) + 2)
    return tuple(dict.fromkeys((*texts, *(REST * length for length in lengths))))


def _listless(name: str, problem: str) -> NotExactError:
    return NotExactError(f"“{name}” {problem}", "Give the feature the list of its possible texts, an attribute `values`.")


def _compares(formula: Formula) -> Iterator[Compare]:
    waiting: list[Formula] = [formula]
    while waiting:
        match waiting.pop():
            case Not(operand):
                waiting.append(operand)
            case And(operands) | Or(operands):
                waiting.extend(operands)
            case Implies(left, right) | Iff(left, right):
                waiting.extend((left, right))
            case Compare() as compare:
                yield compare
            case _:
                pass
