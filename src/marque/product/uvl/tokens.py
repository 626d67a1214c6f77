"""A text as tokens and logical lines.

One pass of one regular expression; every alternative is linear in what it reads. Newlines inside brackets do not end a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf

from marque.product.uvl.faults import Source, shown

NAME, SIGN, QUOTED, NUMBER, TEXT = range(5)

MOST_CHARACTERS = 64 * 1024 * 1024
_MOST_TOKENS = 3_000_000

_TOKEN = re.compile(
    r"""
    (?:[ \t]*+(?://[^\r\n]*+)?(?:\r\n?|\n))++([ \t]*+)      # 1: the indentation of the next line that is not empty
    | [ \t]*+(?:
        ([^\W\d][\w\#§%?\\';]*+)                              # 2: a name or a word of the language
      | (<=>|=>|==|!=|<=|>=|\.\.|\.(?![0-9])|/(?![/*])|[!&|<>+\-*(){}\[\],])  # 3: a sign
      | "([^"\r\n]*+)"                                        # 4: a quoted name, or a text in double quotes
      | ([0-9]*+\.[0-9]\w*+|[0-9]\w*+)                        # 5: a number
      | '([^'\r\n]*+)'                                        # 6: a text
      | (//[^\r\n]*+|/\*(?s:.*?)\*/)                          # 7: a comment
      | ([^ \t])                                              # 8: none of these
    )""",
    re.VERBOSE,
)
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")
_BLANKS = re.compile(r"[ \t]*+")
_CLOSES = {")": "(", "]": "[", "}": "{"}
_NUMBER = re.compile(r"(?:0|[1-9][0-9]*|[0-9]*\.[0-9]+)\Z")
_LONGEST_WHOLE, _LONGEST_NUMBER = 40, 400


@dataclass(frozen=True, slots=True)
class Line:
    """depth: how deep it is indented, 0 for not at all; its tokens are first..last - 1."""

    depth: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """Parallel lists: kinds, texts (without their quotes), offsets of the first character in the source. ends: one behind the last one."""

    source: Source
    kinds: list[int]
    texts: list[str]
    offsets: list[int]
    ends: list[int]
    lines: list[Line]

    def is_sign(self, index: int, last: int, sign: str) -> bool:
        return index < last and self.kinds[index] == SIGN and self.texts[index] == sign

    def is_word(self, index: int, last: int, word: str) -> bool:
        return index < last and self.kinds[index] == NAME and self.texts[index] == word

    def offset(self, index: int, last: int) -> int:
        """Of the token, or of the end of the piece where there is none left."""
        if index < last:
            return self.offsets[index]
        return self.ends[last - 1] if last else 0

    def found(self, index: int, last: int) -> str:
        """The token at index in the words of a message."""
        if index >= last:
            return "the end of the line" if last < len(self.kinds) else "the end of the text"
        return shown(self.source.text[self.offsets[index] : self.ends[index]])

    def number(self, index: int) -> int | float:
        """The value of the number at index."""
        text = self.texts[index]
        if not _NUMBER.match(text):
            problem = f"{shown(text)} is neither a number nor a name"
            raise self.source.fault(self.offsets[index], problem, "A name that begins with a digit stands in double quotes.")
        longest = _LONGEST_NUMBER if "." in text else _LONGEST_WHOLE
        if len(text) > longest:
            raise self.source.fault(self.offsets[index], f"a number of {len(text)} characters, at most {longest} are read")
        value = float(text) if "." in text else int(text)
        if value == inf:
            raise self.source.fault(self.offsets[index], "the number is too large")
        return value


def tokens_of(source: Source) -> Tokens:
    """Tokens of a text. InputError for what is no token, for brackets that do not match, and for indentation that cannot be compared."""
    text = source.text
    if len(text) > MOST_CHARACTERS:
        raise source.fault(MOST_CHARACTERS, f"the text has {len(text):,} characters, at most {MOST_CHARACTERS:,} are read")
    if unwanted := _FORBIDDEN.search(text):
        problem = f"the character U+{ord(unwanted[0]):04X} has no place in a feature model"
        raise source.fault(unwanted.start(), problem, "Save the file as plain UTF-8 text.")
    kinds: list[int] = []
    texts: list[str] = []
    offsets: list[int] = []
    ends: list[int] = []
    lines: list[Line] = []
    indentation = _Indentation(source)
    brackets: list[int] = []
    first = 0
    leading, leading_at = _BLANKS.match(text)[0], 0  # type: ignore[index]  # it matches nothing at least
    # A newline ends every line; blanks at the very end would be searched again from each of them.
    for match in _TOKEN.finditer(text.rstrip(" \t") + "\n"):
        group = match.lastindex
        if group == 2:
            kinds.append(NAME)
        elif group == 1:
            if brackets:
                continue
            if len(kinds) > first:
                lines.append(Line(indentation.depth(leading, leading_at), first, len(kinds)))
                first = len(kinds)
            leading, leading_at = match[1], match.start(1)
            continue
        elif group == 3:
            kinds.append(SIGN)
            sign = match[3]
            if sign in "([{":
                brackets.append(len(offsets))
            elif sign in ")]}":
                _close(source, brackets, texts, offsets, sign, match.start(3))
        elif group == 4:
            kinds.append(QUOTED)
        elif group == 5:
            kinds.append(NUMBER)
        elif group == 6:
            kinds.append(TEXT)
        elif group == 7:
            continue
        else:
            raise _no_token(source, match.start(8))
        if len(texts) >= _MOST_TOKENS:
            raise source.fault(match.start(group), f"the text has more than {_MOST_TOKENS:,} words and signs")
        texts.append(match[group])
        offsets.append(match.start(group) - (1 if group in (4, 6) else 0))
        ends.append(match.end())
    if brackets:
        raise source.fault(offsets[brackets[-1]], f"the bracket {shown(texts[brackets[-1]])} is never closed")
    return Tokens(source, kinds, texts, offsets, ends, lines)


def _close(source: Source, brackets: list[int], texts: list[str], offsets: list[int], sign: str, offset: int) -> None:
    if not brackets:
        raise source.fault(offset, f"the bracket {shown(sign)} closes nothing")
    opened = brackets.pop()
    if texts[opened] != _CLOSES[sign]:
        problem = f"the bracket {shown(sign)} closes {shown(texts[opened])} of {source.told(offsets[opened])}"
        raise source.fault(offset, problem, f"Close {shown(texts[opened])} first.")


class _Indentation:
    """The indentations that the current line stands in. One must begin as the one around it does: no width of a tab is assumed."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._around = [""]

    def depth(self, leading: str, offset: int) -> int:
        around = self._around
        if leading != around[-1]:
            if leading.startswith(around[-1]):
                around.append(leading)
            else:
                self._back(leading, offset)
        return len(around) - 1

    def _back(self, leading: str, offset: int) -> None:
        around = self._around
        deepest = around[-1]
        while around[-1] != leading:
            if len(around[-1]) <= len(leading):
                if deepest.startswith(leading):
                    problem = "the line is indented less than the one before it, but not as far as any line above"
                    raise self._source.fault(offset + len(leading), problem, "Indent it as the line it belongs beside.")
                problem = f"the indentation mixes tabs and blanks: {_blanks(leading)}, where lines above have {_blanks(deepest)}"
                raise self._source.fault(offset, problem, "Indent the whole file with tabs, or the whole file with blanks.")
            around.pop()


def _blanks(leading: str) -> str:
    tabs, blanks = leading.count("\t"), leading.count(" ")
    told = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in ((tabs, "tab"), (blanks, "blank")) if count]
    return " and ".join(told) or "none"


def _no_token(source: Source, offset: int) -> Exception:
    rest = source.text[offset : offset + 2]
    if rest[:1] in ('"', "'"):
        return source.fault(offset, f"the text that begins with {shown(rest[:1])} is not closed on its line")
    if rest == "/*":
        return source.fault(offset, "the comment that begins here is never closed", "Close it with */.")
    if rest[:1] == "=":
        return source.fault(offset, "a single “=” means nothing", "Write == to compare, => for implies.")
    return source.fault(
        offset, f"the character {shown(rest[:1])} has no meaning here", "Names with such characters stand in double quotes."
    )
