"""Constraints: tokens → formulas, with precedence and types.

One loop with two stacks, no recursion. From loose to tight: <=>, =>, |, &, !, comparisons, + and -, * and /. Operators of one
strength group from the left, as UVL's grammar says, `a => b => c` too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import NamedTuple, cast

from marque.common import InputError
from marque.product.model import (
    Aggregate,
    And,
    Arithmetic,
    Attribute,
    Compare,
    Constant,
    Formula,
    Iff,
    Implies,
    Name,
    Not,
    Or,
    Term,
)
from marque.product.uvl.tokens import NAME, NUMBER, QUOTED, SIGN, TEXT, Tokens

DEEPEST = 150
"""A formula nested deeper is refused, so that nobody who walks it meets the limit of the call stack."""

_MOST_PARTS = 64
_STRENGTH = {"<=>": 1, "=>": 2, "|": 3, "&": 4, "!": 5, "==": 6, "!=": 6, "<": 6, "<=": 6, ">": 6, ">=": 6, "+": 7, "-": 7, "*": 8, "/": 8}
_TOTALS = ("sum", "avg", "min", "max")
_OF_ONE = ("len", "floor", "ceil")
_WORDS = {"and": "&", "or": "|", "not": "!", "implies": "=>", "requires": "=>", "iff": "<=>"}
_COMPARISONS = "== != < <= > >="


class Kind(IntFlag):
    """What something may be used as."""

    CONDITION = 1
    NUMBER = 2
    TEXT = 4
    TRUTH = 8


class Operand(NamedTuple):
    """A piece of a formula: as what it may be used (kind), the formula or the term it then is, where it begins, how deep it is nested.

    why: what to tell who uses it as something else.
    """

    kind: Kind
    formula: Formula | None
    term: Term | None
    offset: int
    depth: int = 1
    why: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """How names are looked up. reference: of parts, offset. total: of function, 1 or 2 references, offset. use: notes a level."""

    reference: Callable[[tuple[str, ...], int], Operand]
    total: Callable[[str, Sequence[tuple[str, ...]], int], Operand]
    use: Callable[[str, int], None]


def read_formula(tokens: Tokens, first: int, last: int, scope: Scope) -> Formula:
    """The formula of tokens first..last - 1. InputError for anything else."""
    return _Reader(tokens, last, scope).read(first)


class _Reader:
    def __init__(self, tokens: Tokens, last: int, scope: Scope) -> None:
        self._tokens, self._last, self._scope = tokens, last, scope
        self._operands: list[Operand] = []
        self._operators: list[tuple[str, int]] = []
        """Operators, "(" and functions of one operand that wait, with their offsets."""

    def read(self, index: int) -> Formula:
        tokens, last, operators = self._tokens, self._last, self._operators
        open_brackets = 0
        operand_next = True
        while index < last:
            text, offset = tokens.texts[index], tokens.offsets[index]
            sign = tokens.kinds[index] == SIGN
            if operand_next:
                if sign and text in ("!", "("):
                    operators.append((text, offset))
                    open_brackets += text == "("
                    index += 1
                elif tokens.kinds[index] == NAME and text in _OF_ONE and tokens.is_sign(index + 1, last, "("):
                    operators.append((text, offset))
                    open_brackets += 1
                    index += 2
                else:
                    index = self._operand(index)
                    operand_next = False
            elif sign and text in _STRENGTH and text != "!":
                self._reduce(_STRENGTH[text] + (text in "&|"))
                operators.append((text, offset))
                index += 1
                operand_next = True
            elif sign and text == ")" and open_brackets:
                self._close()
                open_brackets -= 1
                index += 1
            else:
                raise self._no_operator(index, open_brackets)
        if operand_next:
            raise self._no_operand(index)
        self._reduce(0)
        return self._condition(self._operands[0])

    def _operand(self, index: int) -> int:
        """Reads a feature, an attribute, a number, a text or a total at index; answers with the index behind it."""
        tokens, last = self._tokens, self._last
        kind, text, offset = tokens.kinds[index], tokens.texts[index], tokens.offsets[index]
        if kind == NUMBER:
            operand = Operand(Kind.NUMBER, None, Constant(tokens.number(index)), offset)
        elif kind == SIGN and text == "-" and index + 1 < last and tokens.kinds[index + 1] == NUMBER:
            index += 1
            operand = Operand(Kind.NUMBER, None, Constant(-tokens.number(index)), offset)
        elif kind == TEXT:
            operand = Operand(Kind.TEXT, None, Constant(text), offset)
        elif kind == NAME and text in ("true", "false"):
            constant = Constant(text == "true")
            operand = Operand(Kind.CONDITION | Kind.TRUTH, constant, constant, offset)
        elif kind == NAME and text in _TOTALS and tokens.is_sign(index + 1, last, "("):
            return self._total(index)
        elif kind in (NAME, QUOTED):
            parts, index = read_reference(tokens, index, last)
            self._operands.append(self._scope.reference(parts, offset))
            return index
        else:
            raise self._no_operand(index)
        self._operands.append(operand)
        return index + 1

    def _total(self, index: int) -> int:
        tokens, last = self._tokens, self._last
        function, offset = tokens.texts[index], tokens.offsets[index]
        index += 2
        references = []
        while True:
            parts, index = read_reference(tokens, index, last)
            references.append(parts)
            if not tokens.is_sign(index, last, ",") or len(references) == 2:
                break
            index += 1
        if not tokens.is_sign(index, last, ")"):
            problem = f"“)” was expected to close {function}(, found {tokens.found(index, last)}"
            remedy = f"Write {function}(attribute), or {function}(attribute, feature) for the part of the tree below a feature."
            raise tokens.source.fault(tokens.offset(index, last), problem, remedy)
        self._scope.use("Arithmetic.aggregate-function", offset)
        self._operands.append(self._scope.total(function, references, offset))
        return index + 1

    def _reduce(self, strength: int) -> None:
        """Applies the operators that bind at least so strongly."""
        operators = self._operators
        while operators and _STRENGTH.get(operators[-1][0], -1) >= strength:
            sign, offset = operators.pop()
            if sign in "&|":
                count = 2
                while operators and operators[-1][0] == sign:
                    operators.pop()
                    count += 1
                pieces = self._operands[-count:]
                del self._operands[-count:]
                formulas = tuple(self._condition(piece) for piece in pieces)
                self._push(Kind.CONDITION, And(formulas) if sign == "&" else Or(formulas), None, offset, pieces)
            elif sign == "!":
                piece = self._operands.pop()
                self._push(Kind.CONDITION, Not(self._condition(piece)), None, offset, [piece])
            else:
                right = self._operands.pop()
                left = self._operands.pop()
                self._binary(sign, offset, left, right)

    def _binary(self, sign: str, offset: int, left: Operand, right: Operand) -> None:
        both = [left, right]
        if sign == "=>":
            self._push(Kind.CONDITION, Implies(self._condition(left), self._condition(right)), None, left.offset, both)
        elif sign == "<=>":
            self._push(Kind.CONDITION, Iff(self._condition(left), self._condition(right)), None, left.offset, both)
        elif sign in ("+", "-", "*", "/"):
            self._scope.use("Arithmetic", offset)
            term = Arithmetic(sign, self._term(left, Kind.NUMBER, sign), self._term(right, Kind.NUMBER, sign))
            self._push(Kind.NUMBER, None, term, left.offset, both)
        else:
            self._push(Kind.CONDITION, self._compare(sign, offset, left, right), None, left.offset, both)

    def _compare(self, sign: str, offset: int, left: Operand, right: Operand) -> Formula:
        kinds = left.kind & right.kind & ~Kind.CONDITION
        wanted = Kind.NUMBER | (Kind.TEXT | Kind.TRUTH if sign in ("==", "!=") else Kind(0))
        if not kinds & wanted:
            self._term(left, wanted, sign)
            self._term(right, wanted & left.kind or wanted, sign)
        self._scope.use("Type.string-constraints" if kinds == Kind.TEXT else "Arithmetic", offset)
        return Compare(sign, cast("Term", left.term), cast("Term", right.term))

    def _close(self) -> None:
        """Of a bracket: what stands in it is one operand; a function in front of it is applied."""
        self._reduce(0)
        sign, offset = self._operators.pop()
        piece = self._operands.pop()
        if sign == "(":
            self._operands.append(piece)
            return
        self._scope.use("Type.string-constraints" if sign == "len" else "Arithmetic.aggregate-function", offset)
        term = self._term(piece, Kind.TEXT if sign == "len" else Kind.NUMBER, f"{sign}(…)")
        self._push(Kind.NUMBER, None, Aggregate(sign, operand=term), offset, [piece])

    def _push(self, kind: Kind, formula: Formula | None, term: Term | None, offset: int, pieces: Sequence[Operand]) -> None:
        self._operands.append(Operand(kind, formula, term, min(offset, pieces[0].offset), self._deeper(pieces, offset)))

    def _deeper(self, pieces: Sequence[Operand], offset: int) -> int:
        depth = 1 + max(piece.depth for piece in pieces)
        if depth > DEEPEST:
            problem = f"the constraint is nested deeper than {DEEPEST} levels"
            raise self._tokens.source.fault(offset, problem, "Write it as several constraints; for long sums use sum(attribute).")
        return depth

    def _condition(self, operand: Operand) -> Formula:
        if operand.formula is None:
            problem = f"{_told(operand)} stands where a condition was expected" + (f": {operand.why}" if operand.why else "")
            raise self._tokens.source.fault(operand.offset, problem, f"Compare it with one of {_COMPARISONS}.")
        return operand.formula

    def _term(self, operand: Operand, wanted: Kind, sign: str) -> Term:
        if operand.term is None or not operand.kind & wanted:
            problem = f"{_told(operand)} cannot be used with “{sign}”, which takes {_named(wanted)}" + (
                f": {operand.why}" if operand.why else ""
            )
            raise self._tokens.source.fault(operand.offset, problem)
        return operand.term

    def _no_operand(self, index: int) -> InputError:
        tokens, last = self._tokens, self._last
        problem = f"a feature, a number, “!” or “(” was expected, found {tokens.found(index, last)}"
        remedy = ""
        if index < last and tokens.texts[index] in ("&", "|"):
            remedy = f"“{tokens.texts[index]}” is written once, between two conditions."
        return tokens.source.fault(tokens.offset(index, last), problem, remedy)

    def _no_operator(self, index: int, open_brackets: int) -> InputError:
        tokens, last = self._tokens, self._last
        expected = "“)” or an operator" if open_brackets else "an operator (& | => <=> == != < > …) or the end"
        word = tokens.texts[index].casefold()
        remedy = f"Write {_WORDS[word]} for “{tokens.texts[index]}”." if tokens.kinds[index] == NAME and word in _WORDS else ""
        return tokens.source.fault(tokens.offsets[index], f"{expected} was expected, found {tokens.found(index, last)}", remedy)


def read_reference(tokens: Tokens, index: int, last: int) -> tuple[tuple[str, ...], int]:
    """A name with its parts between full stops, and the index behind it."""
    parts: list[str] = []
    while True:
        if len(parts) >= _MOST_PARTS:
            raise tokens.source.fault(tokens.offsets[index], f"a name has more than {_MOST_PARTS} parts")
        if index >= last or tokens.kinds[index] not in (NAME, QUOTED) or not tokens.texts[index]:
            problem = f"a name was expected, found {tokens.found(index, last)}"
            raise tokens.source.fault(tokens.offset(index, last), problem, "Names begin with a letter; others stand in double quotes.")
        if "." in tokens.texts[index]:
            problem = f"the name {tokens.found(index, last)} holds a full stop"
            raise tokens.source.fault(tokens.offsets[index], problem, "Full stops stand between names, not in them.")
        parts.append(tokens.texts[index])
        index += 1
        if not tokens.is_sign(index, last, "."):
            return tuple(parts), index
        index += 1


def _named(kind: Kind) -> str:
    names = {Kind.CONDITION: "conditions", Kind.NUMBER: "numbers", Kind.TEXT: "texts", Kind.TRUTH: "true or false"}
    return " or ".join(told for flag, told in names.items() if kind & flag)


def _told(operand: Operand) -> str:
    match operand.formula or operand.term:
        case Name(feature=name):
            return f"the feature “{name}”"
        case Attribute(feature=feature, name=name):
            return f"the attribute “{name}” of “{feature}”"
        case Constant(value=str(value)):
            return f"the text “{value}”"
        case Constant(value=value):
            return f"“{str(value).lower()}”"
        case Arithmetic() | Aggregate():
            return "a number"
        case _:
            return "a condition"


def free_scope() -> Scope:
    """For a formula without a model: every name is taken as it stands. What has a full stop is a feature of a submodel as a condition,
    and as a term the attribute behind its last full stop.
    """

    def reference(parts: tuple[str, ...], offset: int) -> Operand:
        name = Name(".".join(parts))
        term: Term = Attribute(".".join(parts[:-1]), parts[-1]) if len(parts) > 1 else name
        return Operand(Kind.CONDITION | Kind.NUMBER | Kind.TEXT | Kind.TRUTH, name, term, offset)

    def total(function: str, references: Sequence[tuple[str, ...]], offset: int) -> Operand:
        names = [".".join(parts) for parts in references]
        return Operand(Kind.NUMBER, None, Aggregate(function, names[0], names[1] if len(names) > 1 else ""), offset)

    return Scope(reference, total, lambda _level, _offset: None)
