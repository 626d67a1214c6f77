"""What is written is read back as the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from models import NOWHERE, feature_models, placeless

from marque.common import MarqueError
from marque.product.model import Feature, FeatureModel
from marque.product.uvl import formula_text, parse, parse_formula, write


@given(feature_models())
def test_a_boolean_model_is_read_back_as_it_was_written(model: FeatureModel) -> None:
    assert placeless(parse(write(model))) == placeless(model)


@settings(max_examples=300)
@given(feature_models(arithmetic=True, types=True))
def test_a_model_of_every_level_is_read_back_as_it_was_written(model: FeatureModel) -> None:
    assert placeless(parse(write(model))) == placeless(model)


@given(feature_models(arithmetic=True, types=True))
def test_a_formula_is_read_back_with_and_without_a_model_to_look_names_up_in(model: FeatureModel) -> None:
    for constraint in model.constraints:
        text = formula_text(constraint.formula)
        assert parse_formula(text, NOWHERE, model) == constraint.formula == parse_formula(text, NOWHERE)


@pytest.mark.parametrize(
    ("feature", "why"),
    [
        (Feature('a"b', "", (), NOWHERE), "name"),
        (Feature("", "", (), NOWHERE), "name"),
        (Feature("a\nb", "", (), NOWHERE), "name"),
        (Feature("a", "", (), NOWHERE, attributes={"x": "both ' and \""}), "both kinds of quotes"),
        (Feature("a", "", (), NOWHERE, attributes={"x": "two\nlines"}), "cannot be seen"),
        (Feature("a", "", (), NOWHERE, attributes={"x": float("inf")}), "inf"),
        (Feature("a", "", (), NOWHERE, attributes={"x": (None,)}), "empty value"),
    ],
)
def test_what_uvl_has_no_writing_for_is_refused(feature: Feature, why: str) -> None:
    with pytest.raises(MarqueError, match=why):
        write(FeatureModel("a", {feature.name: feature}, ()))


def test_words_of_the_language_are_written_in_quotes() -> None:
    text = write(FeatureModel("or", {"sum": Feature("sum", "", (), NOWHERE, attributes={"constraint": None})}, (), ("Boolean",)))
    assert text == 'namespace "or"\n\ninclude\n\tBoolean\n\nfeatures\n\t"sum" {"constraint"}\n'


@pytest.mark.parametrize(
    "text",
    [
        "!A & (B | C) => (D => E)",
        "(A => B) => C",
        "A <=> (B <=> C)",
        "A.x - (1 - 2) * 3 > -4.5",
        "!(A.x == 1) | !!B",
        "sum(x, A) / 2 >= floor(B.y + 0.5)",
        "\"Wheels 21″\".price == 'a' & len(Name) < 3",
        "true | a.b.C",
    ],
)
def test_a_formula_has_brackets_only_where_they_help(text: str) -> None:
    assert formula_text(parse_formula(text, NOWHERE)) == text
