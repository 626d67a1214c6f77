"""Conditions of parts, prices and software over the cars of a model: literals of its formula that are equivalent to them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np

from marque.common import InputError
from marque.product.encoding import values
from marque.product.encoding.clauses import Builder
from marque.product.encoding.cnf import Cnf
from marque.product.encoding.encode import understand
from marque.product.encoding.polynomials import NotExactError
from marque.product.model import FeatureModel, Formula
from marque.product.uvl import formula_text


def with_formulas(cnf: Cnf, formulas: Sequence[Formula], model: FeatureModel) -> tuple[Cnf, np.ndarray]:
    """The formula of the model, with a literal for each condition: literals[i] (int32) holds in exactly the cars where formulas[i] does.

    The cars stay as they are, and as many: what is added are variables above `counted` that the others determine, defined by rules of kind
    DEFINITION. Raises InputError as encode does, for a condition that has no finite exact formula.
    """
    builder = _continued(cnf, model)
    understand(builder, model, values.domains(model))
    literals = np.zeros(len(formulas), dtype=np.int32)
    for number, formula in enumerate(formulas):
        try:
            literals[number] = builder.literal(formula)
        except NotExactError as error:
            raise InputError(f"condition {number + 1}", formula_text(formula), error.problem, error.remedy) from error
    return builder.cnf(), literals


def _continued(cnf: Cnf, model: FeatureModel) -> Builder:
    def copied(values: np.ndarray) -> array[int]:
        return array("i", values.astype(np.intc).tobytes())

    return Builder(
        cnf.names,
        model.order,
        cnf.variables,
        cnf.counted,
        list(cnf.rules),
        copied(cnf.literals),
        copied(np.diff(cnf.offsets)),
        copied(cnf.origins),
    )
