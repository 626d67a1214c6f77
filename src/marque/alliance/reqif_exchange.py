"""What a ReqIF file says, as frozen values; and its writing (ReqIF 1.2, OMG formal/2016-07-01, in the order of elements of its schema).

The `reqif` library reads files here (`reqif_read`), and files are written with lxml: the library pastes most values into XML as they are,
so that a quotation mark in a name or a line end in a value would make another file of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from lxml import etree

from marque.alliance import rich_text

REQIF = "http://www.omg.org/spec/ReqIF/20110401/reqif.xsd"
Kind: TypeAlias = Literal["STRING", "ENUMERATION", "INTEGER", "REAL", "BOOLEAN", "DATE", "XHTML"]


@dataclass(frozen=True)
class Choice:
    """A value of an enumeration."""

    identifier: str
    name: str
    key: str = "0"


@dataclass(frozen=True)
class Datatype:
    """facets: MAX-LENGTH, MIN, MAX, ACCURACY, where given."""

    identifier: str
    name: str
    kind: Kind
    facets: tuple[tuple[str, str], ...] = ()
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class Definition:
    """An attribute that objects of a type may have."""

    identifier: str
    name: str
    datatype: Datatype
    multi_valued: bool = False
    editable: bool = True


@dataclass(frozen=True)
class Value:
    """content: the text; of an enumeration, identifiers of choices in the order given; of XHTML, see `rich_text`."""

    definition: Definition
    content: str | tuple[str, ...]


@dataclass(frozen=True)
class Object:
    """A SPEC-OBJECT."""

    identifier: str
    name: str
    changed: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Node:
    """A SPEC-HIERARCHY: where an object stands in a specification."""

    identifier: str
    object: str
    children: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Link:
    """A SPEC-RELATION. kind: the name of its type."""

    identifier: str
    kind: str
    source: str
    target: str


@dataclass(frozen=True)
class Exchange:
    """A file. created, changed: ISO 8601."""

    identifier: str
    title: str
    created: str
    objects: tuple[Object, ...]
    tree: tuple[Node, ...] = ()
    links: tuple[Link, ...] = ()
    comment: str = ""


def write(said: Exchange) -> bytes:
    """The file, in UTF-8. Everything in it has the instant `created` as its last change, objects their own."""
    return _Writer(said).bytes()


class _Writer:
    def __init__(self, said: Exchange) -> None:
        self.said = said
        self._texts: list[tuple[etree._Element, str]] = []
        spaces: dict[Any, str] = {None: REQIF, "xhtml": rich_text.XHTML}
        self.root = etree.Element(f"{{{REQIF}}}REQ-IF", nsmap=spaces)

    def bytes(self) -> bytes:
        said = self.said
        header = self._add(self._add(self.root, "THE-HEADER"), "REQ-IF-HEADER", IDENTIFIER=said.identifier)
        if said.comment:
            self._add(header, "COMMENT").text = said.comment
        self._add(header, "CREATION-TIME").text = said.created
        self._add(header, "REQ-IF-TOOL-ID").text = "Marque"
        self._add(header, "REQ-IF-VERSION").text = "1.0"  # the schema of 1.1 and 1.2 is that of 1.0, and fixes this value
        self._add(header, "SOURCE-TOOL-ID").text = "Marque"
        self._add(header, "TITLE").text = said.title
        content = self._add(self._add(self.root, "CORE-CONTENT"), "REQ-IF-CONTENT")
        used = list(dict.fromkeys(value.definition for one in said.objects for value in one.values))
        definitions = {one.identifier: one for one in used}
        self._datatypes(content, used)
        self._types(content, definitions.values())
        if said.objects:
            self._objects(self._add(content, "SPEC-OBJECTS"))
        if said.links:
            self._links(self._add(content, "SPEC-RELATIONS"))
        self._specification(self._add(content, "SPECIFICATIONS"))
        etree.indent(self.root)
        # Indenting must not touch what a text says: the texts come after it.
        for element, rich in self._texts:
            rich_text.put(rich, element)
        return etree.tostring(self.root, encoding="UTF-8", xml_declaration=True)

    def _add(self, parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
        return etree.SubElement(parent, f"{{{REQIF}}}{tag}", {key.replace("_", "-"): value for key, value in attributes.items()})

    def _named(self, parent: etree._Element, tag: str, identifier: str, name: str) -> etree._Element:
        return self._add(parent, tag, IDENTIFIER=identifier, LAST_CHANGE=self.said.created, LONG_NAME=name)

    def _ref(self, parent: etree._Element, around: str, tag: str, identifier: str) -> None:
        self._add(self._add(parent, around), f"{tag}-REF").text = identifier

    def _datatypes(self, content: etree._Element, definitions: Iterable[Definition]) -> None:
        datatypes: dict[str, Datatype] = {}
        for definition in definitions:
            one = definition.datatype
            known = datatypes.setdefault(one.identifier, one)
            both = {choice.identifier: choice for choice in (*known.choices, *one.choices)}
            datatypes[one.identifier] = replace(known, choices=tuple(both.values()))
        within = self._add(content, "DATATYPES")
        for one in datatypes.values():
            made = self._named(within, f"DATATYPE-DEFINITION-{one.kind}", one.identifier, one.name)
            for key, value in one.facets:
                made.set(key, value)
            if one.choices:
                choices = self._add(made, "SPECIFIED-VALUES")
                for number, choice in enumerate(one.choices):
                    value_element = self._named(choices, "ENUM-VALUE", choice.identifier, choice.name)
                    properties = self._add(value_element, "PROPERTIES")
                    self._add(properties, "EMBEDDED-VALUE", KEY=choice.key or str(number), OTHER_CONTENT="")

    def _types(self, content: etree._Element, definitions: Iterable[Definition]) -> None:
        within = self._add(content, "SPEC-TYPES")
        if self.said.objects:
            made = self._named(within, "SPEC-OBJECT-TYPE", "_marque-requirement", "Requirement")
            attributes = self._add(made, "SPEC-ATTRIBUTES")
            for one in definitions:
                definition = self._named(attributes, f"ATTRIBUTE-DEFINITION-{one.datatype.kind}", one.identifier, one.name)
                definition.set("IS-EDITABLE", "true" if one.editable else "false")
                if one.datatype.kind == "ENUMERATION":
                    definition.set("MULTI-VALUED", "true" if one.multi_valued else "false")
                self._ref(definition, "TYPE", f"DATATYPE-DEFINITION-{one.datatype.kind}", one.datatype.identifier)
        for number, kind in enumerate(self._kinds()):
            self._named(within, "SPEC-RELATION-TYPE", f"_marque-relation-{number}", kind)
        self._named(within, "SPECIFICATION-TYPE", "_marque-specification", "Specification")

    def _kinds(self) -> list[str]:
        return sorted({one.kind for one in self.said.links})

    def _objects(self, within: etree._Element) -> None:
        for one in self.said.objects:
            made = self._add(within, "SPEC-OBJECT", IDENTIFIER=one.identifier, LAST_CHANGE=one.changed, LONG_NAME=one.name)
            values = self._add(made, "VALUES")
            for value in one.values:
                self._value(values, value)
            self._ref(made, "TYPE", "SPEC-OBJECT-TYPE", "_marque-requirement")

    def _value(self, within: etree._Element, value: Value) -> None:
        kind = value.definition.datatype.kind
        made = self._add(within, f"ATTRIBUTE-VALUE-{kind}")
        if kind == "ENUMERATION":
            choices = self._add(made, "VALUES")
            for choice in value.content:
                self._add(choices, "ENUM-VALUE-REF").text = choice
        elif kind != "XHTML":
            made.set("THE-VALUE", str(value.content))
        self._ref(made, "DEFINITION", f"ATTRIBUTE-DEFINITION-{kind}", value.definition.identifier)
        if kind == "XHTML":
            self._texts.append((self._add(made, "THE-VALUE"), str(value.content)))

    def _links(self, within: etree._Element) -> None:
        numbers = {kind: number for number, kind in enumerate(self._kinds())}
        for one in self.said.links:
            made = self._add(within, "SPEC-RELATION", IDENTIFIER=one.identifier, LAST_CHANGE=self.said.created)
            self._ref(made, "TARGET", "SPEC-OBJECT", one.target)
            self._ref(made, "SOURCE", "SPEC-OBJECT", one.source)
            self._ref(made, "TYPE", "SPEC-RELATION-TYPE", f"_marque-relation-{numbers[one.kind]}")

    def _specification(self, within: etree._Element) -> None:
        made = self._named(within, "SPECIFICATION", "_marque-specification-1", self.said.title)
        if self.said.tree:
            self._nodes(self._add(made, "CHILDREN"), self.said.tree)
        self._ref(made, "TYPE", "SPECIFICATION-TYPE", "_marque-specification")

    def _nodes(self, within: etree._Element, nodes: tuple[Node, ...]) -> None:
        for one in nodes:
            made = self._add(within, "SPEC-HIERARCHY", IDENTIFIER=one.identifier, LAST_CHANGE=self.said.created)
            if one.children:
                self._nodes(self._add(made, "CHILDREN"), one.children)
            self._ref(made, "OBJECT", "SPEC-OBJECT", one.object)
