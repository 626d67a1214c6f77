"""Reading a ReqIF file that somebody sent: everything is checked before anything is believed.

The XML is parsed without entities, network or DTD, and within limits. Identifiers, references and the types of values are checked element
by element; then the `reqif` library reads the content. Whatever is wrong is one InputError that names the file and the element.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from lxml import etree
from reqif.models.reqif_data_type import (
    ReqIFDataTypeDefinitionBoolean,
    ReqIFDataTypeDefinitionDateIdentifier,
    ReqIFDataTypeDefinitionEnumeration,
    ReqIFDataTypeDefinitionInteger,
    ReqIFDataTypeDefinitionReal,
    ReqIFDataTypeDefinitionString,
    ReqIFDataTypeDefinitionXHTML,
)
from reqif.parser import ReqIFParser

from marque.alliance import rich_text
from marque.alliance.reqif_exchange import REQIF, Choice, Datatype, Definition, Exchange, Kind, Link, Node, Object, Value
from marque.common import InputError

BIGGEST_BYTES = 32 * 1024 * 1024
DEEPEST = 64
KINDS = ("STRING", "ENUMERATION", "INTEGER", "REAL", "BOOLEAN", "DATE", "XHTML")
_FACETS = ("MAX-LENGTH", "ACCURACY", "MIN", "MAX")
_OWNERS = {
    "SPEC-OBJECT": {"SPEC-OBJECT-TYPE"},
    "SPEC-RELATION": {"SPEC-RELATION-TYPE"},
    "SPECIFICATION": {"SPECIFICATION-TYPE"},
    "RELATION-GROUP": {"RELATION-GROUP-TYPE"},
}
_AGAIN = "Export the file again from the tool that made it."


def read(data: bytes, source: str) -> Exchange:
    """What the file says. source: its name, for messages. Raises InputError."""
    root = _parse(data, source)
    _Checks(root, source).all()
    try:
        bundle = ReqIFParser.parse_from_string(etree.tostring(root, encoding="UTF-8", xml_declaration=True).decode())
    except (AssertionError, NotImplementedError, LookupError, AttributeError, TypeError, ValueError, etree.LxmlError) as fault:
        problem = f"the reqif library cannot read it: {str(fault)[:200] or type(fault).__name__}"
        raise InputError(source, "CORE-CONTENT", problem, _AGAIN) from fault
    return _Translation(bundle, source).exchange()


def _parse(data: bytes, source: str) -> etree._Element:
    if len(data) > BIGGEST_BYTES:
        raise InputError(
            source, "", f"it has {len(data):,} bytes, at most {BIGGEST_BYTES:,} are read", "Export fewer requirements at once."
        )
    if data[:2] == b"PK":
        raise InputError(source, "", "it is an archive (.reqifz)", "Unpack it and give the .reqif file inside.")
    try:
        tree = etree.ElementTree(etree.fromstring(data, rich_text.strict_parser()))
    except etree.XMLSyntaxError as fault:
        line = f"line {fault.lineno}" if fault.lineno else ""
        raise InputError(source, line, f"it is not well-formed XML: {str(fault.msg).split(', line')[0]}", _AGAIN) from fault
    except ValueError as fault:
        raise InputError(source, "", f"it is not XML: {fault}", _AGAIN) from fault
    if tree.docinfo.internalDTD is not None:
        raise InputError(source, "DOCTYPE", "document types and entities are not read", "Remove the DOCTYPE declaration.")
    root = tree.getroot()
    if etree.QName(root).localname != "REQ-IF" or etree.QName(root).namespace not in {REQIF, None}:
        raise InputError(source, f"root element {etree.QName(root).localname}", f"a REQ-IF element in {REQIF} was expected")
    for element in root.iter(etree.Element):
        name = etree.QName(element)
        if name.namespace == REQIF:
            element.tag = name.localname
    for element in root.findall("TOOL-EXTENSIONS"):
        root.remove(element)
    return root


class _Checks:
    """What the library takes for granted."""

    def __init__(self, root: etree._Element, source: str) -> None:
        self.root, self.source = root, source
        self.known: dict[str, etree._Element] = {}

    def all(self) -> None:
        self._identifiers()
        content = self.root.find("CORE-CONTENT/REQ-IF-CONTENT")
        if content is None:
            raise InputError(self.source, "CORE-CONTENT", "there is no REQ-IF-CONTENT in it", _AGAIN)
        self._types(content)
        self._typed(content)
        for relation in content.iterfind("SPEC-RELATIONS/SPEC-RELATION"):
            for end in ("SOURCE", "TARGET"):
                self._reference(relation, f"{end}/SPEC-OBJECT-REF", {"SPEC-OBJECT"})
        for node in content.iter("SPEC-HIERARCHY"):
            self._reference(node, "OBJECT/SPEC-OBJECT-REF", {"SPEC-OBJECT"})
            if sum(1 for _ in node.iterancestors("SPEC-HIERARCHY")) >= DEEPEST:
                raise self._fault(node, f"it stands deeper than {DEEPEST} levels")

    def _fault(self, element: etree._Element, problem: str) -> InputError:
        owner = element
        while owner.get("IDENTIFIER") is None and owner.getparent() is not None:
            owner = cast("etree._Element", owner.getparent())
        named = f"{owner.tag} {(owner.get('IDENTIFIER') or '')[:80]}".strip()
        return InputError(self.source, f"{named} (line {element.sourceline})", problem, _AGAIN)

    def _identifiers(self) -> None:
        for element in self.root.iter(etree.Element):
            if "{" in str(element.tag) or element.tag == "ALTERNATIVE-ID":
                continue
            identifier = element.get("IDENTIFIER")
            if identifier is None:
                if element.tag in _NAMED:
                    raise self._fault(element, f"a {element.tag} has no IDENTIFIER")
                continue
            if not identifier.strip() or len(identifier) > 500:
                raise self._fault(element, "its IDENTIFIER is empty or longer than 500 characters")
            if identifier in self.known:
                raise self._fault(element, f"line {self.known[identifier].sourceline} has the same IDENTIFIER")
            self.known[identifier] = element

    def _reference(self, element: etree._Element, path: str, to: set[str]) -> etree._Element:
        found = element.find(path)
        if found is None or not (found.text or "").strip():
            raise self._fault(element, f"{path} is missing")
        found.text = (found.text or "").strip()
        target = self.known.get(found.text)
        if target is None or target.tag not in to:
            raise self._fault(element, f"{path} names {found.text[:80]}, which is no {' or '.join(sorted(to))} of this file")
        return target

    def _types(self, content: etree._Element) -> None:
        for kind in KINDS:
            tag = f"ATTRIBUTE-DEFINITION-{kind}"
            for definition in content.iterfind(f"SPEC-TYPES/*/SPEC-ATTRIBUTES/{tag}"):
                self._reference(definition, f"TYPE/DATATYPE-DEFINITION-{kind}-REF", {f"DATATYPE-DEFINITION-{kind}"})
                # Objects without a value are read as without one; what a tool would show instead is its own concern.
                for default in definition.findall("DEFAULT-VALUE"):
                    definition.remove(default)

    def _typed(self, content: etree._Element) -> None:
        for tag, types in _OWNERS.items():
            for owner in content.iter(tag):
                (type_tag,) = types
                optional = tag != "SPEC-OBJECT" and owner.find("TYPE") is None
                type_of = None if optional else self._reference(owner, f"TYPE/{type_tag}-REF", types)
                for value in owner.iterfind("VALUES/*"):
                    self._value(owner, value, type_of)

    def _value(self, owner: etree._Element, value: etree._Element, type_of: etree._Element | None) -> None:
        kind = str(value.tag).removeprefix("ATTRIBUTE-VALUE-")
        if kind not in KINDS:
            raise self._fault(owner, f"{value.tag} is no value of ReqIF")
        definition = self._reference(value, f"DEFINITION/ATTRIBUTE-DEFINITION-{kind}-REF", {f"ATTRIBUTE-DEFINITION-{kind}"})
        if type_of is not None and definition not in list(type_of.iterfind("SPEC-ATTRIBUTES/*")):
            raise self._fault(owner, f"it has a value of {definition.get('IDENTIFIER')}, which its type does not define")
        if kind == "XHTML":
            if value.find("THE-VALUE") is None:
                raise self._fault(owner, "an ATTRIBUTE-VALUE-XHTML has no THE-VALUE")
        elif kind == "ENUMERATION":
            datatype = self.known[(definition.findtext("TYPE/DATATYPE-DEFINITION-ENUMERATION-REF") or "").strip()]
            choices = {one.get("IDENTIFIER") for one in datatype.iterfind("SPECIFIED-VALUES/ENUM-VALUE")}
            for chosen in value.iterfind("VALUES/ENUM-VALUE-REF"):
                if (chosen.text or "").strip() not in choices:
                    raise self._fault(owner, f"ENUM-VALUE-REF names {(chosen.text or '')[:80]}, which is no value of its enumeration")
                chosen.text = (chosen.text or "").strip()
        elif value.get("THE-VALUE") is None:
            raise self._fault(owner, f"an {value.tag} has no THE-VALUE")


_NAMED = frozenset(
    {"REQ-IF-HEADER", "SPEC-OBJECT", "SPEC-RELATION", "SPECIFICATION", "SPEC-HIERARCHY", "ENUM-VALUE", "RELATION-GROUP"}
    | {f"ATTRIBUTE-DEFINITION-{kind}" for kind in KINDS} | {f"DATATYPE-DEFINITION-{kind}" for kind in KINDS}
    | {type_tag for types in _OWNERS.values() for type_tag in types}
)  # fmt: skip


class _Translation:
    """From the library's values to ours."""

    def __init__(self, bundle: Any, source: str) -> None:
        self.bundle, self.source = bundle, source
        self.content = bundle.core_content.req_if_content
        self.definitions: dict[str, Definition] = {}

    def exchange(self) -> Exchange:
        header = self.bundle.req_if_header
        kinds: dict[str, str] = {}
        datatypes = {one.identifier: self._datatype(one) for one in self.content.data_types or []}
        for one in self.content.spec_types or []:
            kinds[one.identifier] = one.long_name or one.identifier
            for definition in getattr(one, "attribute_definitions", None) or []:
                self.definitions[definition.identifier] = Definition(
                    definition.identifier, rich_text.line(definition.long_name or definition.identifier),
                    datatypes[definition.datatype_definition], bool(definition.multi_valued), definition.editable is not False,
                )  # fmt: skip
        links = tuple(
            Link(one.identifier, rich_text.line(kinds.get(one.relation_type_ref, "")) or "related", one.source, one.target)
            for one in self.content.spec_relations or []
        )
        tree = tuple(node for one in self.content.specifications or [] for node in self._nodes(one.children))
        return Exchange(
            header.identifier if header else "", rich_text.line(header.title or "") if header else "",
            header.creation_time or "" if header else "", tuple(map(self._object, self.content.spec_objects or [])), tree, links,
            rich_text.line(header.comment or "") if header else "",
        )  # fmt: skip

    def _datatype(self, one: Any) -> Datatype:
        facets = {"MAX-LENGTH": "max_length", "ACCURACY": "accuracy", "MIN": "min_value", "MAX": "max_value"}
        given = tuple((key, str(value)) for key in _FACETS if (value := getattr(one, facets[key], None)) is not None)
        choices = tuple(
            Choice(choice.identifier, rich_text.line(choice.long_name or choice.identifier), str(choice.key or number))
            for number, choice in enumerate(getattr(one, "values", None) or [])
        )
        return Datatype(one.identifier, rich_text.line(one.long_name or one.identifier), _KIND_OF[type(one)], given, choices)

    def _object(self, one: Any) -> Object:
        values = tuple(self._value(attribute) for attribute in one.attributes)
        return Object(one.identifier, rich_text.line(one.long_name or ""), one.last_change or "", values)

    def _value(self, attribute: Any) -> Value:
        definition = self.definitions[attribute.definition_ref]
        if definition.datatype.kind == "XHTML":
            return Value(definition, rich_text.of_element(attribute.xml_node.find("THE-VALUE")))
        if definition.datatype.kind == "ENUMERATION":
            return Value(definition, tuple(attribute.value))
        return Value(definition, rich_text.legal(attribute.value))

    def _nodes(self, children: Any) -> Iterator[Node]:
        for one in children or []:
            yield Node(one.identifier, one.spec_object, tuple(self._nodes(one.children)))


_KIND_OF: dict[type, Kind] = {
    ReqIFDataTypeDefinitionString: "STRING",
    ReqIFDataTypeDefinitionBoolean: "BOOLEAN",
    ReqIFDataTypeDefinitionInteger: "INTEGER",
    ReqIFDataTypeDefinitionReal: "REAL",
    ReqIFDataTypeDefinitionEnumeration: "ENUMERATION",
    ReqIFDataTypeDefinitionXHTML: "XHTML",
    ReqIFDataTypeDefinitionDateIdentifier: "DATE",
}
