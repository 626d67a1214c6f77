"""Lines → outline: the sections of a file and the tree of features. A loop over lines; the depth of the tree is no matter."""

from __future__ import annotations

import re

from marque.common import InputError
from marque.product.model import FeatureType, GroupKind
from marque.product.uvl.attributes import read_attributes
from marque.product.uvl.faults import Source, nearest, shown
from marque.product.uvl.formulas import read_reference
from marque.product.uvl.levels import LEVELS
from marque.product.uvl.outline import COMPOSED, RESERVED, Branch, Import, Node, Outline
from marque.product.uvl.tokens import NAME, NUMBER, QUOTED, SIGN, Line, tokens_of

_SECTIONS = ("namespace", "include", "imports", "features", "constraints")
_GROUPS = {
    "mandatory": (GroupKind.MANDATORY, 0, None),
    "optional": (GroupKind.OPTIONAL, 0, None),
    "or": (GroupKind.OR, 1, None),
    "alternative": (GroupKind.ALTERNATIVE, 1, 1),
}
_TYPES = {str(kind): kind for kind in FeatureType}
_GROUP_WORDS = "mandatory, optional, or, alternative or [n..m]"
_QUOTE = "A name with other characters, or one that is a word of the language, stands in double quotes."
_MOST_CARDINALITY = 1_000_000
_COMPOSED = re.compile(COMPOSED + r"(?=[\r\n])")


def read_outline(text: str, file: str) -> Outline:
    """The outline of one file. InputError with line and column for whatever is not UVL."""
    source = Source(text.removeprefix("\ufeff"), file)
    tokens = tokens_of(source)
    reader = _Reader(Outline(source, tokens, composed=_COMPOSED.match(source.text) is not None))
    for line in tokens.lines:
        reader.line(line)
    return reader.end()


