"""Small models made at random, every car of a formula, and a solver's word on domains: for tests that trust nothing of the room."""

from __future__ import annotations

import itertools
import random

import numpy as np
from pysat.solvers import Solver

from marque.product.configure.product import Product
from marque.product.encoding.encode import encode
from marque.product.model import And, Constraint, Feature, FeatureModel, Group, GroupKind, Iff, Implies, Name, Not, Or, Place

LIMITS = {
    GroupKind.MANDATORY: lambda n: (n, n),
    GroupKind.OPTIONAL: lambda n: (0, n),
    GroupKind.OR: lambda n: (1, n),
    GroupKind.ALTERNATIVE: lambda _: (1, 1),
}


def place(line=1):
    return Place("little.uvl", line, 1)


def group(kind, *children):
    return Group(kind, children, *LIMITS[kind](len(children)), place())


def model(tree, *formulas, attributes=None):
    """tree: {parent: [(kind, children…), …]}, the first key is the root; every child is made, in the order of the file."""
    features, parents = {}, {child: parent for parent, groups in tree.items() for _, *children in groups for child in children}

    def put(name):
        groups = tuple(group(*one) for one in tree.get(name, ()))
        features[name] = Feature(name, parents.get(name, ""), groups, place(len(features) + 2), attributes=(attributes or {}).get(name, {}))
        for one in groups:
            for child in one.children:
                put(child)

    put(next(iter(tree)))
    lines = tuple(Constraint(formula, text, place(100 + n), "rules") for n, (formula, text) in enumerate(formulas))
    return FeatureModel("little", features, lines)


def random_model(seed, features=12, constraints=5):
    """With a car; the same for the same seed."""
    chance = random.Random(seed)
    while True:
        names = [f"F{n}" for n in range(1, features + 1)]
        tree, waiting, rest = {}, [names[0]], names[1:]
        while rest:
            parent = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            taken, rest = rest[: (count := chance.randint(1, 4))], rest[count:]
            kind = chance.choice(list(LIMITS)) if len(taken) > 1 else chance.choice([GroupKind.MANDATORY, GroupKind.OPTIONAL])
            tree.setdefault(parent, []).append((kind, *taken))
            waiting += taken
        formulas = [(formula(chance, names, 2), f"rule {n}") for n in range(constraints)]
        made = model({names[0]: tree.pop(names[0]), **tree}, *formulas)
        with Solver("m22", bootstrap_with=clauses(encode(made))) as solver:
            if solver.solve():
                return made


def formula(chance, names, depth):
    if depth == 0 or chance.random() < 0.2:
        name = Name(chance.choice(names))
        return Not(name) if chance.random() < 0.4 else name
    left, right = formula(chance, names, depth - 1), formula(chance, names, depth - 1)
    return chance.choice([Implies, Implies, Iff, lambda a, b: Or((a, b)), lambda a, b: Not(And((a, b)))])(left, right)


def clauses(cnf):
    return [cnf.literals[start:end].tolist() for start, end in itertools.pairwise(cnf.offsets.tolist())]


def every_car(cnf):
    """bool [cars, variables + 1], by trying all."""
    with Solver("m22", bootstrap_with=clauses(cnf)) as solver:
        cars = [[False, *(one > 0 for one in found)] for found in solver.enum_models()]
    return np.array(cars, dtype=bool).reshape(-1, cnf.variables + 1)


class Plain:
    """A reasoner and an oracle: python-sat alone, one question for each literal that no car found so far has the other way."""

    method = "sat"

    def __init__(self, cnf):
        self.cnf = cnf
        self.solver = Solver("glucose4", bootstrap_with=clauses(cnf))

    def after(self, decisions):
        decisions = [int(one) for one in decisions]
        if not self.solver.solve(assumptions=decisions):
            return None
        size = self.cnf.variables
        always = np.array(self.solver.get_model()[:size])
        domains = np.zeros(size + 1, dtype=np.int8)
        for variable in range(1, len(self.cnf.names) + 1):
            literal = int(always[variable - 1])
            if literal == 0:
                continue
            if self.solver.solve(assumptions=[*decisions, -literal]):
                found = np.array(self.solver.get_model()[:size])
                always[found != always] = 0
            else:
                domains[variable] = np.sign(literal)
        return domains


def product(made):
    cnf = encode(made)
    return Product(made, cnf, Plain(cnf))
