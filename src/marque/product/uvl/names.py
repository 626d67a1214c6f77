"""Names in constraints: which feature or attribute they mean, and as what it may be used."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

from marque.common import InputError
from marque.product.model import Aggregate, Attribute, Feature, FeatureType, Name, Value
from marque.product.uvl.faults import Source, nearest, shown
from marque.product.uvl.formulas import Kind, Operand, Scope

_KINDS = {
    FeatureType.BOOLEAN: Kind.CONDITION,
    FeatureType.INTEGER: Kind.CONDITION | Kind.NUMBER,
    FeatureType.REAL: Kind.CONDITION | Kind.NUMBER,
    FeatureType.STRING: Kind.CONDITION | Kind.TEXT,
}
_BOOLEAN = "it is Boolean and has no value of its own"


class Directory:
    """Of all features of a model, parents before children, so that what is below a feature follows it directly."""

    def __init__(self, features: Mapping[str, Feature]) -> None:
        self._features = features

    def scope(self, source: Source, use: Callable[[str, int], None], prefix: str = "", root: str = "") -> Scope:
        """For constraints of one module. prefix: of its names, with the full stop. root: full name of its root, empty for the main one."""
        finder = _Finder(self, self._features, source, prefix, root)
        return Scope(finder.reference, finder.total, use)

    @cached_property
    def ranges(self) -> Mapping[str, tuple[int, int]]:
        """Of each feature and those below it: first number, one behind the last."""
        sizes = dict.fromkeys(self._features, 1)
        for feature in reversed(self.listed):
            if feature.parent:
                sizes[feature.parent] += sizes[feature.name]
        return {name: (number, number + sizes[name]) for number, name in enumerate(self._features)}

    @cached_property
    def numbers(self) -> Mapping[str, list[int]]:
        """Numbers of the features that have an attribute with a number, by its path."""
        return self._holders(lambda kind: kind is Kind.NUMBER)

    @cached_property
    def others(self) -> Mapping[str, list[int]]:
        return self._holders(lambda kind: kind is not Kind.NUMBER)

    @cached_property
    def listed(self) -> tuple[Feature, ...]:
        return tuple(self._features.values())

    def _holders(self, wanted: Callable[[Kind], bool]) -> Mapping[str, list[int]]:
        found: dict[str, list[int]] = {}
        for number, feature in enumerate(self._features.values()):
            for path, value in paths(feature.attributes):
                if wanted(_value_kind(value)[0]):
                    found.setdefault(path, []).append(number)
        return found


def paths(attributes: Mapping[str, Value], before: str = "") -> Iterator[tuple[str, Value]]:
    """Attributes and those nested in them, by their path with full stops."""
    for name, value in attributes.items():
        yield before + name, value
        if isinstance(value, Mapping):
            yield from paths(value, f"{before}{name}.")


def _value_kind(value: Value) -> tuple[Kind, str]:
    """As what an attribute may be used, and why as nothing."""
    if isinstance(value, bool):
        return Kind.TRUTH, ""
    if isinstance(value, int | float):
        return Kind.NUMBER, ""
    if isinstance(value, str):
        return Kind.TEXT, ""
    if value is None:
        return Kind(0), "it has no value"
    return Kind(0), "it holds attributes" if isinstance(value, Mapping) else "it is a list"


class _Finder:
    def __init__(self, directory: Directory, features: Mapping[str, Feature], source: Source, prefix: str, root: str) -> None:
        self._directory, self._features, self._source = directory, features, source
        self._prefix, self._root = prefix, root

    def reference(self, parts: tuple[str, ...], offset: int) -> Operand:
        """A feature; or the attribute of one: the longest beginning that is a feature has it."""
        feature, path = self._found(parts)
        if feature is None:
            raise self._unknown(parts, offset)
        if not path:
            name = Name(feature.name)
            boolean = feature.type is FeatureType.BOOLEAN
            return Operand(_KINDS[feature.type], name, None if boolean else name, offset, why=_BOOLEAN if boolean else "")
        value: Value = feature.attributes
        for part in path:
            if not isinstance(value, Mapping) or part not in value:
                told = ".".join(path)
                known = [each for each, _ in paths(feature.attributes)]
                remedy = nearest(told, known) or (f"It has {', '.join(known[:8])}." if known else "It has no attributes.")
                raise self._source.fault(offset, f"the feature {shown(feature.name)} has no attribute {shown(told)}", remedy)
            value = value[part]
        kind, why = _value_kind(value)
        return Operand(kind, None, Attribute(feature.name, ".".join(path)), offset, why=why)

    def total(self, function: str, references: Sequence[tuple[str, ...]], offset: int) -> Operand:
        """(attribute) or (attribute, feature); in a submodel the former means its own features. Over one typed feature: its value."""
        attribute, under = ".".join(references[0]), self._root
        if len(references) == 2:
            attribute, under = self._under(references, offset)
        elif attribute not in self._directory.numbers and attribute not in self._directory.others:
            feature = self._features.get(self._prefix + attribute)
            if feature is not None and _KINDS[feature.type] & Kind.NUMBER:
                return Operand(Kind.NUMBER, None, Name(feature.name), offset)
        first, last = self._directory.ranges[under] if under else (0, len(self._features))
        wrong = _between(self._directory.others.get(attribute, ()), first, last)
        if wrong >= 0:
            feature = self._directory.listed[wrong]
            problem = f"{function}({attribute}) takes numbers; the attribute {shown(attribute)} of {shown(feature.name)} is none"
            raise self._source.fault(offset, problem, f"It is set in {feature.place}.")
        if _between(self._directory.numbers.get(attribute, ()), first, last) < 0:
            where = f" below {shown(under)}" if under else ""
            problem = f"no feature{where} has an attribute {shown(attribute)}"
            raise self._source.fault(offset, problem, nearest(attribute, self._directory.numbers))
        return Operand(Kind.NUMBER, None, Aggregate(function, attribute, under), offset)

    def _under(self, references: Sequence[tuple[str, ...]], offset: int) -> tuple[str, str]:
        """Attribute and feature; they may stand in either order where only one of the two is a feature."""
        attribute, feature = references
        if self._prefix + ".".join(feature) not in self._features:
            if self._prefix + ".".join(attribute) not in self._features:
                raise self._unknown(feature, offset)
            attribute, feature = feature, attribute
        return ".".join(attribute), self._prefix + ".".join(feature)

    def _found(self, parts: tuple[str, ...]) -> tuple[Feature | None, tuple[str, ...]]:
        for cut in range(len(parts), 0, -1):
            feature = self._features.get(self._prefix + ".".join(parts[:cut]))
            if feature is not None:
                return feature, parts[cut:]
        return None, ()

    def _unknown(self, parts: tuple[str, ...], offset: int) -> InputError:
        told = ".".join(parts)
        if told in self._directory.numbers or told in self._directory.others:
            remedy = f"{told} is an attribute: write its feature in front of it, or sum({told})."
        else:
            own = (name.removeprefix(self._prefix) for name in self._features if name.startswith(self._prefix))
            remedy = nearest(told, own)
        return self._source.fault(offset, f"there is no feature {shown(told)}", remedy)


def _between(numbers: Sequence[int], first: int, last: int) -> int:
    """The first of ascending numbers in first..last - 1, or -1."""
    at = bisect_left(numbers, first)
    return numbers[at] if at < len(numbers) and numbers[at] < last else -1
