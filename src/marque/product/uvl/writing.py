"""A feature model → UVL, a formula → its text. What is written is read back as the same value."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from marque.common import MarqueError
from marque.product.model import (
    Aggregate,
    And,
    Arithmetic,
    Attribute,
    Compare,
    Constant,
    Feature,
    FeatureModel,
    FeatureType,
    Formula,
    Group,
    GroupKind,
    Iff,
    Implies,
    Name,
    Not,
    Or,
    Term,
    Value,
)
from marque.product.uvl.outline import COMPOSED, RESERVED

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_UNWRITABLE = re.compile('["\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]')
_QUOTED = RESERVED | {"sum", "avg", "min", "max", "len", "floor", "ceil", "Arithmetic", "Type"}
_IFF, _IMPLIES, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _ATOM = range(9)

_Piece = tuple[str, int]
"""A text, and how tightly it holds together."""


def write(model: FeatureModel) -> str:
    """The model as one text. `parse` of it is the same model but for places and spaces. MarqueError for what UVL has no writing for.

    A composed model is written in one piece too, with a first line that says so: its names hold full stops, which other readers refuse.
    """
    owned: dict[str, list[str]] = {}
    for constraint in model.constraints:
        owned.setdefault(constraint.owner, []).append(formula_text(constraint.formula))
    composed = any(owned) or any(feature.owner for feature in model.features.values())
    lines = [COMPOSED] if composed else []
    lines += [f"namespace {_dotted(model.name)}", ""]
    if model.levels:
        lines += ["include", *(f"\t{level}" for level in model.levels), ""]
    lines.append("features")
    own = owned.pop("", [])
    _write_tree(model, lines, owned)
    if owned:
        raise MarqueError(f"The constraints of {', '.join(owned)} belong to no feature of the model.")
    if own:
        lines += ["", "constraints", *(f"\t{text}" for text in own)]
    return "\n".join(lines) + "\n"


def formula_text(formula: Formula | Term) -> str:
    """As UVL writes it, with brackets only where they are needed or where two of => or <=> meet. MarqueError for what has no writing."""
    done: list[_Piece] = []
    waiting = [(formula, False)]
    while waiting:
        node, ready = waiting.pop()
        operands = _operands(node)
        if operands and not ready:
            waiting.append((node, True))
            waiting.extend((operand, False) for operand in reversed(operands))
        else:
            pieces = done[len(done) - len(operands) :]
            del done[len(done) - len(operands) :]
            done.append(_joined(node, pieces))
    return done[0][0]


def _write_tree(model: FeatureModel, lines: list[str], owned: dict[str, list[str]]) -> None:
    """owned: constraints by owner; each goes to the first feature of its owner, and is taken out."""
    waiting: list[tuple[Feature | Group, int]] = [(model.root, 1)]
    while waiting:
        each, depth = waiting.pop()
        if isinstance(each, Feature):
            lines.append("\t" * depth + _feature_text(each, owned.pop(each.owner, [])))
            waiting.extend((group, depth + 1) for group in reversed(each.groups))
        else:
            lines.append("\t" * depth + _group_text(each))
            waiting.extend((model.features[child], depth + 1) for child in reversed(each.children))


def _feature_text(feature: Feature, constraints: Sequence[str]) -> str:
    text = _name(feature.name)
    if feature.type is not FeatureType.BOOLEAN:
        text = f"{feature.type} {text}"
    if (feature.least, feature.most) != (1, 1):
        text += f" cardinality {_cardinality(feature.least, feature.most)}"
    entries = _entries(feature.attributes)
    if constraints:
        entries.append("constraints [\n\t" + ",\n\t".join(constraints) + "\n]")
    return f"{text} {{{', '.join(entries)}}}" if entries else text


def _group_text(group: Group) -> str:
    return _cardinality(group.least, group.most) if group.kind is GroupKind.CARDINALITY else str(group.kind)


def _cardinality(least: int, most: int | None) -> str:
    return f"[{least}..{'*' if most is None else most}]"


def _entries(attributes: Mapping[str, Value]) -> list[str]:
    return [_name(key) if value is None else f"{_name(key)} {_value(value)}" for key, value in attributes.items()]


def _value(value: Value) -> str:
    if isinstance(value, str):
        return _quoted_text(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(_entries(value)) + "}"
    if value is None:
        raise MarqueError("A list in UVL holds no empty value.")
    return _number(value)


def _number(value: float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        raise MarqueError(f"UVL has no writing for the number {value}.")
    text = format(Decimal(repr(value)), "f")
    return text if "." in text else f"{text}.0"


def _quoted_text(text: str) -> str:
    quote = "'" if "'" not in text else '"'
    if quote in text or _UNWRITABLE.search(text.replace('"', "")):
        raise MarqueError(f"UVL has no writing for the text {text!r}: it holds both kinds of quotes, or characters that cannot be seen.")
    return f"{quote}{text}{quote}"


def _name(name: str) -> str:
    if _PLAIN.match(name) and name not in _QUOTED:
        return name
    if not name or _UNWRITABLE.search(name):
        raise MarqueError(f"UVL has no writing for the name {name!r}: names are not empty and hold no double quotes.")
    return f'"{name}"'


def _dotted(name: str) -> str:
    parts = name.split(".")
    return ".".join(_name(part) for part in parts) if all(parts) else _name(name)


def _operands(node: Formula | Term) -> tuple[Formula | Term, ...]:
    match node:
        case Not(operand):
            return (operand,)
        case And(operands) | Or(operands):
            return operands
        case Implies(left, right) | Iff(left, right):
            return left, right
        case Compare(_, left, right) | Arithmetic(_, left, right):
            return left, right
        case Aggregate(operand=operand) if operand is not None:
            return (operand,)
    return ()


def _joined(node: Formula | Term, pieces: Sequence[_Piece]) -> _Piece:
    """The text of a node from the texts of its operands."""
    match node:
        case Name(feature):
            return _dotted(feature), _ATOM
        case Constant(value):
            return _constant(value), _ATOM
        case Attribute(feature, name):
            return f"{_dotted(feature)}.{_dotted(name)}", _ATOM
        case Aggregate(function, attribute, under):
            inner = pieces[0][0] if pieces else _dotted(attribute) + (f", {_dotted(under)}" if under else "")
            return f"{function}({inner})", _ATOM
        case Not():
            text, strength = pieces[0]
            return f"!{text}" if strength in (_NOT, _ATOM) else f"!({text})", _NOT
        case And():
            return _chain(pieces, " & ", "true", _AND)
        case Or():
            return _chain(pieces, " | ", "false", _OR)
        case Implies():
            return f"{_inside(pieces[0], _OR)} => {_inside(pieces[1], _OR)}", _IMPLIES
        case Iff():
            return f"{_inside(pieces[0], _IMPLIES)} <=> {_inside(pieces[1], _IMPLIES)}", _IFF
        case Compare(operator):
            return f"{_inside(pieces[0], _SUM)} {operator} {_inside(pieces[1], _SUM)}", _COMPARE
        case Arithmetic(operator):
            own = _SUM if operator in "+-" else _PRODUCT
            return f"{_inside(pieces[0], own)} {operator} {_inside(pieces[1], own + 1)}", own


def _inside(piece: _Piece, least: int) -> str:
    text, strength = piece
    return text if strength >= least else f"({text})"


def _chain(pieces: Sequence[_Piece], sign: str, none: str, strength: int) -> _Piece:
    if len(pieces) < 2:
        return pieces[0] if pieces else (none, _ATOM)
    return sign.join(_inside(each, strength + 1) for each in pieces), strength


def _constant(value: bool | float | str) -> str:
    if not isinstance(value, str):
        return _number(value)
    if "'" not in value and not _UNWRITABLE.search(value.replace('"', "")):
        return f"'{value}'"
    raise MarqueError(
        f"UVL has no writing for the text {value!r} in a constraint: it holds a single quote, or characters that cannot be seen."
    )
