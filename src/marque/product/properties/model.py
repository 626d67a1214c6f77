"""A computed property: a figure with its method, its inputs and a digest that names them, or why there is none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import rfc8785

Input = str | float | int | tuple[float, ...]


@dataclass(frozen=True)
class Property:
    """value: None where it is not claimed; `missing` then says which inputs lack. inputs: everything that the method was given.

    method: a name with its version; what `statement` says of the figure has to stand beside it wherever it is shown.
    """

    name: str
    value: float | None
    unit: str
    method: str
    statement: str
    inputs: Mapping[str, Input] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def claimed(self) -> bool:
        return self.value is not None

    @cached_property
    def document(self) -> bytes:
        """Canonical JSON (RFC 8785) of what the figure rests on and says: the evidence."""
        return rfc8785.dumps(
            {
                "kind": "marque computed property 1",
                "name": self.name,
                "method": self.method,
                "inputs": {name: list(one) if isinstance(one, tuple) else one for name, one in self.inputs.items()},
                "value": self.value,
                "unit": self.unit,
                "missing": list(self.missing),
                "statement": self.statement,
            }
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the document."""
        return hashlib.sha256(self.document).hexdigest()

    @property
    def evidence(self) -> str:
        """A link relative to whoever serves evidence."""
        return f"evidence/{self.digest}"


def not_claimed(name: str, unit: str, method: str, missing: tuple[str, ...]) -> Property:
    lacking = ", ".join(missing)
    return Property(name, None, unit, method, f"Not claimed: the model does not say {lacking}.", {}, missing)
