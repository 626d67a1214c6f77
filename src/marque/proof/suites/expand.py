"""A suite's cases: every one, or a sample that is the same for the same suite and seed, wherever it is drawn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from scipy import stats

from marque.common import InputError
from marque.proof.suites.covering import covering, spelled
from marque.proof.suites.model import Case, Kind, Parameter, Source, Suite, Value
from marque.proof.suites.read import members
from marque.simulation.openscenario import Document, Variation, holds, variation_of

_ATTEMPTS = 200
"""So many draws for each case that is wanted; constraints that leave less than that of the ranges are a mistake."""


def cases(suite: Suite, seed: int) -> list[Case]:
    """Every case of a suite, in its order. seed: of the samples, and of the sensors' errors. Raises InputError."""
    drawn = [(source, member, values) for k, source in enumerate(suite.sources) for member, values in _of(suite, source, (seed, k))]
    sizes: dict[str, int] = {}
    for source, _, _ in drawn:
        sizes[source.cell] = sizes.get(source.cell, 0) + 1
    seeds = np.random.Generator(np.random.Philox(key=seed)).integers(0, 2**31, len(drawn))
    return [
        Case(index, source, member, values, int(seeds[index]), suite.cells[source.cell].exposure / sizes[source.cell], suite.name)
        for index, (source, member, values) in enumerate(drawn)
    ]


Values = tuple[tuple[str, Value], ...]


def _of(suite: Suite, source: Source, key: tuple[int, int]) -> Iterator[tuple[str, Values]]:
    """(member, parameters) of a source's cases."""
    random = np.random.Generator(np.random.Philox(key=np.array(key, np.uint64)))
    if source.kind in (Kind.LIBRARY, Kind.CITY):
        yield from (("", one) for one in _logical(source, random))
    elif source.kind is Kind.OPENSCENARIO:
        yield from (("", one) for one in _variations(suite.folder / source.target, source, random))
    else:
        target = suite.folder / source.target
        found = [file.relative_to(target).as_posix() if target.is_dir() else file.name for file in members(target)]
        taken = range(len(found)) if source.sample is None else sorted(random.permutation(len(found))[: source.sample].tolist())
        yield from ((found[k], ()) for k in taken)


def _variations(path: Path, source: Source, random: np.random.Generator) -> Iterator[Values]:
    """Of a variation file the cases that the scenario's own constraints and the source's allow: all, or a sample without repetition."""
    variation = variation_of(path)
    if variation is None:
        if source.constraints:
            raise InputError(source.name, "constraints", f'"{path.name}" varies nothing', "Name a variation, or leave them out.")
        yield ()
        return
    allows = Document(variation.scenario).allows
    order = range(len(variation)) if source.sample is None else random.permutation(len(variation)).tolist()
    found = (k for k in order if _kept(source, case := variation.case(k)) and allows(case))
    indices = sorted(itertools.islice(found, source.sample))
    if not indices and source.constraints:
        raise InputError(source.name, "constraints", "no case satisfies them")
    yield from (_spelled(variation, index) for index in indices)


def _spelled(variation: Variation, index: int) -> Values:
    return tuple(sorted(variation.case(index).items()))


def _logical(source: Source, random: np.random.Generator) -> Iterator[Values]:
    if source.k_wise:
        yield from (tuple(row.items()) for row in covering(source.parameters, source.constraints, source.k_wise))
        return
    if source.sample is None:
        grid = itertools.product(*(one.values for one in source.parameters))
        names = [one.name for one in source.parameters]
        yield from (tuple(zip(names, values, strict=True)) for values in grid if _kept(source, dict(zip(names, values, strict=True))))
        return
    left = source.sample
    for _ in range(_ATTEMPTS * source.sample):
        if not left:
            return
        values = {one.name: _drawn(one, float(random.random())) for one in source.parameters}
        if _kept(source, values):
            left -= 1
            yield tuple(values.items())
    raise InputError(source.name, "constraints", f"hardly any values satisfy them: {source.sample - left} of {source.sample} were found")


def _drawn(parameter: Parameter, quantile: float) -> Value:
    """By inverting the distribution function."""
    if parameter.values:
        return parameter.values[math.floor(quantile * len(parameter.values))]
    if parameter.mean is None:
        return parameter.low + quantile * (parameter.high - parameter.low)
    bounds = [(bound - parameter.mean) / parameter.deviation for bound in (parameter.low, parameter.high)]
    return float(stats.truncnorm.ppf(quantile, *bounds, loc=parameter.mean, scale=parameter.deviation))


def _kept(source: Source, values: Mapping[str, Value]) -> bool:
    said = spelled(values)
    try:
        return all(holds(constraint, said) for constraint in source.constraints)
    except InputError as error:
        raise InputError(source.name, "constraints", str(error)) from error
