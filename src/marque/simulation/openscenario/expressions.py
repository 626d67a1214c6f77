"""`$parameters` and `${expressions}` of attribute values.

Source: ASAM OpenSCENARIO XML 1.3, 9.1 (Parameters, expressions). Boolean operators and comparisons bind as in C.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping

from marque.common import InputError

Value = float | bool | str

_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)|(\$?[A-Za-z_][\w.]*)|(>=|<=|==|!=|[-+*/%(),<>]))")
_DEEPEST = 100


def _sign(x: float) -> float:
    return math.copysign(1.0, x) if x else 0.0


def _round(x: float) -> float:
    return math.floor(x + 0.5)


_FUNCTIONS: dict[str, tuple[int, Callable[..., float]]] = {
    "round": (1, _round), "floor": (1, math.floor), "ceil": (1, math.ceil), "sqrt": (1, math.sqrt), "pow": (2, math.pow),
    "abs": (1, abs), "sign": (1, _sign), "max": (-1, max), "min": (-1, min), "sin": (1, math.sin), "cos": (1, math.cos),
    "tan": (1, math.tan), "asin": (1, math.asin), "acos": (1, math.acos), "atan": (1, math.atan),
}  # fmt: skip
_CONSTANTS: dict[str, Value] = {"pi": math.pi, "PI": math.pi, "e": math.e, "true": True, "false": False}
_BINDING = {"or": 1, "and": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
_UNARY = 7


class ExpressionError(ValueError):
    """What is wrong with an expression, one clause."""


def resolve(text: str, parameters: Mapping[str, str]) -> str:
    """An attribute value with its parameter or expression replaced; text without `$` stays as it is. Raises ExpressionError."""
    stripped = text.strip()
    if stripped.startswith("${") and stripped.endswith("}"):
        return spelled(evaluate(stripped[2:-1], parameters))
    if stripped.startswith("$"):
        return _parameter(stripped[1:], parameters)
    return text


def spelled(value: Value) -> str:
    """A value as an attribute holds it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def evaluate(text: str, parameters: Mapping[str, str]) -> Value:
    """The value of an expression without its braces."""
    tokens = _tokens(text)
    value, end = _expression(tokens, 0, 0, parameters, 0)
    if end != len(tokens):
        raise ExpressionError(f'"{tokens[end]}" is not expected in "{text.strip()[:80]}"')
    return value


def holds(constraint: str, parameters: Mapping[str, str]) -> bool:
    """Whether a condition on `$parameters` is true. Raises InputError for what is no condition."""
    try:
        return _truth(evaluate(constraint, parameters))
    except ExpressionError as error:
        raise InputError(constraint, "", str(error), "Write a comparison, as `$gap_m > 0.5 * $limit_mps`.") from error


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f'"{text[at:].strip()[:20]}" cannot be read as an expression')
        tokens.append(match.group().strip())
        at = match.end()
    return tokens


def _parameter(name: str, parameters: Mapping[str, str]) -> str:
    if name not in parameters:
        raise ExpressionError(f'the parameter "{name}" is not declared')
    return parameters[name]


def _expression(tokens: list[str], at: int, least: int, parameters: Mapping[str, str], depth: int) -> tuple[Value, int]:
    """Precedence climbing: the value of the tokens from `at` on, as far as operators bind tighter than `least`."""
    if depth > _DEEPEST:
        raise ExpressionError("the expression is nested too deeply")
    value, at = _operand(tokens, at, parameters, depth)
    while at < len(tokens) and _BINDING.get(tokens[at], 0) > least:
        sign = tokens[at]
        right, at = _expression(tokens, at + 1, _BINDING[sign], parameters, depth + 1)
        value = _combined(sign, value, right)
    return value, at


def _operand(tokens: list[str], at: int, parameters: Mapping[str, str], depth: int) -> tuple[Value, int]:
    if at >= len(tokens):
        raise ExpressionError("the expression ends too early")
    word = tokens[at]
    if word in ("-", "+", "not"):
        value, at = _expression(tokens, at + 1, _UNARY, parameters, depth + 1)
        return (not _truth(value) if word == "not" else -_number(value) if word == "-" else _number(value)), at
    if word == "(":
        value, at = _expression(tokens, at + 1, 0, parameters, depth + 1)
        return value, _closed(tokens, at)
    if word.startswith("$"):
        return _typed(_parameter(word[1:], parameters)), at + 1
    if word[0].isdigit() or word[0] == ".":
        return float(word), at + 1
    if word in _FUNCTIONS and at + 1 < len(tokens) and tokens[at + 1] == "(":
        return _call(tokens, at, parameters, depth)
    if word in _CONSTANTS:
        return _CONSTANTS[word], at + 1
    raise ExpressionError(f'"{word}" is neither a number, a parameter, a constant nor a function of OpenSCENARIO')


def _call(tokens: list[str], at: int, parameters: Mapping[str, str], depth: int) -> tuple[Value, int]:
    name, at = tokens[at], at + 2
    wanted, function = _FUNCTIONS[name]
    given = []
    while True:
        value, at = _expression(tokens, at, 0, parameters, depth + 1)
        given.append(_number(value))
        if at >= len(tokens) or tokens[at] != ",":
            break
        at += 1
    at = _closed(tokens, at)
    if wanted not in (-1, len(given)):
        raise ExpressionError(f"{name} takes {wanted} values, {len(given)} are given")
    try:
        return float(function(given) if wanted == -1 else function(*given)), at
    except (ValueError, OverflowError):
        raise ExpressionError(f"{name}({', '.join(f'{value:g}' for value in given)}) has no value") from None


def _closed(tokens: list[str], at: int) -> int:
    if at >= len(tokens) or tokens[at] != ")":
        raise ExpressionError('a ")" is missing')
    return at + 1


def _typed(text: str) -> Value:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _number(value: Value) -> float:
    if isinstance(value, str):
        raise ExpressionError(f'"{value[:40]}" is no number')
    return float(value)


def _truth(value: Value) -> bool:
    if isinstance(value, str):
        raise ExpressionError(f'"{value[:40]}" is neither true nor false')
    return bool(value)


_ARITHMETIC: dict[str, Callable[[float, float], Value]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": math.fmod,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _combined(sign: str, a: Value, b: Value) -> Value:
    if sign in ("or", "and"):
        return _truth(a) or _truth(b) if sign == "or" else _truth(a) and _truth(b)
    if sign in ("==", "!="):
        return (a == b) == (sign == "==")
    x, y = _number(a), _number(b)
    if sign in ("/", "%") and y == 0.0:
        raise ExpressionError("it divides by zero")
    return _ARITHMETIC[sign](x, y)
