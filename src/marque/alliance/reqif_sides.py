"""How the sides of a requirement stand in a ReqIF file, and what such an object says of them when it comes back.

Each side is a set of attributes, `<organisation> Text` and so on, with the version it was exported in. Attributes of other tools are kept
in the side of who imported them, with their definitions; those whose name the ReqIF Implementation Guide gives a meaning (`ReqIF.Text` …)
are fields here, and stand in later files under their own definitions again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from marque.alliance import rich_text
from marque.alliance.reqif_exchange import Choice, Datatype, Definition, Object, Value
from marque.alliance.requirements import RICH, STATUSES, Said, Side
from marque.common import InputError

Content = str | tuple[str, ...]
SHOWN = ("status", "number", "title", "text", "rationale", "verification")
"""Fields that stand in a file as attributes."""

_STRING = Datatype("_marque-string", "String", "STRING", (("MAX-LENGTH", "1000000"),))
_RICH = Datatype("_marque-text", "Text", "XHTML")
_COUNT = Datatype("_marque-integer", "Integer", "INTEGER", (("MAX", "2147483647"), ("MIN", "0")))
_STATUS = Datatype(
    "_marque-status", "Status", "ENUMERATION", (),
    tuple(Choice(f"_marque-status-{one}", one, str(number)) for number, one in enumerate(STATUSES)),
)  # fmt: skip
_DATATYPES = {"status": _STATUS, "version": _COUNT} | dict.fromkeys(("number", "title"), _STRING) | dict.fromkeys(RICH, _RICH)
_OURS = re.compile(rf"_marque-([a-z][a-z0-9-]*)-({'|'.join((*SHOWN, 'version'))})")
_OTHERS_KEPT = re.compile(r"_marque\.kept\.([a-z][a-z0-9-]*)\..+")
_FIELDS_BY_NAME = {
    "ReqIF.Text": "text", "Object Text": "text", "ReqIF.ChapterName": "title", "ReqIF.Name": "title", "Object Heading": "title",
    "ReqIF.ForeignID": "number",
}  # fmt: skip
PROCESS = Definition("_marque.process", "Process", _STRING, editable=False)


def definition(organisation: str, name: str, *, editable: bool) -> Definition:
    """Of a field of a side."""
    return Definition(f"_marque-{organisation}-{name}", f"{organisation} {name.capitalize()}", _DATATYPES[name], editable=editable)


def values(organisation: str, side: Side | None, *, mine: bool) -> list[Value]:
    """A side's attributes; of a side that nobody has written, empty ones, so that it can be written in another tool."""
    said = side.said if side else Said()
    own = {one["field"]: one for one in said.attributes if one.get("field")} if mine else {}
    made = []
    for name in SHOWN:
        if name in own:
            original = _definition_of(own[name])
            made.append(Value(original, _content(said, name, original)))
        else:
            ours = definition(organisation, name, editable=mine)
            made.append(Value(ours, _content(said, name, ours)))
    made.append(Value(definition(organisation, "version", editable=False), str(side.version if side else 0)))
    for one in said.attributes:
        if not one.get("field"):
            theirs = _definition_of(one)
            if not mine:
                identifier, called = f"_marque.kept.{organisation}.{theirs.identifier}", f"{organisation} {theirs.name}"
                theirs = replace(theirs, identifier=identifier, name=called, editable=False)
            made.append(Value(theirs, _given(one["value"])))
    return made


def _content(said: Said, name: str, as_: Definition) -> Content:
    value = getattr(said, name)
    if name == "status":
        return (f"_marque-status-{value}",)
    if as_.datatype.kind == "XHTML":
        return str(value) if name in RICH else rich_text.of_plain(value)
    return rich_text.plain(value) if name in RICH else str(value)


