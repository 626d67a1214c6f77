"""A safety case in the exchange format of tools: OMG's Structured Assurance Case Metamodel, version 2.2 (2021), as XMI 2.0.

What becomes what follows Wei, Kelly, Dai, Zhao, Hawkins, *Model based system assurance using the structured assurance case metamodel*
(2019): goal → Claim; strategy → ArgumentReasoning of the AssertedInference from its goals; solution and context → ArtifactReference;
assumption → Claim that is assumed; justification → Claim that is axiomatic; undeveloped → needsSupport; a defeater → a Claim with an
AssertedInference that is a counter to what it challenges: to the claim itself, or, where that is no claim, to the relation that it carries.
A defeater that is resolved is a defeated claim, countered by its answer. Namespaces are those of Eclipse ACME's Ecore files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lxml import etree

from marque.proof.report.argument import Argument, Cited, Defeater, Element, Kind, Status

_SACM = "http://omg.sacm/2.2/"
_XMI = "http://www.omg.org/XMI"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_NAMES = {
    "xmi": _XMI,
    "xsi": _XSI,
    "assuranceCase_": f"{_SACM}assurancecase",
    "argumentation_": f"{_SACM}argumentation",
    "artifact_": f"{_SACM}artifact",
    "base_": f"{_SACM}base",
}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CLAIMS = {Kind.GOAL: "asserted", Kind.ASSUMPTION: "assumed", Kind.JUSTIFICATION: "axiomatic"}
_Node = etree._Element


def dumps(argument: Argument) -> bytes:
    """One assurance case package: the argument, and the artefacts it cites with their digests. The same argument gives the same bytes."""
    return etree.tostring(_Writer(argument).case(), xml_declaration=True, encoding="UTF-8", pretty_print=True)


class _Writer:
    """relations: by the id of an element that is no claim, the relations that it carries; a challenge to it is one to them."""

    def __init__(self, argument: Argument) -> None:
        self.argument = argument
        self.open = {one.id for one in argument.open}
        self.challenged = {one.challenges for one in argument.open}
        self.relations: dict[str, list[str]] = {}
        self.number = 0

    def case(self) -> _Node:
        root = etree.Element(f"{{{_NAMES['assuranceCase_']}}}AssuranceCasePackage", nsmap=_NAMES)
        root.set(f"{{{_XMI}}}version", "2.0")
        _identified(root, "case", "case")
        _name(root, self.argument.element(self.argument.top).text)
        artifacts = _part(root, "artifactPackage", "artifacts", "artifacts")
        for cited in _artifacts(self.argument):
            _artifact(artifacts, cited)
        package = _part(root, "argumentPackage", "argument", "argument")
        for element in self.argument.elements:
            self._asset(package, element)
        for element in self.argument.elements:
            self._support(package, element)
            self._context(package, element)
        for defeater in self.argument.defeaters:
            self._counter_claim(package, defeater)
        for defeater in self.argument.defeaters:
            self._counters(package, defeater)
        return root

    def _asset(self, package: _Node, element: Element) -> None:
        if element.kind in _CLAIMS:
            node = _element(package, "Claim", element.id, element.text)
            node.set("assertionDeclaration", self._declared(element))
        elif element.kind is Kind.STRATEGY:
            node = _element(package, "ArgumentReasoning", element.id, element.text)
            if not element.supported_by:
                _tagged(node, "supports", " ".join(one.id for one in self.argument.elements if element.id in one.supported_by))
        else:
            node = _element(package, "ArtifactReference", element.id, element.text)
            if element.cited:
                node.set("referencedArtifactElement", " ".join(dict.fromkeys(_artifact_id(one) for one in element.cited)))
            for cited in element.cited:
                _tagged(node, "cited", f"{_artifact_id(cited)} {cited.place}".rstrip())
        _tagged(node, "GSN", element.kind.value)

    def _declared(self, element: Element) -> str:
        if self.argument.status(element.id) is Status.DEFEATED:
            return "defeated"
        if element.kind is Kind.GOAL and not any(self._carries(one) for one in element.supported_by):
            return "needsSupport"
        return _CLAIMS[element.kind]

    def _carries(self, name: str) -> bool:
        """A strategy without a goal below it carries nothing."""
        element = self.argument.element(name)
        return element.kind is not Kind.STRATEGY or bool(element.supported_by)

    def _support(self, package: _Node, element: Element) -> None:
        """A relation for each thing that a goal is supported by; what supports a strategy is in that of its goal."""
        if element.kind is not Kind.GOAL:
            return
        for name in element.supported_by:
            other = self.argument.element(name)
            if other.kind is Kind.STRATEGY and other.supported_by:
                node = self._relation(package, "AssertedInference", other.supported_by, (element.id,), carrier=name)
                node.set("reasoning", _id(name))
            elif other.kind is Kind.GOAL:
                self._relation(package, "AssertedInference", (name,), (element.id,))
            elif other.kind is Kind.SOLUTION:
                self._relation(package, "AssertedEvidence", (name,), (element.id,), carrier=name)

    def _context(self, package: _Node, element: Element) -> None:
        for name in element.in_context_of:
            carrier = name if self.argument.element(name).kind is Kind.CONTEXT else ""
            self._relation(package, "AssertedContext", (name,), (element.id,), carrier=carrier)

    def _counter_claim(self, package: _Node, one: Defeater) -> None:
        node = _element(package, "Claim", one.id, one.text)
        node.set("assertionDeclaration", "asserted" if one.id in self.open else "defeated")
        _tagged(node, "GSN", "counter goal")
        _tagged(node, "raised by", one.raised_by)
        _tagged(node, "raised on", one.on)
        _tagged(node, "final", "yes" if one.final else "")
        if one.resolution:
            answer = _element(package, "Claim", _answer(one.id), one.resolution)
            answer.set("assertionDeclaration", "defeated" if one.id in self.challenged else "asserted")
            _tagged(answer, "GSN", "answer")
            _tagged(answer, "resolved by", one.resolved_by)
            _tagged(answer, "resolved on", one.resolved_on)

    def _counters(self, package: _Node, one: Defeater) -> None:
        if one.challenges in {other.id for other in self.argument.defeaters}:
            targets = [_id(_answer(one.challenges))]
        else:
            targets = self.relations.get(one.challenges) or [_id(one.challenges)]
        self._counter(package, one.id, targets, standing=one.id in self.open)
        if one.resolution:
            self._counter(package, _answer(one.id), [_id(one.id)], standing=one.id not in self.challenged)

    def _counter(self, package: _Node, source: str, targets: Iterable[str], *, standing: bool) -> None:
        node = self._relation(package, "AssertedInference", (source,), ())
        node.set("target", " ".join(targets))
        node.set("isCounter", "true")
        node.set("assertionDeclaration", "asserted" if standing else "defeated")

    def _relation(self, package: _Node, kind: str, sources: Iterable[str], targets: Iterable[str], carrier: str = "") -> _Node:
        self.number += 1
        name = f"r{self.number}"
        node = _part(package, "argumentationElement", name, name, f"argumentation_:{kind}")
        node.set("assertionDeclaration", "defeated" if carrier and carrier in self.challenged else "asserted")
        node.set("source", " ".join(_id(one) for one in sources))
        node.set("target", " ".join(_id(one) for one in targets))
        if carrier:
            self.relations.setdefault(carrier, []).append(name)
        return node


def _artifacts(argument: Argument) -> Iterable[Cited]:
    """Each file and digest once, in order."""
    known: Mapping[str, Cited] = {_artifact_id(cited): cited for element in argument.elements for cited in element.cited}
    return known.values()


def _artifact(package: _Node, cited: Cited) -> None:
    node = _part(package, "artifactElement", _artifact_id(cited), cited.file, "artifact_:Artifact")
    _name(node, cited.file)
    digest = _part(node, "artifactProperty", f"{_artifact_id(cited)}.digest", "SHA-256")
    _name(digest, "SHA-256")
    description = etree.SubElement(digest, "description")
    _words(description, "content", cited.digest)


def _artifact_id(cited: Cited) -> str:
    return f"a.{_id(cited.file)}.{cited.digest}"


def _answer(name: str) -> str:
    """Of a defeater; no element's id ends like this, for theirs have nothing behind a blank."""
    return f"{name} answer"


