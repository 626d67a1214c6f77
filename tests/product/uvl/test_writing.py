"""What is written is read back as the same."""

from __future__ import annotations

from hypothesis import given
from models import NOWHERE, feature_models, placeless

from marque.product.model import FeatureModel
from marque.product.uvl import formula_text, parse, parse_formula, write


@given(feature_models())
def test_a_boolean_model_is_read_back_as_it_was_written(model: FeatureModel) -> None:
    assert placeless(parse(write(model))) == placeless(model)


@given(feature_models(arithmetic=True, types=True))
def test_a_model_of_every_level_is_read_back_as_it_was_written(model: FeatureModel) -> None:
    assert placeless(parse(write(model))) == placeless(model)


@given(feature_models(arithmetic=True, types=True))
def test_a_formula_is_read_back_with_and_without_a_model_to_look_names_up_in(model: FeatureModel) -> None:
    for constraint in model.constraints:
        text = formula_text(constraint.formula)
        assert parse_formula(text, NOWHERE, model) == constraint.formula == parse_formula(text, NOWHERE)