class _Reader:
    def __init__(self, outline: Outline) -> None:
        self._outline, self._tokens, self._source = outline, outline.tokens, outline.source
        self._section = ""
        self._seen: dict[str, int] = {}
        """Sections, with the offset of the word."""
        self._around: list[Node | Branch] = []
        """What encloses the next line of the tree: at depth d, self._around[: d - 1]."""

    def line(self, line: Line) -> None:
        if line.depth == 0:
            self._head(line)
        elif self._section == "features":
            self._of_tree(line)
        elif self._section == "constraints":
            self._flat(line)
            self._outline.formulas.append((line.first, line.last, ""))
        elif self._section == "imports":
            self._flat(line)
            self._import(line)
        elif self._section == "include":
            self._flat(line)
            self._level(line)
        else:
            place = self._tokens.offsets[line.first]
            raise self._source.fault(
                place, f"a section was expected, found an indented {self._tokens.found(line.first, line.last)}", _section_remedy()
            )

    def end(self) -> Outline:
        if not self._outline.nodes:
            at = self._tokens.ends[-1] if self._tokens.ends else 0
            where = self._seen.get("features", at)
            problem = "the section “features” holds no feature" if "features" in self._seen else "there is no section “features”"
            raise self._source.fault(where, problem, "A feature model has a line “features” with the root feature indented below it.")
        self._leave(0)
        return self._outline

    def _head(self, line: Line) -> None:
        tokens = self._tokens
        word, offset = tokens.texts[line.first], tokens.offsets[line.first]
        if tokens.kinds[line.first] != NAME or word not in _SECTIONS:
            problem = f"a section was expected, found {tokens.found(line.first, line.last)}"
            raise self._source.fault(offset, problem, nearest(word, _SECTIONS) or _section_remedy())
        if word in self._seen:
            first = self._source.position(self._seen[word])[0]
            raise self._source.fault(offset, f"there is a second section “{word}”, the first is in line {first}", "Join the two.")
        if "features" in self._seen and word != "constraints":
            raise self._source.fault(offset, f"the section “{word}” stands behind “features”", "Move it to the beginning of the file.")
        if word == "constraints" and "features" not in self._seen:
            raise self._source.fault(offset, "the section “constraints” stands before “features”", "Move it to the end of the file.")
        self._seen[word], self._section = offset, word
        rest = line.first + 1
        if word == "namespace":
            parts, rest = read_reference(tokens, rest, line.last)
            self._outline.namespace = ".".join(parts)
        if rest < line.last:
            problem = f"the end of the line was expected behind “{word}”, found {tokens.found(rest, line.last)}"
            raise self._source.fault(tokens.offsets[rest], problem, "What belongs to a section stands indented below it.")

    def _flat(self, line: Line) -> None:
        if line.depth > 1:
            problem = f"the line is indented deeper than the first one below “{self._section}”"
            raise self._source.fault(self._tokens.offsets[line.first], problem, "A line is continued only inside brackets.")

    def _level(self, line: Line) -> None:
        text = "".join(self._tokens.texts[line.first : line.last])
        offset = self._tokens.offsets[line.first]
        if text not in LEVELS:
            raise self._source.fault(
                offset, f"{shown(text)} is no language level", nearest(text, LEVELS) or f"The levels are {', '.join(LEVELS)}."
            )
        if text in self._outline.levels:
            raise self._source.fault(offset, f"the level “{text}” is included twice")
        self._outline.levels.append(text)

    def _import(self, line: Line) -> None:
        tokens, last = self._tokens, line.last
        parts, index = read_reference(tokens, line.first, last)
        alias = parts
        if tokens.is_word(index, last, "as"):
            alias, index = read_reference(tokens, index + 1, last)
        if index < last:
            problem = f"“as” or the end of the line was expected, found {tokens.found(index, last)}"
            raise self._source.fault(tokens.offsets[index], problem, "An import is written “folder.file as alias”, without .uvl.")
        name = ".".join(alias)
        if name in self._outline.imports:
            problem = f"the import “{name}” is already in line {self._source.position(self._outline.imports[name].offset)[0]}"
            raise self._source.fault(tokens.offsets[line.first], problem, "Give one of them another name with “as”.")
        self._outline.imports[name] = Import(parts, tokens.offsets[line.first])

    def _of_tree(self, line: Line) -> None:
        """A feature at depths 1, 3, 5, …; a group at depths 2, 4, 6, …"""
        tokens = self._tokens
        self._leave(line.depth - 1)
        word = tokens.texts[line.first] if tokens.kinds[line.first] == NAME else ""
        if line.depth % 2:
            if (word in RESERVED and word not in _TYPES) or tokens.is_sign(line.first, line.last, "["):
                raise self._no_feature(line, word)
            self._feature(line)
        elif word in _GROUPS or tokens.is_sign(line.first, line.last, "["):
            self._group(line, word)
        else:
            problem = f"a group was expected below {shown(self._parent())}, found {tokens.found(line.first, line.last)}"
            remedy = nearest(word, _GROUPS) or f"Between a feature and the features below it stands a line with {_GROUP_WORDS}."
            raise self._source.fault(tokens.offsets[line.first], problem, remedy)

    def _leave(self, depth: int) -> None:
        """Closes what is nested deeper than depth."""
        while len(self._around) > depth:
            left = self._around.pop()
            if isinstance(left, Branch):
                self._finish(left)

    def _finish(self, group: Branch) -> None:
        count = len(group.children)
        if not count:
            problem = f"the group “{group.kind}” has no feature below it"
            raise self._source.fault(group.offset, problem, "Indent its features deeper than the group.")
        if group.kind is GroupKind.MANDATORY:
            group.least = group.most = count
        elif group.least > count:
            raise self._source.fault(group.offset, f"the group wants at least {group.least} of {count} features")

    def _feature(self, line: Line) -> None:
        tokens, index, last = self._tokens, line.first, line.last
        outline = self._outline
        offset = tokens.offsets[index]
        node = Node("", self._parent(), offset)
        if tokens.kinds[index] == NAME and index + 1 < last and tokens.texts[index] in _TYPES:
            node.type = _TYPES[tokens.texts[index]]
            outline.use("Type", offset)
            index += 1
            node.offset = offset = tokens.offsets[index]
        word = tokens.texts[index] if tokens.kinds[index] == NAME else ""
        if word in RESERVED:
            raise self._no_feature(line, word, index)
        index = self._named(node, index, last)
        if index < last:
            if tokens.is_word(index, last, "cardinality"):
                outline.use("Arithmetic.feature-cardinality", tokens.offsets[index])
                node.least, node.most, index = self._cardinality(index + 1, last)
            if tokens.is_sign(index, last, "{"):
                outline.owner = node.name.rpartition(".")[0] if outline.composed else ""
                index = read_attributes(outline, index, last, node.attributes)
            if index < last:
                raise self._behind_feature(index, last)
        if known := outline.nodes.get(node.name):
            first = self._source.position(known.offset)[0]
            raise self._source.fault(
                offset, f"there is a second feature {shown(node.name)}, the first is in line {first}", "Names are unique in a model."
            )
        if not self._around and outline.nodes:
            root = next(iter(outline.nodes))
            problem = f"{shown(node.name)} stands beside the root {shown(root)}, a model has one root"
            raise self._source.fault(offset, problem, f"Put it below {shown(root)}, two levels deeper, in a group.")
        if self._around:
            group = self._around[-1]
            assert isinstance(group, Branch)
            group.children.append(node.name)
        outline.nodes[node.name] = node
        self._around.append(node)

    def _named(self, node: Node, index: int, last: int) -> int:
        """Reads the name of a feature, or of the root of an import; answers with the index behind it."""
        tokens = self._tokens
        if self._outline.composed and tokens.kinds[index] == QUOTED and tokens.texts[index]:
            node.name = tokens.texts[index]
            return index + 1
        if tokens.kinds[index] == NAME and not tokens.is_sign(index + 1, last, "."):
            node.name = tokens.texts[index]
            return index + 1
        parts, index = read_reference(tokens, index, last)
        node.name = ".".join(parts)
        if len(parts) > 1:
            node.alias = self._alias(parts, node.offset)
        return index

    def _group(self, line: Line, word: str) -> None:
        offset = self._tokens.offsets[line.first]
        parent = self._around[-1]
        assert isinstance(parent, Node)
        if word:
            kind, least, most = _GROUPS[word]
            index = line.first + 1
        else:
            kind = GroupKind.CARDINALITY
            least, most, index = self._cardinality(line.first, line.last)
            self._outline.use("Boolean.group-cardinality", offset)
        if index < line.last:
            problem = f"the end of the line was expected behind the group, found {self._tokens.found(index, line.last)}"
            raise self._source.fault(
                self._tokens.offsets[index], problem, "The features of a group stand indented below it, one in each line."
            )
        group = Branch(kind, offset, least, most)
        parent.groups.append(group)
        self._around.append(group)

    def _cardinality(self, index: int, last: int) -> tuple[int, int | None, int]:
        """Of [n], [n..m] or [n..*] at index: least, most, index behind it."""
        tokens = self._tokens
        start = index
        if not tokens.is_sign(index, last, "["):
            problem = f"a cardinality was expected, found {tokens.found(index, last)}"
            raise self._source.fault(tokens.offset(index, last), problem, "It is written [n..m], [n..*] or [n].")
        least = self._count(index + 1, last)
        most: int | None = least
        index += 2
        if tokens.is_sign(index, last, ".."):
            most = None if tokens.is_sign(index + 1, last, "*") else self._count(index + 1, last)
            index += 2
        if not tokens.is_sign(index, last, "]"):
            problem = f"“..” or “]” was expected in the cardinality, found {tokens.found(index, last)}"
            raise self._source.fault(tokens.offset(index, last), problem, "It is written [n..m], [n..*] or [n].")
        if most is not None and least > most:
            raise self._source.fault(
                tokens.offsets[start], f"the cardinality [{least}..{most}] has its least above its most", f"Write [{most}..{least}]."
            )
        return least, most, index + 1

    def _count(self, index: int, last: int) -> int:
        tokens = self._tokens
        value = tokens.number(index) if index < last and tokens.kinds[index] == NUMBER else None
        if not isinstance(value, int) or value > _MOST_CARDINALITY:
            problem = f"a whole number up to {_MOST_CARDINALITY:,} was expected in the cardinality, found {tokens.found(index, last)}"
            raise self._source.fault(tokens.offset(index, last), problem, "It is written [n..m], [n..*] or [n].")
        return value

    def _parent(self) -> str:
        for around in reversed(self._around):
            if isinstance(around, Node):
                return around.name
        return ""

    def _alias(self, parts: tuple[str, ...], offset: int) -> str:
        for cut in range(len(parts) - 1, 0, -1):
            if (alias := ".".join(parts[:cut])) in self._outline.imports:
                return alias
        alias = ".".join(parts[:-1])
        problem = f"{shown('.'.join(parts))} belongs to {shown(alias)}, which is not imported"
        raise self._source.fault(offset, problem, nearest(alias, self._outline.imports) or "Name it in the section “imports”.")

    def _no_feature(self, line: Line, word: str, index: int = -1) -> InputError:
        index = line.first if index < 0 else index
        found = self._tokens.found(index, line.last)
        offset = self._tokens.offsets[index]
        if word in _GROUPS or not word:
            problem = f"a feature was expected, found the group {found}"
            return self._source.fault(
                offset, problem, "A group stands one level deeper than its feature, features one level deeper than their group."
            )
        return self._source.fault(offset, f"a feature was expected, found {found}, a word of the language", _QUOTE)

    def _behind_feature(self, index: int, last: int) -> InputError:
        tokens = self._tokens
        expected = "“cardinality”, “{” or the end of the line was expected behind the feature"
        remedy = _QUOTE if tokens.kinds[index] in (NAME, SIGN, QUOTED, NUMBER) else ""
        return self._source.fault(tokens.offsets[index], f"{expected}, found {tokens.found(index, last)}", remedy)


def _section_remedy() -> str:
    return f"The sections are {', '.join(_SECTIONS)}; they begin at the left margin."
