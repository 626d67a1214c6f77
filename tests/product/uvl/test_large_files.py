"""Depth and size are no matter, or are refused; nothing is read in more than linear time."""

from __future__ import annotations

import pytest
from models import NOWHERE, placeless

from marque.common import InputError
from marque.product.model import And, Name
from marque.product.uvl import formula_text, parse, parse_formula, tokens, write


def deep(levels: int) -> str:
    return (
        "features\n"
        + "".join(f"{' ' * (2 * level + 1)}F{level}\n{' ' * (2 * level + 2)}or\n" for level in range(levels))
        + " " * (2 * levels + 1)
        + "L\n"
    )


def test_a_tree_of_two_thousand_features_below_each_other_is_read_and_written() -> None:
    model = parse(deep(2_000))
    assert len(model.features) == 2_001
    assert [feature.parent for feature in model.features.values()] == ["", *list(model.features)[:-1]]
    assert placeless(parse(write(model))) == placeless(model)


@pytest.mark.slow
def test_a_tree_ten_thousand_lines_deep_is_read() -> None:
    assert len(parse(deep(5_000)).features) == 5_001


@pytest.mark.parametrize(
    "text",
    [
        "!" * 100_000 + "A",
        " => ".join(["A"] * 100_000),
        " + ".join(["A.x"] * 100_000) + " > 0",
        "floor(" * 100_000 + "A.x" + ")" * 100_000 + " > 0",
    ],
)
def test_a_constraint_nested_without_end_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"line 4, column \d+: the constraint is nested deeper than 150 levels"):
        parse(f"features\n\tA {{x 1}}\nconstraints\n\t{text}\n")


def test_a_constraint_as_deep_as_is_allowed_is_read_and_written() -> None:
    text = "(" * 149 + "A" + " & B)" * 149
    formula = parse_formula(text, NOWHERE)
    assert parse_formula(formula_text(formula), NOWHERE) == formula


def test_brackets_alone_are_no_depth() -> None:
    assert parse_formula("(" * 100_000 + "A" + ")" * 100_000, NOWHERE) == Name("A")


def test_a_long_conjunction_is_one_level() -> None:
    formula = parse_formula(" & ".join(f"A{number}" for number in range(20_000)), NOWHERE)
    assert isinstance(formula, And)
    assert len(formula.operands) == 20_000


def test_attributes_nested_without_end_are_refused() -> None:
    for opening, closing in (("{x ", "}"), ("[", "]")):
        with pytest.raises(InputError, match=r"line 2, column \d+: attributes are nested deeper than 32 levels"):
            parse("features\n\tA {x " + opening * 50_000 + "1" + closing * 50_000 + "}\n")


@pytest.mark.parametrize(
    "text",
    [
        "features\n\tA" + " " * 1_000_000,
        "features\n\tA" + "\n\t " * 300_000,
        "features\n\tA //" + "/" * 1_000_000,
        "features\n\tA /*" + "*" * 1_000_000 + "*/",
        "/**/" * 100_000 + "features\n\tA\n",
        "features\n\t" + "A" * 1_000_000,
        "features\n\tA {x '" + '"' * 1_000_000 + "'}",
        "features\n\tA {x [" + "1," * 200_000 + "1]}",
        "features\n\tA\nconstraints\n" + "\tA\n" * 20_000,
    ],
)
def test_long_lines_and_blanks_and_comments_are_read(text: str) -> None:
    assert len(parse(text).features) == 1


@pytest.mark.parametrize(
    "text",
    [
        "features\n\tA\n" + "/*" * 300_000,
        "features\n\tA\n" + "'" * 300_001,
        "features\n\tA\nconstraints\n\t" + "(" * 300_000,
        "features\n\tA\nconstraints\n\t" + ".".join(["A"] * 100_000),
        "features\n\tA\nconstraints\n\t" + "A" * 1_000_000,
        "features\n\tA\n\t\tor\n" + "".join(f"\t\t\tF{number}\n" for number in range(20_000)) + "constraints\n\tF20000\n",
        "features\n" + "\n".join("\t" * level + "F" for level in range(1, 2_000)),
    ],
)
def test_large_faulty_texts_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"line \d+, column \d+"):
        parse(text)


def test_more_than_is_ever_meant_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_CHARACTERS", 1_000)
    monkeypatch.setattr(tokens, "_MOST_TOKENS", 100)
    with pytest.raises(InputError, match=r"line 1, column 1001: the text has 1,008 characters"):
        parse("x" * 1_008)
    with pytest.raises(InputError, match=r"line 1, column 101: the text has more than 100 words"):
        parse("[" * 200)


def test_a_name_of_thousands_that_are_near_is_suggested() -> None:
    names = [f"Wheels {number:05}" for number in range(5_000)]
    text = "features\n\tA\n\t\tor\n" + "".join(f'\t\t\t"{name}"\n' for name in names) + 'constraints\n\t"Wheel 00017"\n'
    with pytest.raises(InputError, match="Did you mean “Wheels 00017”"):
        parse(text)
