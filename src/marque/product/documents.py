"""Documents about a model line that are no feature model: which texts compose it, what a storefront offers. Read strictly, JSON (RFC 8785).

Texts are named by the SHA-256 of their UTF-8 bytes, in hex, so that a document says exactly what it is about, for ever.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal, TypeVar

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from marque.common import InputError, Sentence

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Part = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_./-]{0,119}$")]
Document = TypeVar("Document", bound=BaseModel)


class Strict(BaseModel):
    """Nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Line(Strict):
    """A composed model line. root: the part that is the vehicle; parts: the UVL texts by the namespaces that imports name, root among them.

    bill: the 150 % bill of materials whose usage conditions are about exactly these; empty where there is none yet.
    """

    kind: Literal["https://marque.example/model-line/v1"] = "https://marque.example/model-line/v1"
    root: Part
    parts: Annotated[dict[Part, Digest], Field(min_length=1, max_length=200)]
    bill: Digest | Literal[""] = ""


class Publication(Strict):
    """What a storefront offers: a composed line, with what it costs. software: empty where none is sold."""

    kind: Literal["https://marque.example/publication/v1"] = "https://marque.example/publication/v1"
    line: Digest
    prices: Digest
    taxes: Digest | Literal[""] = ""
    software: Digest | Literal[""] = ""


def read(text: str, shape: type[Document], source: str) -> Document:
    """Raises InputError naming the place."""
    try:
        return shape.model_validate(json.loads(text, parse_constant=_no_number), strict=True)
    except (ValueError, RecursionError) as fault:
        if not isinstance(fault, ValidationError):
            raise InputError(source, "", "it is not JSON", "Write it as docs/product-data.md says.") from None
        first = fault.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(one) for one in first["loc"])
        said = Sentence("it cannot be read ({said})", said=first["msg"])
        raise InputError(source, place, said, "Write it as docs/product-data.md says.") from None


def write(document: BaseModel) -> str:
    """Canonical: the same document has one text, and one digest."""
    return rfc8785.dumps(document.model_dump(mode="json")).decode()


def _no_number(given: str) -> float:
    raise ValueError(given)
