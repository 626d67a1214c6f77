"""UVL, the Universal Variability Language: read, composed, written."""

from marque.product.uvl.reading import parse, parse_formula, read
from marque.product.uvl.writing import formula_text, write

__all__ = ["formula_text", "parse", "parse_formula", "read", "write"]
