"""Circuits written for tools of others."""

import pytest
from small_formulas import formula, models, random_formula

from marque.product.knowledge import nnf
from marque.product.knowledge.compile import compile_formula


def count_of_text(path):
    """Models of a smooth file, read by the format's description alone."""
    head, *lines = path.read_text().splitlines()
    name, nodes, edges, variables = head.split()
    assert name == "nnf"
    assert int(nodes) == len(lines)
    counts, mentioned, seen_edges = [], [], 0
    for line in lines:
        kind, *numbers = line.split()
        if kind == "L":
            counts.append(1)
            mentioned.append({abs(int(numbers[0]))})
            continue
        children = [int(number) for number in numbers[1 if kind == "A" else 2 :]]
        assert len(children) == int(numbers[0 if kind == "A" else 1])
        seen_edges += len(children)
        whole = set().union(*(mentioned[child] for child in children))
        total = 1 if kind == "A" else 0
        for child in children:
            assert kind == "A" or mentioned[child] == whole
            total = total * counts[child] if kind == "A" else total + counts[child]
        counts.append(total)
        mentioned.append(whole)
    assert seen_edges == int(edges)
    assert len(mentioned[-1]) == int(variables) or counts[-1] == 0
    return counts[-1]


@pytest.mark.parametrize("seed", range(60))
def test_a_file_has_as_many_models_as_the_formula(tmp_path, seed):
    cnf = random_formula(seed)
    nnf.write(compile_formula(cnf), tmp_path / "c.nnf")
    assert count_of_text(tmp_path / "c.nnf") == sum(1 for _ in models(cnf))


def test_every_variable_is_mentioned_also_a_free_one(tmp_path):
    nnf.write(compile_formula(formula(4, [[1, 2]])), tmp_path / "c.nnf")
    text = (tmp_path / "c.nnf").read_text()
    assert all(f"L {sign}{variable}\n" in text for variable in (3, 4) for sign in ("", "-"))
