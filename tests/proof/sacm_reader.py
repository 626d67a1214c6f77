"""A reader of SACM that knows nothing of what wrote it: the metamodel's classes as the specification has them, and what a case says."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

SACM = "http://omg.sacm/2.2/"
XMI = "{http://www.omg.org/XMI}"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
DECLARATIONS = {"asserted", "needsSupport", "assumed", "axiomatic", "defeated", "asCited"}


@dataclass(frozen=True)
class Feature:
    """role: of an attribute, its values; else what it holds or points at. least: how many at least."""

    role: str
    of: str
    least: int = 0
    most: float = 1


MANY = float("inf")
LANG = {"lang": Feature("attribute", "text"), "content": Feature("attribute", "text")}
CLASSES: dict[str, tuple[str, dict[str, Feature]]] = {
    # SACM 2.2, clause 8: base
    "LangString": ("", LANG),
    "MultiLangString": ("", {"value": Feature("holds", "LangString", 1, MANY)}),
    "SACMElement": ("", {"gid": Feature("attribute", "text"), "isCitation": Feature("attribute", "flag")}),
    "UtilityElement": ("SACMElement", {"content": Feature("holds", "MultiLangString")}),
    "Description": ("UtilityElement", {}),
    "TaggedValue": ("UtilityElement", {"key": Feature("holds", "MultiLangString", 1)}),
    "ModelElement": (
        "SACMElement",
        {
            "name": Feature("holds", "LangString"),
            "description": Feature("holds", "Description"),
            "taggedValue": Feature("holds", "TaggedValue", 0, MANY),
        },
    ),
    "ArtifactElement": ("ModelElement", {}),
    # clause 9: assurance case; clause 12: artifact
    "AssuranceCasePackage": (
        "ArtifactElement",
        {"artifactPackage": Feature("holds", "ArtifactPackage", 0, MANY), "argumentPackage": Feature("holds", "ArgumentPackage", 0, MANY)},
    ),
    "ArtifactPackage": ("ArtifactElement", {"artifactElement": Feature("holds", "ArtifactElement", 0, MANY)}),
    "ArtifactAsset": ("ArtifactElement", {"artifactProperty": Feature("holds", "Property", 0, MANY)}),
    "Property": ("ArtifactAsset", {}),
    "Artifact": ("ArtifactAsset", {"version": Feature("attribute", "text")}),
    # clause 11: argumentation
    "ArgumentationElement": ("ArtifactElement", {}),
    "ArgumentPackage": ("ArgumentationElement", {"argumentationElement": Feature("holds", "ArgumentationElement", 0, MANY)}),
    "ArgumentAsset": ("ArgumentationElement", {"content": Feature("holds", "MultiLangString")}),
    "Assertion": ("ArgumentAsset", {"assertionDeclaration": Feature("attribute", "declaration")}),
    "ArgumentReasoning": ("ArgumentAsset", {}),
    "Claim": ("Assertion", {}),
    "ArtifactReference": ("ArgumentAsset", {"referencedArtifactElement": Feature("points", "ArtifactElement", 0, MANY)}),
    "AssertedRelationship": (
        "Assertion",
        {
            "isCounter": Feature("attribute", "flag"),
            "source": Feature("points", "ArgumentAsset", 1, MANY),
            "target": Feature("points", "ArgumentAsset", 1, MANY),
            "reasoning": Feature("points", "ArgumentReasoning"),
        },
    ),
    "AssertedInference": ("AssertedRelationship", {}),
    "AssertedEvidence": ("AssertedRelationship", {}),
    "AssertedContext": ("AssertedRelationship", {}),
}
PACKAGES = {"assuranceCase_": "assurancecase", "argumentation_": "argumentation", "artifact_": "artifact", "base_": "base"}
ABSTRACT = {
    "SACMElement",
    "UtilityElement",
    "ModelElement",
    "ArtifactElement",
    "ArtifactAsset",
    "ArgumentationElement",
    "ArgumentAsset",
} | {
    "Assertion",
    "AssertedRelationship",
}


def features(name: str) -> dict[str, Feature]:
    above, own = CLASSES[name]
    return {**(features(above) if above else {}), **own}


def is_a(name: str, other: str) -> bool:
    return name == other or (bool(CLASSES[name][0]) and is_a(CLASSES[name][0], other))


@dataclass
class Thing:
    """An object of the model."""

    kind: str
    gid: str
    attributes: dict[str, str] = field(default_factory=dict)
    holds: dict[str, list[Thing]] = field(default_factory=dict)
    points: dict[str, list[Thing]] = field(default_factory=dict)

    def text(self, name: str = "content") -> str:
        (words,) = self.holds[name]
        return words.holds["value"][0].attributes["content"]

    def tags(self, key: str) -> list[str]:
        return [one.text() for one in self.holds.get("taggedValue", []) if one.text("key") == key]


def read(data: bytes) -> Thing:
    """The assurance case. Fails for whatever the metamodel does not allow, and for what points nowhere."""
    root = etree.fromstring(data)
    assert etree.QName(root) == f"{{{SACM}assurancecase}}AssuranceCasePackage"
    assert root.get(f"{XMI}version") == "2.0"
    known: dict[str, Thing] = {}
    later: list[tuple[Thing, str, Feature, list[str]]] = []
    case = _thing(root, "AssuranceCasePackage", known, later)
    for thing, name, feature, targets in later:
        thing.points[name] = [known[one] for one in targets]
        assert all(is_a(one.kind, feature.of) for one in thing.points[name])
    return case


def _thing(node: etree._Element, expected: str, known: dict[str, Thing], later: list) -> Thing:
    kind = _kind(node, expected)
    assert kind not in ABSTRACT, kind
    assert is_a(kind, expected), (kind, expected)
    allowed = features(kind)
    thing = Thing(kind, node.get("gid", ""))
    if (name := node.get(f"{XMI}id")) is not None:
        assert name not in known
        known[name] = thing
    for attribute, value in node.attrib.items():
        if attribute.startswith("{"):
            continue
        feature = allowed[attribute]
        if feature.role == "points":
            targets = value.split()
            assert feature.least <= len(targets) <= feature.most, (kind, attribute)
            later.append((thing, attribute, feature, targets))
        else:
            assert feature.role == "attribute"
            assert feature.of != "declaration" or value in DECLARATIONS
            assert feature.of != "flag" or value in {"true", "false"}
            thing.attributes[attribute] = value
    for child in node:
        feature = allowed[child.tag]
        assert feature.role == "holds"
        thing.holds.setdefault(child.tag, []).append(_thing(child, feature.of, known, later))
    for name, feature in allowed.items():
        count = len(thing.holds.get(name, [])) if feature.role == "holds" else len(node.get(name, "").split())
        assert feature.role == "attribute" or feature.least <= count <= feature.most, (kind, name)
    return thing


def _kind(node: etree._Element, expected: str) -> str:
    if (told := node.get(TYPE)) is None:
        return expected
    prefix, _, name = told.partition(":")
    assert node.nsmap[prefix] == f"{SACM}{PACKAGES[prefix]}"
    return name
