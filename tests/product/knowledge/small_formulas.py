"""Small formulas and slow, plain answers about them, for the tests of the compiler."""

import itertools

import numpy as np

from marque.product.encoding.cnf import Cnf
from marque.product.knowledge.circuit import AND, FALSE, LITERAL, OR, TRUE


def formula(variables, clauses):
    offsets = np.cumsum([0, *map(len, clauses)], dtype=np.int32)
    literals = np.array([literal for clause in clauses for literal in clause], np.int32)
    return Cnf((), variables, variables, literals, offsets, np.zeros(len(clauses), np.int32), ())


def models(cnf):
    """All models by trying, as sets of literals."""
    rows = [cnf.literals[start:end].tolist() for start, end in itertools.pairwise(cnf.offsets)]
    for signs in itertools.product((1, -1), repeat=cnf.variables):
        model = {sign * variable for variable, sign in enumerate(signs, 1)}
        if all(not model.isdisjoint(row) for row in rows):
            yield frozenset(model)


def rows_of(circuit):
    """Per node: its kind, literal, children and what each edge leaves open."""
    for node in range(len(circuit.kinds)):
        edges = range(circuit.first[node], circuit.first[node + 1])
        children = [int(circuit.children[edge]) for edge in edges]
        opens = [circuit.open[circuit.open_first[edge] : circuit.open_first[edge + 1]].tolist() for edge in edges]
        yield int(circuit.kinds[node]), int(circuit.literals[node]), children, opens


def check_form(circuit):
    """Assert what a Circuit promises: order, decomposability, determinism by a decision, what edges leave open, what the root mentions."""
    mentioned, implied = [], []
    for node, (kind, literal, children, opens) in enumerate(rows_of(circuit)):
        assert all(child < node for child in children)
        if kind == AND:
            assert not any(opens)
            parts = [mentioned[child] for child in children]
            assert sum(map(len, parts)) == len(frozenset().union(*parts)), "an AND shares a variable between children"
            mentioned.append(frozenset().union(*parts))
            implied.append(frozenset().union(*(implied[child] for child in children)))
        elif kind == OR:
            whole = frozenset().union(*(mentioned[child] for child in children))
            for child, left in zip(children, opens, strict=True):
                assert sorted(left) == sorted(whole - mentioned[child]), "an edge of an OR does not list what it leaves open"
            for one, other in itertools.combinations(children, 2):
                assert any(-literal in implied[other] for literal in implied[one]), "children of an OR do not exclude each other"
            mentioned.append(whole)
            implied.append(frozenset.intersection(*(implied[child] for child in children)))
        else:
            assert not children
            assert (kind == LITERAL) == (literal != 0)
            assert kind in (LITERAL, TRUE, FALSE)
            mentioned.append(frozenset({abs(literal)} if literal else ()))
            implied.append(frozenset({literal} if literal else ()))
    assert sorted({*mentioned[-1], *circuit.free.tolist()}) == list(range(1, circuit.variables + 1)) or circuit.kinds[-1] == FALSE
    assert mentioned[-1].isdisjoint(circuit.free.tolist())


def count(circuit):
    counts = []
    for kind, _, children, opens in rows_of(circuit):
        if kind == AND:
            product = 1
            for child in children:
                product *= counts[child]
            counts.append(product)
        elif kind == OR:
            counts.append(sum(counts[child] << len(left) for child, left in zip(children, opens, strict=True)))
        else:
            counts.append(int(kind != FALSE))
    return counts[-1] << len(circuit.free)


def holds(circuit, model):
    """Whether a circuit is true of a set of literals."""
    values = []
    for kind, literal, children, _ in rows_of(circuit):
        below = [values[child] for child in children]
        values.append(all(below) if kind == AND else any(below) if kind == OR else literal in model if kind == LITERAL else kind == TRUE)
    return values[-1]


def random_formula(seed, most_variables=10):
    """Clauses of two and three, groups of alternatives, and a few long clauses; some contradict each other."""
    random = np.random.default_rng(seed)
    variables = int(random.integers(1, most_variables + 1))

    def some(size):
        chosen = random.choice(np.arange(1, variables + 1), min(size, variables), replace=False)
        return [int(variable) * int(random.choice((-1, 1))) for variable in chosen]

    clauses = [
        some(int(random.choice((1, 2, 2, 2, 3, 3, 4, 6), p=(0.04, *[0.96 / 7] * 7)))) for _ in range(random.integers(0, 2 * variables + 2))
    ]
    for _ in range(random.integers(0, 3)):
        group = some(int(random.integers(3, 6)))
        clauses += [[-one, -other] for one, other in itertools.combinations(group, 2)]
        if random.random() < 0.5:
            clauses.append(group)
    return formula(variables, clauses)
