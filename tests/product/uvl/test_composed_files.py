"""Files that import files: the reference to a submodel's root is replaced by the submodel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from models import placeless

from marque.common import InputError
from marque.product.model import Aggregate, And, Attribute, Compare, Constant, Name
from marque.product.uvl import parse, read, write

CAR = """imports
	sensors.suite as sensors
	legal
features
	Car
		mandatory
			sensors.Suite {price 7}
				optional
					Cover
			legal.Rules
constraints
	Cover => sensors.Lidar & sensors.maker.Acme
	sum(price) > 3
"""
SUITE = """imports
	maker
features
	Suite {watts 5}
		or
			Lidar {price 5}
			Camera
		mandatory
			maker.Maker
constraints
	Lidar => maker.Acme
	Lidar.price < 9 & sum(price) > 1
"""
MAKER = "features\n\tMaker\n\t\talternative\n\t\t\tAcme\n\t\t\tOther\n"
LEGAL = "features\n\tRules\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sensors").mkdir()
    (tmp_path / "car.uvl").write_text(CAR)
    (tmp_path / "sensors" / "suite.uvl").write_text(SUITE)
    (tmp_path / "sensors" / "maker.uvl").write_text(MAKER)
    (tmp_path / "legal.uvl").write_text(LEGAL)
    return tmp_path


def test_submodels_take_the_place_of_the_references_to_their_roots(folder: Path) -> None:
    model = read(folder / "car.uvl")
    assert list(model.features) == [
        "Car",
        "sensors.Suite",
        "sensors.Lidar",
        "sensors.Camera",
        "sensors.maker.Maker",
        "sensors.maker.Acme",
        "sensors.maker.Other",
        "Cover",
        "legal.Rules",
    ]
    suite = model.features["sensors.Suite"]
    assert suite.parent == "Car"
    assert [group.children for group in suite.groups] == [("sensors.Lidar", "sensors.Camera"), ("sensors.maker.Maker",), ("Cover",)]
    assert suite.attributes == {"watts": 5, "price": 7}
    assert model.features["Cover"].parent == "sensors.Suite"
    owners = {name: feature.owner for name, feature in model.features.items()}
    assert owners["sensors.Suite"] == "sensors"
    assert owners["sensors.maker.Acme"] == "sensors.maker"
    assert owners["Cover"] == owners["Car"] == ""
    assert str(model.features["sensors.maker.Acme"].place) == "sensors/maker.uvl:4:4"


def test_constraints_come_along_and_speak_of_their_own_module(folder: Path) -> None:
    constraints = read(folder / "car.uvl").constraints
    assert [(each.owner, each.text) for each in constraints] == [
        ("", "Cover => sensors.Lidar & sensors.maker.Acme"),
        ("", "sum(price) > 3"),
        ("sensors", "Lidar => maker.Acme"),
        ("sensors", "Lidar.price < 9 & sum(price) > 1"),
    ]
    assert constraints[1].formula == Compare(">", Aggregate("sum", "price"), Constant(3))
    assert constraints[3].formula == And(
        (
            Compare("<", Attribute("sensors.Lidar", "price"), Constant(9)),
            Compare(">", Aggregate("sum", "price", "sensors.Suite"), Constant(1)),
        )
    )


def test_a_composed_model_is_written_in_one_piece_and_read_back_with_its_owners(folder: Path) -> None:
    model = read(folder / "car.uvl")
    assert placeless(parse(write(model))) == placeless(model)


def test_a_text_that_is_no_composed_model_in_one_piece_has_no_full_stops_in_names() -> None:
    piece = '// composed\nfeatures\n\tA\n\t\tor\n\t\t\t"b.C" {constraints [A & b.C]}\n'
    assert parse(piece).features["b.C"].owner == parse(piece).constraints[0].owner == "b"
    with pytest.raises(InputError, match=r"line 5, column 4: .* holds a full stop"):
        parse(piece.replace("// composed", "// composed?"))


def test_a_loader_gives_the_texts_where_there_are_no_files(folder: Path) -> None:
    texts = {"sensors.suite": SUITE, "maker": MAKER, "legal": LEGAL}
    model = parse(CAR, "car.uvl", lambda namespace: (texts[namespace], f"{namespace}.uvl"))
    assert placeless(model) == placeless(read(folder / "car.uvl"))
    with pytest.raises(InputError, match=r"car.uvl, line 2, column 2: .* cannot be imported into a text"):
        parse(CAR, "car.uvl")


def test_further_folders_are_searched(folder: Path, tmp_path: Path) -> None:
    apart = tmp_path / "apart"
    apart.mkdir()
    (folder / "legal.uvl").rename(apart / "legal.uvl")
    with pytest.raises(
        InputError, match=r"car.uvl, line 3, column 2: “legal” cannot be imported: there is no file legal.uvl beside car.uvl"
    ):
        read(folder / "car.uvl")
    assert "legal.Rules" in read(folder / "car.uvl", search=[apart]).features


def test_one_file_under_two_names_is_two_submodels() -> None:
    tree = "features\n\tCar\n\t\tor\n\t\t\tfront.Motor\n\t\t\trear.Motor\n"
    text = f"imports\n\tm as front\n\tm as rear\n{tree}constraints\n\tfront.Big => rear.Big\n"
    motor = "features\n\tMotor\n\t\toptional\n\t\t\tBig\nconstraints\n\tMotor\n"
    model = parse(text, "car.uvl", lambda _: (motor, "m.uvl"))
    assert list(model.features) == ["Car", "front.Motor", "front.Big", "rear.Motor", "rear.Big"]
    assert [each.formula for each in model.constraints[1:]] == [Name("front.Motor"), Name("rear.Motor")]


def test_a_diamond_is_read_once_and_placed_twice() -> None:
    def side(name: str) -> str:
        return f"imports\n\tbase\nfeatures\n\t{name}\n\t\tor\n\t\t\tbase.Base\n"

    top = "imports\n\tb\n\tc\nfeatures\n\tA\n\t\tor\n\t\t\tb.B\n\t\t\tc.C\n"
    texts = {"b": side("B"), "c": side("C"), "base": "features\n\tBase\n"}
    model = parse(top, "a.uvl", lambda namespace: (texts[namespace], namespace))
    assert list(model.features) == ["A", "b.B", "b.base.Base", "c.C", "c.base.Base"]


def test_an_alias_may_be_left_out_and_then_has_its_folders() -> None:
    text = "imports\n\ta.b\nfeatures\n\tA\n\t\tor\n\t\t\ta.b.B {x 1}\nconstraints\n\ta.b.B & a.b.B.x > 0\n"
    model = parse(text, "a.uvl", lambda _: ("features\n\tB\n", "b.uvl"))
    assert model.constraints[0].formula == And((Name("a.b.B"), Compare(">", Attribute("a.b.B", "x"), Constant(0))))


def test_a_submodel_may_be_the_root_of_a_submodel() -> None:
    texts = {"b": "imports\n\tc\nfeatures\n\tc.C\n", "c": "features\n\tC\n"}
    model = parse("imports\n\tb\nfeatures\n\tA\n\t\tor\n\t\t\tb.c.C\n", "a.uvl", lambda namespace: (texts[namespace], namespace))
    assert [(each.name, each.parent, each.owner) for each in model.features.values()] == [("A", "", ""), ("b.c.C", "A", "b.c")]


def test_a_submodel_may_be_the_root() -> None:
    model = parse("imports\n\tb\nfeatures\n\tb.B\n\t\tor\n\t\t\tC\n", "a.uvl", lambda _: ("features\n\tB\n", "b.uvl"))
    assert [(each.name, each.parent) for each in model.features.values()] == [("b.B", ""), ("C", "b.B")]
    assert placeless(parse(write(model))) == placeless(model)


def _written(change: Callable[[Path], None], folder: Path) -> str:
    change(folder)
    with pytest.raises(InputError) as refused:
        read(folder / "car.uvl")
    return str(refused.value)


def _replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            _replace("sensors/maker.uvl", "features", "imports\n\tsuite\nfeatures"),
            "sensors/maker.uvl, line 2, column 2: the import “suite” has no place",
        ),
        (
            _replace("legal.uvl", "features\n\tRules", "imports\n\tcar\nfeatures\n\tRules\n\t\tor\n\t\t\tcar.Car"),
            "go in a circle: car.uvl → legal.uvl → car.uvl",
        ),
        (
            _replace("legal.uvl", "features\n\tRules", "imports\n\tlegal as me\nfeatures\n\tRules\n\t\tor\n\t\t\tme.Rules"),
            "circle: legal.uvl → legal.uvl",
        ),
        (
            _replace("car.uvl", "sensors.suite", "sensors.suit"),
            "car.uvl, line 2, column 2: “sensors.suit” cannot be imported: there is no file sensors/suit.uvl",
        ),
        (_replace("car.uvl", "sensors.suite", '"../sensors"'), "holds a full stop"),
        (_replace("car.uvl", "sensors.suite", 'sensors."a/b"'), "cannot be the name of a file"),
        (
            _replace("car.uvl", "legal.Rules", "legal.Rule"),
            "car.uvl, line 10, column 4: “legal.Rule” is not the root of legal.uvl.\n  Write legal.Rules",
        ),
        (
            _replace("car.uvl", "legal.Rules", "lgal.Rules"),
            "car.uvl, line 10, column 4: “lgal.Rules” belongs to “lgal”, which is not imported.\n  Did you mean “legal”?",
        ),
        (_replace("car.uvl", "\t\t\tlegal.Rules\n", ""), "car.uvl, line 3, column 2: the import “legal” has no place in the tree"),
        (_replace("car.uvl", "\t\t\tlegal.Rules\n", "\t\t\tlegal.Rules\n\t\tor\n\t\t\tlegal.Rules\n"), "a second feature “legal.Rules”"),
        (
            _replace("car.uvl", "sensors.Suite {price 7}", "sensors.Suite {watts 7}"),
            "car.uvl, line 7, column 4: the submodel already has the attribute “watts”",
        ),
        (_replace("car.uvl", "sensors.Suite {price 7}", "Integer sensors.Suite"), "is Boolean in its submodel, Integer here"),
        (
            _replace("car.uvl", "sensors.Lidar &", "sensors.Lider &"),
            "car.uvl, line 12, column 11: there is no feature “sensors.Lider”.\n  Did you mean “sensors.Lidar”",
        ),
        (
            _replace("sensors/suite.uvl", "Lidar => maker.Acme", "Lidar => Cover"),
            "sensors/suite.uvl, line 11, column 11: there is no feature “Cover”",
        ),
        (_replace("sensors/maker.uvl", "Acme", "Acme Other"), "sensors/maker.uvl, line 4, column 9: "),
        (
            _replace("car.uvl", "imports", "include\n\tBoolean\nimports"),
            "car.uvl, line 15, column 2: this is of the language level “Arithmetic.aggregate-function”, which the file does not include",
        ),
        (
            _replace("legal.uvl", "features", "include\n\tBoolean\nfeatures\n\tRules\n\t\t[1]\n\t\t\tX\nconstraints\n\tX // "),
            "legal.uvl, line 5, column 3: this is of the language level “Boolean.group-cardinality”",
        ),
    ],
)
def test_a_faulty_composition_is_refused_in_the_file_that_is_at_fault(folder: Path, change: Callable[[Path], None], told: str) -> None:
    assert told in _written(change, folder)


def test_a_file_includes_the_levels_of_its_submodels() -> None:
    text = "include\n\tBoolean\nimports\n\tb\nfeatures\n\tA\n\t\tor\n\t\t\tb.B\n"
    with pytest.raises(InputError, match=r"a.uvl, line 4, column 2: the submodel “b” uses the language level “Type” \(b.uvl:2:2\)"):
        parse(text, "a.uvl", lambda _: ("features\n\tInteger B\n", "b.uvl"))


@pytest.mark.slow
def test_imports_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    def load(namespace: str) -> tuple[str, str]:
        number = int(namespace[1:])
        tree = f"features\n\tR{number}\n"
        if number < 30:
            tree = f"imports\n\tm{number + 1} as a\n\tm{number + 1} as b\n{tree}\t\tor\n\t\t\ta.R{number + 1}\n\t\t\tb.R{number + 1}\n"
        return tree, namespace

    with pytest.raises(InputError, match="more than 250,000 features"):
        parse(load("m0")[0], "m0", load)


def test_imports_nested_without_end_are_refused() -> None:
    def load(namespace: str) -> tuple[str, str]:
        number = int(namespace[1:])
        return f"imports\n\tm{number + 1} as a\nfeatures\n\tR{number}\n\t\tor\n\t\t\ta.R{number + 1}\n", namespace

    with pytest.raises(InputError, match="m31, line 2, column 2: imports are nested deeper than 32 files"):
        parse(load("m0")[0], "m0", load)
