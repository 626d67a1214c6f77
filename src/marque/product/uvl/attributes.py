"""Attributes of a feature: `{price 12.5, tags ['a', 'b'], size {width 3}, abstract, constraint A => B}`."""

from __future__ import annotations

from marque.product.model import Value
from marque.product.uvl.faults import shown
from marque.product.uvl.outline import Outline
from marque.product.uvl.tokens import NAME, NUMBER, QUOTED, SIGN, TEXT

_DEEPEST = 32


def read_attributes(outline: Outline, index: int, last: int, into: dict[str, Value], depth: int = 1) -> int:
    """Reads the attributes of the bracket at index into `into`, their constraints into the outline; answers with the index behind it."""
    tokens = outline.tokens
    if depth > _DEEPEST:
        raise outline.source.fault(tokens.offsets[index], f"attributes are nested deeper than {_DEEPEST} levels")
    index += 1
    if tokens.is_sign(index, last, "}"):
        return index + 1
    while True:
        if tokens.is_word(index, last, "constraint"):
            index = _constraint(outline, index + 1, last)
        elif tokens.is_word(index, last, "constraints"):
            index = _constraints(outline, index + 1, last)
        else:
            index = _attribute(outline, index, last, into, depth)
        if tokens.is_sign(index, last, "}"):
            return index + 1
        if not tokens.is_sign(index, last, ","):
            problem = f"“,” or “}}” was expected behind an attribute, found {tokens.found(index, last)}"
            raise outline.source.fault(tokens.offset(index, last), problem, "Attributes are written {key value, key value}.")
        index += 1


def _attribute(outline: Outline, index: int, last: int, into: dict[str, Value], depth: int) -> int:
    tokens = outline.tokens
    key = tokens.texts[index] if index < last and tokens.kinds[index] in (NAME, QUOTED) else ""
    if not key or "." in key:
        problem = f"the name of an attribute was expected, found {tokens.found(index, last)}"
        raise outline.source.fault(tokens.offset(index, last), problem, "Attributes are written {key value, key value}.")
    if key in into:
        raise outline.source.fault(tokens.offsets[index], f"the attribute {shown(key)} is there twice")
    index += 1
    if tokens.is_sign(index, last, ",") or tokens.is_sign(index, last, "}"):
        into[key] = None
        return index
    into[key], index = _value(outline, index, last, depth)
    return index


def _value(outline: Outline, index: int, last: int, depth: int) -> tuple[Value, int]:
    tokens = outline.tokens
    if index < last:
        kind, text = tokens.kinds[index], tokens.texts[index]
        if kind == NUMBER:
            return tokens.number(index), index + 1
        if kind in (TEXT, QUOTED):
            return text, index + 1
        if kind == NAME and text in ("true", "false"):
            return text == "true", index + 1
        if kind == SIGN and text == "-" and index + 1 < last and tokens.kinds[index + 1] == NUMBER:
            return -tokens.number(index + 1), index + 2
        if kind == SIGN and text == "{":
            nested: dict[str, Value] = {}
            index = read_attributes(outline, index, last, nested, depth + 1)
            return nested, index
        if kind == SIGN and text == "[":
            return _list(outline, index, last, depth + 1)
    problem = f"a value was expected, found {tokens.found(index, last)}"
    raise outline.source.fault(tokens.offset(index, last), problem, "Values are true, false, numbers, 'texts', [lists] and {attributes}.")


def _list(outline: Outline, index: int, last: int, depth: int) -> tuple[Value, int]:
    tokens = outline.tokens
    if depth > _DEEPEST:
        raise outline.source.fault(tokens.offsets[index], f"attributes are nested deeper than {_DEEPEST} levels")
    index += 1
    values: list[Value] = []
    if tokens.is_sign(index, last, "]"):
        return (), index + 1
    while True:
        value, index = _value(outline, index, last, depth)
        values.append(value)
        if tokens.is_sign(index, last, "]"):
            return tuple(values), index + 1
        if not tokens.is_sign(index, last, ","):
            problem = f"“,” or “]” was expected in the list, found {tokens.found(index, last)}"
            raise outline.source.fault(tokens.offset(index, last), problem)
        index += 1


def _constraint(outline: Outline, index: int, last: int) -> int:
    """Notes the constraint that begins at index and ends before the next “,”, “}” or “]” outside of its own brackets."""
    tokens = outline.tokens
    first, depth = index, 0
    while index < last:
        if tokens.kinds[index] == SIGN:
            text = tokens.texts[index]
            if depth == 0 and text in ",}]":
                break
            depth += (text in "([{") - (text in ")]}")
        index += 1
    if first == index:
        raise outline.source.fault(tokens.offset(index, last), f"a constraint was expected, found {tokens.found(index, last)}")
    outline.formulas.append((first, index, outline.owner))
    return index


def _constraints(outline: Outline, index: int, last: int) -> int:
    tokens = outline.tokens
    if not tokens.is_sign(index, last, "["):
        problem = f"“[” was expected behind “constraints”, found {tokens.found(index, last)}"
        raise outline.source.fault(tokens.offset(index, last), problem, "Write constraints [A => B, B => C], or constraint A => B.")
    index += 1
    if tokens.is_sign(index, last, "]"):
        return index + 1
    while True:
        index = _constraint(outline, index, last)
        if tokens.is_sign(index, last, "]"):
            return index + 1
        if not tokens.is_sign(index, last, ","):
            raise outline.source.fault(tokens.offset(index, last), f"“,” or “]” was expected, found {tokens.found(index, last)}")
        index += 1
