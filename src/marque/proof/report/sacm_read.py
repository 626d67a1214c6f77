"""A safety case read back from the SACM file that `sacm.dumps` wrote: two releases' cases can be compared from their files alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from lxml import etree

from marque.common import InputError
from marque.proof.report.argument import Argument, Cited, Defeater, Element, Kind

_XMI_ID = "{http://www.omg.org/XMI}id"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_CASE = "{http://omg.sacm/2.2/assurancecase}AssuranceCasePackage"
_MOST_BYTES = 64 << 20
_KINDS = frozenset(Kind)
_Node = etree._Element


@dataclass
class _Case:
    """All by XMI id. gids: our ids. support, beside: of an element, our ids of what supports it and stands beside it, in order.

    carried: of a relation, the element whose it is. challenged: of a counter claim or an answer, what it is against.
    """

    nodes: dict[str, _Node] = field(default_factory=dict)
    gids: dict[str, str] = field(default_factory=dict)
    support: dict[str, list[str]] = field(default_factory=dict)
    beside: dict[str, list[str]] = field(default_factory=dict)
    challenged: dict[str, str] = field(default_factory=dict)
    carried: dict[str, str] = field(default_factory=dict)


def read_case(path: Path) -> Argument:
    """Raises InputError for what is no such file. Nothing outside of it is looked at, whatever it names."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(path.name, "", f"it is larger than {_MOST_BYTES >> 20} MiB")
        return loads(path.read_bytes())
    except OSError as fault:
        raise InputError(path.name, "", f"it cannot be read: {fault.strerror}") from fault
    except ValueError as fault:
        raise InputError(
            path.name, "", f"it is no safety case as Marque writes them: {fault}", "Take safety-case.xmi of a report."
        ) from fault


def loads(data: bytes) -> Argument:
    """Raises ValueError. What supports a goal may come in another order, where one of it is a strategy without goals."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as fault:
        raise ValueError(f"it is not XML: {fault}") from fault
    if root.tag != _CASE:
        raise ValueError("it begins with no assurance case package of SACM 2.2")
    try:
        return _argument(root)
    except KeyError as fault:
        raise ValueError(f"{fault.args[0]} is missing") from fault


def _argument(root: _Node) -> Argument:
    case = _Case()
    for node in root.iterfind("argumentPackage/argumentationElement"):
        case.nodes[_said(node, _XMI_ID)] = node
        case.gids[_said(node, _XMI_ID)] = _said(node, "gid")
    for name, node in case.nodes.items():
        if node.get("isCounter") != "true":
            _relate(case, name, node)
    for node in case.nodes.values():
        if node.get("isCounter") == "true":
            target = _said(node, "target").split()[0]
            case.challenged[_said(node, "source")] = case.carried.get(target, target)
    artifacts = {_said(one, _XMI_ID): one for one in root.iterfind("artifactPackage/artifactElement")}
    elements = [_element(case, name, node, artifacts) for name, node in case.nodes.items() if _tag(node, "GSN") in _KINDS]
    if not elements:
        raise ValueError("there is not one element in it")
    answers = {case.challenged[name]: node for name, node in case.nodes.items() if _tag(node, "GSN") == "answer"}
    claims = [name for name, node in case.nodes.items() if _tag(node, "GSN") == "counter goal"]
    return Argument(elements[0].id, tuple(elements), tuple(_defeater(case, name, answers.get(name)) for name in claims))


def _relate(case: _Case, name: str, node: _Node) -> None:
    """What a relation says of support and context; of a strategy without goals, what it says itself."""
    for goal in _tag(node, "supports").split():
        case.support.setdefault(goal, []).append(case.gids[name])
    if "source" not in node.attrib:
        return
    sources, target, reasoning = _said(node, "source").split(), case.gids[_said(node, "target")], node.get("reasoning")
    ids = [case.gids[one] for one in sources]
    case.carried[name] = reasoning or sources[0]
    if _said(node, _TYPE) == "argumentation_:AssertedContext":
        case.beside.setdefault(target, []).extend(ids)
    elif reasoning:
        case.support.setdefault(target, []).append(case.gids[reasoning])
        case.support[case.gids[reasoning]] = ids
    else:
        case.support.setdefault(target, []).extend(ids)


def _element(case: _Case, name: str, node: _Node, artifacts: dict[str, _Node]) -> Element:
    own = case.gids[name]
    return Element(
        own,
        Kind(_tag(node, "GSN")),
        _words(node, "content"),
        tuple(case.support.get(own, ())),
        tuple(case.beside.get(own, ())),
        tuple(_cited(text, artifacts) for text in _tags(node, "cited")),
    )


def _cited(text: str, artifacts: dict[str, _Node]) -> Cited:
    name, _, place = text.partition(" ")
    artifact = artifacts[name]
    digest = artifact.find("artifactProperty/description/content/value")
    if digest is None:
        raise ValueError(f"{name} has no digest")
    return Cited(_said(artifact, "gid"), _said(digest, "content"), place)


def _defeater(case: _Case, name: str, answer: _Node | None) -> Defeater:
    """What is against an answer is against the defeater that the answer is to."""
    node, against = case.nodes[name], case.challenged[name]
    if _tag(case.nodes[against], "GSN") == "answer":
        against = case.challenged[against]
    made = Defeater(
        case.gids[name], case.gids[against], _words(node, "content"), _tag(node, "raised by"), _tag(node, "raised on"),
        final=_tag(node, "final") == "yes",
    )  # fmt: skip
    if answer is None:
        return made
    who, when = _tag(answer, "resolved by"), _tag(answer, "resolved on")
    return replace(made, resolution=_words(answer, "content"), resolved_by=who, resolved_on=when)


def _said(node: _Node, name: str) -> str:
    if (value := node.get(name)) is None:
        raise KeyError(name)
    return value


def _words(node: _Node, feature: str) -> str:
    value = node.find(f"{feature}/value")
    if value is None:
        raise KeyError(feature)
    return _said(value, "content")


def _tags(node: _Node, key: str) -> list[str]:
    return [_words(one, "content") for one in node.iterfind("taggedValue") if _words(one, "key") == key]


def _tag(node: _Node, key: str) -> str:
    return next(iter(_tags(node, key)), "")
