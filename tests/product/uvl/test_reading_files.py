"""What UVL says, read as it says it."""

from __future__ import annotations

from pathlib import Path

import pytest
from models import NOWHERE, placeless

from marque.common import InputError
from marque.product.model import (
    Aggregate,
    And,
    Arithmetic,
    Attribute,
    Compare,
    Constant,
    FeatureType,
    GroupKind,
    Iff,
    Implies,
    Name,
    Not,
    Or,
    Place,
)
from marque.product.uvl import formula_text, parse, parse_formula, read, write

CAR = """// A small car
namespace demo.Car
include
    Boolean.group-cardinality
    Arithmetic.*
    Type.string-constraints

features   /* the tree */
    Car {abstract, from '2026-01-01', size {length 4.5, wide true}, codes [1, -2.5, 'x']}
        mandatory
            Wheels
                alternative   // one of them
                    "Wheels 20″" {price 900}
                    "Wheels 21″" {
                        price 1300,
                        doc "it's wide"
                    }

            Integer Seats
        optional
            String Name
            Towbar cardinality [0..2] {constraint Towbar => !"Wheels 21″"}
        [1..2]
            A
            B {constraints [A | B,
                            B => Towbar]}
        [1]
            C
        [0..*]
            D

constraints
    Seats >= 2 & Seats <= (
        7
    )
    len(Name) < 10 & Name != 'none'
    sum(price) - B.x / 2 >= -3 => A
    avg(price, Wheels) > 1 <=> "Wheels 20″"
""".replace("B {constraints", "B {x 4, constraints")


def test_a_tree_has_its_features_groups_and_attributes() -> None:
    model = parse(CAR, "car.uvl")
    assert model.name == "demo.Car"
    assert model.levels == ("Boolean.group-cardinality", "Arithmetic.*", "Type.string-constraints")
    assert list(model.features) == ["Car", "Wheels", "Wheels 20″", "Wheels 21″", "Seats", "Name", "Towbar", "A", "B", "C", "D"]
    assert model.root.attributes == {
        "abstract": None,
        "from": "2026-01-01",
        "size": {"length": 4.5, "wide": True},
        "codes": (1, -2.5, "x"),
    }
    told = [(group.kind, group.least, group.most, group.children) for group in model.root.groups]
    assert told == [
        (GroupKind.MANDATORY, 2, 2, ("Wheels", "Seats")),
        (GroupKind.OPTIONAL, 0, None, ("Name", "Towbar")),
        (GroupKind.CARDINALITY, 1, 2, ("A", "B")),
        (GroupKind.CARDINALITY, 1, 1, ("C",)),
        (GroupKind.CARDINALITY, 0, None, ("D",)),
    ]
    assert model.features["Wheels 21″"].attributes["doc"] == "it's wide"
    assert model.features["Wheels 21″"].parent == "Wheels"
    assert (model.features["Towbar"].least, model.features["Towbar"].most) == (0, 2)
    assert [model.features[name].type for name in ("Car", "Seats", "Name")] == [
        FeatureType.BOOLEAN,
        FeatureType.INTEGER,
        FeatureType.STRING,
    ]


def test_everything_knows_where_it_is_written() -> None:
    model = parse(CAR, "car.uvl")
    assert model.features["Wheels 21″"].place == Place("car.uvl", 14, 21)
    assert model.features["Seats"].place == Place("car.uvl", 19, 21)
    assert model.root.groups[0].place == Place("car.uvl", 10, 9)
    assert model.constraints[0].place == Place("car.uvl", 22, 51)
    assert model.constraints[3].place == Place("car.uvl", 33, 5)


def test_constraints_of_attributes_come_before_those_of_the_section() -> None:
    texts = [constraint.text for constraint in parse(CAR).constraints]
    assert texts == [
        'Towbar => !"Wheels 21″"',
        "A | B",
        "B => Towbar",
        "Seats >= 2 & Seats <= ( 7 )",
        "len(Name) < 10 & Name != 'none'",
        "sum(price) - B.x / 2 >= -3 => A",
        'avg(price, Wheels) > 1 <=> "Wheels 20″"',
    ]


def test_formulas_have_the_terms_that_are_written() -> None:
    formulas = [constraint.formula for constraint in parse(CAR).constraints]
    assert formulas[5] == Implies(
        Compare(">=", Arithmetic("-", Aggregate("sum", "price"), Arithmetic("/", Attribute("B", "x"), Constant(2))), Constant(-3)),
        Name("A"),
    )
    assert formulas[6] == Iff(Compare(">", Aggregate("avg", "price", "Wheels"), Constant(1)), Name("Wheels 20″"))
    assert formulas[4] == And(
        (
            Compare("<", Aggregate("len", operand=Name("Name")), Constant(10)),
            Compare("!=", Name("Name"), Constant("none")),
        )
    )


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("!A & B", "(!A) & B"),
        ("A & B | C & D", "(A & B) | (C & D)"),
        ("A | B => C | D", "(A | B) => (C | D)"),
        ("A => B <=> C => D", "(A => B) <=> (C => D)"),
        ("A => B => C", "(A => B) => C"),
        ("A <=> B <=> C", "(A <=> B) <=> C"),
        ("!A.x == 1", "!(A.x == 1)"),
        ("A.x + 1 > 2 & B", "((A.x + 1) > 2) & B"),
        ("A.x - 1 - 2 > 0", "((A.x - 1) - 2) > 0"),
        ("A.x - 2 * 3 > 0", "(A.x - (2 * 3)) > 0"),
        ("A.x-1 == 0", "(A.x) - 1 == 0"),
        ("A.x - -1 == 0", "A.x - (-1) == 0"),
        ("!!A", "!(!(A))"),
    ],
)
def test_operators_bind_as_uvl_says(text: str, same: str) -> None:
    assert parse_formula(text, NOWHERE) == parse_formula(same, NOWHERE)