def _element(package: _Node, kind: str, name: str, text: str) -> _Node:
    node = _part(package, "argumentationElement", _id(name), name, f"argumentation_:{kind}")
    _name(node, name)
    _words(node, "content", text)
    return node


def _part(parent: _Node, feature: str, identity: str, gid: str, kind: str = "") -> _Node:
    node = etree.SubElement(parent, feature)
    if kind:
        node.set(f"{{{_XSI}}}type", kind)
    _identified(node, identity, gid)
    return node


def _identified(node: _Node, identity: str, gid: str) -> None:
    node.set(f"{{{_XMI}}}id", identity)
    node.set("gid", _text(gid))


def _name(node: _Node, text: str) -> None:
    etree.SubElement(node, "name", lang="en", content=_text(text))


def _words(node: _Node, feature: str, text: str) -> None:
    etree.SubElement(etree.SubElement(node, feature), "value", lang="en", content=_text(text))


def _tagged(node: _Node, key: str, text: str) -> None:
    """Nothing where there is nothing to say."""
    if not text:
        return
    tagged = etree.SubElement(node, "taggedValue")
    _words(tagged, "content", text)
    _words(tagged, "key", key)


def _id(name: str) -> str:
    """An XML name; two ids never give one."""
    return re.sub(r"[^A-Za-z0-9.-]", lambda found: f"_{ord(found[0]):x}_", name)


def _text(text: str) -> str:
    """Without what XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
