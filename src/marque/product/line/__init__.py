"""The demonstration line: the sport utility vehicle Corvus and the sedan Vela in three markets, as files of this package."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marque.product.configure.product import Product
    from marque.product.model import FeatureModel
    from marque.product.parts import Bill

_HERE = Path(__file__).resolve().parent


def line_file() -> Path:
    """The UVL file that composes all others."""
    return _HERE / "line.uvl"


def bill_folder() -> Path:
    """The 150 % bill of materials, a JSON file for each group of slots."""
    return _HERE / "parts"


def model() -> FeatureModel:
    from marque.product import uvl

    return uvl.read(line_file())


def bill() -> Bill:
    from marque.product import parts

    return parts.read(bill_folder())


def load(cache: Path | None = None) -> Product:
    """The line, ready for configurations. cache: a folder for what is compiled once."""
    from marque.product.configure.product import load as load_product

    return load_product(line_file(), cache)