def test_brackets_around_a_conjunction_keep_it_apart() -> None:
    a, b, c = Name("a"), Name("b"), Name("c")
    assert parse_formula("a & b & c", NOWHERE) == And((a, b, c))
    assert parse_formula("a & (b & c)", NOWHERE) == And((a, And((b, c))))
    assert parse_formula("a | b | !c", NOWHERE) == Or((a, b, Not(c)))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("indentation", ["\t", " ", "    ", " \t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_line_endings_and_kinds_of_indentation_mean_the_same(start: str, ending: str, indentation: str) -> None:
    text = "features\n\tA\n\t\tor\n\t\t\tB\n\n// none\n\t\t\tC\nconstraints\n\tA & (B\n|\n C)\n"
    same = parse(start + text.replace("\t", indentation).replace("\n", ending))
    assert placeless(same) == placeless(parse(text))
    assert same.features["C"].place == Place("<text>", 7, 1 + 3 * len(indentation))


@pytest.mark.parametrize("end", ["", "\n", "\n\n  ", "\n\t\t// the end", " /* the end */", "// the end"])
def test_a_file_may_end_anyhow(end: str) -> None:
    assert list(parse("features\n\tA\n\t\tor\n\t\t\tB" + end).features) == ["A", "B"]


def test_a_condition_of_its_own_tells_faults_from_where_it_stands() -> None:
    model = parse('features\n\tCar\n\t\toptional\n\t\t\t"Tow hook"\n')
    assert parse_formula('Car & !"Tow hook"', NOWHERE, model) == And((Name("Car"), Not(Name("Tow hook"))))
    with pytest.raises(InputError, match=r"parts\.csv, line 7, column 19: there is no feature “Tow hok”.*\n  Did you mean “Tow hook”\?"):
        parse_formula('Car & !"Tow hok"', Place("parts.csv", 7, 12), model)
    with pytest.raises(InputError, match="line 8, column 2: "):
        parse_formula("Car &\n &", Place("parts.csv", 7, 12), model)
    with pytest.raises(InputError, match=r"line 7, column 12: .* found the end of the text"):
        parse_formula("", Place("parts.csv", 7, 12), model)


def test_an_attribute_may_be_nested() -> None:
    model = parse("features\n\tA {size {length 4}}\nconstraints\n\tA.size.length > 3 & sum(size.length) < 5\n")
    text = formula_text(model.constraints[0].formula)
    assert text == "A.size.length > 3 & sum(size.length) < 5"


def test_the_part_of_the_tree_may_stand_before_the_attribute_in_a_sum() -> None:
    model = parse("features\n\tA {x 1}\nconstraints\n\tsum(A, x) > 0\n\tsum(x, A) > 0\n")
    assert model.constraints[0].formula == model.constraints[1].formula == Compare(">", Aggregate("sum", "x", "A"), Constant(0))


def test_a_sum_over_a_typed_feature_is_its_value() -> None:
    model = parse('features\n\tA\n\t\toptional\n\t\t\tInteger "N Scoops"\nconstraints\n\tsum("N Scoops") <= 3\n')
    assert model.constraints[0].formula == Compare("<=", Name("N Scoops"), Constant(3))


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"features\n\tA\xff\n", "line 2, column 3"),
        ("features\n\tÄÄ".encode() + b"\xc3\n", "line 2, column 4"),
        (b"\xe4\n", "line 1, column 1"),
        ("features\n\tA\n".encode("utf-16"), "line 1, column 1"),
    ],
)
def test_a_file_that_is_not_utf_8_is_refused_at_the_first_wrong_byte(tmp_path: Path, content: bytes, place: str) -> None:
    (tmp_path / "car.uvl").write_bytes(content)
    with pytest.raises(InputError, match=f"car.uvl, {place}: the file is not UTF-8"):
        read(tmp_path / "car.uvl")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none.uvl", tmp_path, tmp_path / "none" / "a.uvl"):
        with pytest.raises(InputError):
            read(path)


PUBLISHED = {
    "berkeleydb.uvl": 76,
    "kconfig_axTLS.uvl": 96,
    "kconfig_uClibc.uvl": 313,
    "financial_2018-05-09.uvl": 771,
    "automotive01.benchmark.uvl": 2_513,
    "a02_01.benchmark.uvl": 14_010,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models_have_as_many_features_as_published_and_are_read_back_as_written(shared_data: Path, name: str) -> None:
    model = read(shared_data / "feature_models" / name)
    assert len(model.features) == PUBLISHED[name]
    assert placeless(parse(write(model))) == placeless(model)
