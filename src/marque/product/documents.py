"""Documents about a model line that are no feature model: which texts compose it, what a storefront offers. Read strictly, JSON (RFC 8785).

Texts are named by the SHA-256 of their UTF-8 bytes, in hex, so that a document says exactly what it is about, for ever.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, TypeVar

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from marque.common import InputError, Sentence

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Part = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_./-]{0,119}$")]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Document = TypeVar("Document", bound=BaseModel)


class Strict(BaseModel):
    """Nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Line(Strict):
    """A composed model line. root: the part that is the vehicle; parts: the UVL texts by the namespaces that imports name, root among them.

    bill: the 150 % bill of materials whose usage conditions are about exactly these, by group; empty where there is none yet.
    """

    kind: Literal["https://marque.example/model-line/v1"] = "https://marque.example/model-line/v1"
    root: Part
    parts: Annotated[dict[Part, Digest], Field(min_length=1, max_length=200)]
    bill: Annotated[dict[Part, Digest], Field(max_length=200)] = {}


class Publication(Strict):
    """What a storefront offers: a composed line, with what it costs. software: empty where none is sold.

    given: features that every car offered here has, such as its market and model year.
    """

    kind: Literal["https://marque.example/publication/v1"] = "https://marque.example/publication/v1"
    line: Digest
    prices: Digest
    taxes: Digest
    software: Digest | Literal[""] = ""
    given: Annotated[tuple[Word, ...], Field(max_length=200)] = ()


class Reach(Strict):
    """As far as the evidence of a release goes. model, market: features of a car; cells: of its operational design domain, by name."""

    model: Word
    market: Word
    cells: Annotated[tuple[Word, ...], Field(max_length=1000)] = ()


class Offer(Strict):
    """How a software feature is had. included: in every car that can have it. optional: chosen when the car is ordered.

    subscribed: for `months` at a time; bought: for good; both also after delivery, over the air. price: what the price list calls it.
    """

    how: Literal["included", "optional", "subscribed", "bought"]
    months: Annotated[int, Field(ge=0, le=120)] = 0
    price: Annotated[str, Field(max_length=200)] = ""


class SoftwareFeature(Strict):
    """needs: a formula over the car's features, as UVL writes it; empty: none. release: the first that carries it.

    grace_days: a lapsed subscription still works so long. bound_to: a car, whoever has it, or the owner who bought.
    """

    offers: Annotated[tuple[Offer, ...], Field(min_length=1, max_length=10)]
    release: Word
    reach: Annotated[tuple[Reach, ...], Field(max_length=1000)]
    needs: Annotated[str, Field(max_length=10_000)] = ""
    grace_days: Annotated[int, Field(ge=0, le=366)] = 0
    bound_to: Literal["car", "owner"] = "car"


class Release(Strict):
    """A software release, and the digest of the evidence that it was judged by."""

    id: Word
    evidence: Digest | Literal[""] = ""


class Software(Strict):
    """What a car's software may do, and how it is had. releases: the oldest first. features: by their names in the model."""

    kind: Literal["https://marque.example/software-features/v1"] = "https://marque.example/software-features/v1"
    releases: Annotated[tuple[Release, ...], Field(min_length=1, max_length=1000)]
    features: Annotated[dict[Word, SoftwareFeature], Field(max_length=1000)]


def read(text: str, shape: type[Document], source: str) -> Document:
    """Raises InputError naming the place."""
    try:
        return shape.model_validate_json(text, strict=True)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(one) for one in first["loc"])
        said = Sentence("it cannot be read ({said})", said=first["msg"])
        raise InputError(source, place, said, "Write it as docs/product-data.md says.") from None


def write(document: BaseModel) -> str:
    """Canonical: the same document has one text, and one digest."""
    return rfc8785.dumps(document.model_dump(mode="json")).decode()


def digest(text: str) -> str:
    """By which a text is named."""
    return hashlib.sha256(text.encode()).hexdigest()