@dataclass
class Heard:
    """What an object of a file says. sides: by organisation and field; ours: all that stood there of a side; attributes: the rest."""

    sides: dict[str, dict[str, Value]] = field(default_factory=dict)
    ours: dict[str, list[Value]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    attributes: list[dict[str, Any]] = field(default_factory=list)


def hear(given: Object, me: str, source: str) -> Heard:
    """Sort an object's attributes. Raises InputError for a version or a status that is none."""
    heard = Heard()
    for value in given.values:
        identifier, name = value.definition.identifier, value.definition.name
        ours = _OURS.fullmatch(identifier)
        if ours and value.definition.datatype.kind == _DATATYPES[ours[2]].kind:
            organisation, what = ours[1], ours[2]
            heard.ours.setdefault(organisation, []).append(value)
            if what == "version":
                heard.versions[organisation] = _version(str(value.content), given, source)
            elif value.content or what != "status":
                heard.sides.setdefault(organisation, {})[what] = value
        elif identifier == PROCESS.identifier:
            continue
        elif (what := _FIELDS_BY_NAME.get(name, "")) and _fits(value) and what not in heard.sides.get(me, {}):
            heard.sides.setdefault(me, {})[what] = value
            heard.attributes.append(kept(value) | {"field": what, "value": ""})
        else:
            heard.attributes.append(kept(value))
    return heard


def _fits(value: Value) -> bool:
    return value.definition.datatype.kind in {"STRING", "XHTML", "INTEGER"}


def _version(text: str, given: Object, source: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise InputError(source, f"SPEC-OBJECT {given.identifier}", f"its version {text[:40]!r} is no whole number")
    return int(text)


def written(value: Value, name: str, given: Object, source: str) -> str:
    """A field's value, as it is said here."""
    content = value.content
    if name == "status":
        names = {one.identifier: one.name.lower() for one in value.definition.datatype.choices}
        status = names.get(content[0] if content else "", "")
        if status not in STATUSES:
            problem = f"{value.definition.name} is {status!r}, expected one of {', '.join(STATUSES)}"
            raise InputError(source, f"SPEC-OBJECT {given.identifier}", problem)
        return status
    text = str(content)
    if name in RICH:
        return text if value.definition.datatype.kind == "XHTML" else rich_text.of_plain(text)
    return rich_text.line(rich_text.plain(text) if value.definition.datatype.kind == "XHTML" else text)


def says_the_same(value: Value, name: str, side: Side | None) -> bool:
    """Whether an export of this side would have said it in these very words."""
    said = side.said if side else Said()
    return _content(said, name, value.definition) == value.content


def is_said(value: Value) -> bool:
    """Whether it is more than what stands in a file for a side that nobody has written."""
    return value.content not in {"", "0", (), ("_marque-status-draft",)}


def is_foreign(attribute: Mapping[str, Any], visible: set[str]) -> bool:
    """Whether an attribute has to be kept: not when it is another visible side's, which keeps it itself."""
    theirs = _OTHERS_KEPT.fullmatch(attribute["definition"])
    return theirs is None or theirs[1] not in visible


def kept(value: Value) -> dict[str, Any]:
    """An attribute of another tool, as JSON."""
    one = value.definition
    return {
        "definition": one.identifier, "name": one.name, "multi": one.multi_valued,
        "value": list(value.content) if isinstance(value.content, tuple) else value.content,
        "datatype": {
            "identifier": one.datatype.identifier, "name": one.datatype.name, "kind": one.datatype.kind,
            "facets": [list(facet) for facet in one.datatype.facets],
            "choices": [[choice.identifier, choice.name, choice.key] for choice in one.datatype.choices],
        },
    }  # fmt: skip


def _definition_of(attribute: Mapping[str, Any]) -> Definition:
    told = attribute["datatype"]
    datatype = Datatype(
        told["identifier"], told["name"], told["kind"], tuple((key, value) for key, value in told["facets"]),
        tuple(Choice(*choice) for choice in told["choices"]),
    )  # fmt: skip
    return Definition(attribute["definition"], attribute["name"], datatype, attribute["multi"])


def _given(value: str | list[str]) -> Content:
    return tuple(value) if isinstance(value, list) else value
