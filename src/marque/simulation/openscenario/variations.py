"""Parameter value distributions: one scenario file, many concrete cases.

Deterministic distributions are expanded exactly: single distributions and value sets multiply, in the order of the file, the last one
changing fastest. Source: ASAM OpenSCENARIO XML 1.3, 9.2 (Parameter value distributions).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from marque.simulation.openscenario.document import Document, Node
from marque.simulation.openscenario.expressions import resolve, spelled

_LOOKS = 5000
"""So many cases are looked through for one that is allowed."""


@dataclass(frozen=True, slots=True)
class Variation:
    """The cases of a distribution file. dimensions: what changes, each a list of assignments of which a case takes one."""

    scenario: Path
    dimensions: tuple[tuple[dict[str, str], ...], ...]

    def __len__(self) -> int:
        return math.prod(len(dimension) for dimension in self.dimensions)

    def case(self, index: int) -> dict[str, str]:
        """The parameters of one case."""
        chosen: list[dict[str, str]] = []
        for dimension in reversed(self.dimensions):
            index, at = divmod(index, len(dimension))
            chosen.insert(0, dimension[at])
        return {name: value for assignments in chosen for name, value in assignments.items()}

    def varied(self, index: int) -> dict[str, str]:
        """Of a case, the parameters that are not the same in all cases."""
        fixed = {name for dimension in self.dimensions for name in dimension[0] if len({a.get(name) for a in dimension}) == 1}
        return {name: value for name, value in self.case(index).items() if name not in fixed}

    def spread(self, limit: int, allowed: Callable[[int], bool] = lambda _: True) -> Iterator[int]:
        """At most `limit` cases: all where there are no more, else evenly over the order of expansion, the first and the last among them.

        allowed: whether a case is one the scenario is meant for; of many, the next that is stands for one that is not.
        """
        total = len(self)
        if total <= limit:
            yield from range(total)
            return
        taken: set[int] = set()
        for k in range(limit):
            even = round(k * (total - 1) / max(1, limit - 1))
            following = (index % total for index in range(even, even + min(total, _LOOKS)))
            taken.add(next((index for index in following if index not in taken and allowed(index)), even))
        yield from sorted(taken)


def variation_of(path: Path) -> Variation | None:
    """The variation in a file; None where it is no distribution."""
    return read_variation(Document(path))


def files_of(path: Path) -> list[Path]:
    """Every file that driving a scenario, or any case of a variation, reads: itself, the scenario it varies, road networks, catalogs.

    Raises InputError for a file that cannot be read, or a place that a parameter leaves unnamed.
    """
    document = Document(path)
    variation = read_variation(document)
    files = [path]
    if variation is not None:
        files.append(variation.scenario)
        document = Document(variation.scenario)
    folder, root = document.path.parent, document.root.element
    for element in root.iterfind("RoadNetwork/LogicFile"):
        files += [folder / one.replace("\\", "/") for one in _spellings(element.get("filepath", ""), document, variation)]
    for element in root.iterfind("CatalogLocations/*/Directory"):
        files += sorted((folder / element.get("path", "").replace("\\", "/")).glob("*.xosc"))
    return files


def _spellings(text: str, document: Document, variation: Variation | None) -> list[str]:
    """What an attribute says in some case or other."""
    if "$" not in text:
        return [text]
    dimensions = variation.dimensions if variation else ()
    varied = {name: {given[name] for given in dimension} for dimension in dimensions for name in dimension[0]}
    named = [name for name in varied if f"${name}" in text]
    choices = itertools.product(*(sorted(varied[name]) for name in named))
    return [resolve(text, dict(document.parameters) | dict(zip(named, choice, strict=True))) for choice in choices]


def read_variation(document: Document) -> Variation | None:
    """The variation a document holds; None where it is no distribution. Raises InputError for what is not supported."""
    node = document.root.maybe("ParameterValueDistribution")
    if node is None:
        return None
    document.root.pass_over("<FileHeader>")
    target = document.path.parent / node.one("ScenarioFile").text("filepath")
    if node.maybe("Stochastic") is not None:
        raise node.one("Stochastic").unsupported("Draw the values beforehand and list them in a deterministic distribution.")
    dimensions: list[tuple[dict[str, str], ...]] = []
    deterministic = node.one("Deterministic")
    for child in deterministic.each("DeterministicSingleParameterDistribution", "DeterministicMultiParameterDistribution"):
        values = _single(child) if child.tag == "DeterministicSingleParameterDistribution" else _sets(child)
        if not values:
            raise child.fault("it holds no value")
        dimensions.append(tuple(values))
    document.root.refuse_unread()
    return Variation(target, tuple(dimensions))


def _single(node: Node) -> list[dict[str, str]]:
    name = node.text("parameterName")
    kind = node.only()
    if kind.tag == "DistributionSet":
        return [{name: element.text("value")} for element in kind.each("Element")]
    if kind.tag == "DistributionRange":
        step, limits = kind.number("stepWidth"), kind.one("Range")
        low, high = limits.number("lowerLimit"), limits.number("upperLimit")
        if step == 0.0:
            raise kind.fault('"stepWidth" is 0')
        if (high - low) / step < 0.0:
            raise kind.fault('"stepWidth" leads away from "upperLimit"')
        return [{name: spelled(round(low + k * step, 12))} for k in range(math.floor((high - low) / step + 1e-9) + 1)]
    raise kind.unsupported("DistributionSet and DistributionRange can be expanded.")


def _sets(node: Node) -> list[dict[str, str]]:
    values = node.one("ValueSetDistribution").each("ParameterValueSet")
    return [{a.text("parameterRef"): a.text("value") for a in value.each("ParameterAssignment")} for value in values]
