"""ReqIF as files: whatever is written is read again, and what is damaged, broken or hostile is refused by file and element."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joint_development import join
from lxml import etree
from travelling import NAME, baseline, changed, everything, exported, taken_in

from marque.alliance import rich_text
from marque.alliance.reqif_exchange import REQIF, Choice, Datatype, Definition, Exchange, Link, Node, Object, Value, write
from marque.alliance.reqif_read import BIGGEST_BYTES, read
from marque.common import InputError


@pytest.fixture
def joint(database, owner_dsn):
    return join(database, owner_dsn)


# The format

kinds = st.sampled_from(["STRING", "XHTML", "ENUMERATION", "INTEGER", "BOOLEAN", "DATE", "REAL"])
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(rich_text.legal)
lines = words.map(rich_text.line)


@st.composite
def exchanges(draw):
    definitions = []
    for number in range(draw(st.integers(1, 4))):
        kind = draw(kinds)
        choices = (
            tuple(Choice(f"_c{number}-{index}", draw(lines) or "c", str(index)) for index in range(2)) if kind == "ENUMERATION" else ()
        )
        datatype = Datatype(f"_t{number}", draw(lines) or "t", kind, (("MAX-LENGTH", "9"),) if kind == "STRING" else (), choices)
        multi = kind == "ENUMERATION" and draw(st.booleans())
        definitions.append(Definition(f"_d{number}", draw(lines) or "d", datatype, multi, draw(st.booleans())))
    content = {
        "STRING": words, "XHTML": words.map(rich_text.of_plain), "INTEGER": st.just("7"), "BOOLEAN": st.just("true"),
        "REAL": st.just("1.5"), "DATE": st.just("2025-01-01T00:00:00Z"),
    }  # fmt: skip
    objects = tuple(
        Object(f"_o{index}", draw(lines), "2025-01-01T00:00:00Z", tuple(
            Value(one, draw(st.permutations([choice.identifier for choice in one.datatype.choices]).map(tuple)) if one.datatype.choices
                  else draw(content[one.datatype.kind])) for one in definitions))
        for index in range(draw(st.integers(1, 4)))
    )  # fmt: skip
    tree: tuple[Node, ...] = ()
    for one in objects:
        deeper = draw(st.booleans())
        tree = (Node(f"_n{one.identifier}", one.identifier, tree),) if deeper else (*tree, Node(f"_n{one.identifier}", one.identifier))
    links = (Link("_l", draw(lines) or "related", objects[0].identifier, objects[-1].identifier),)
    return Exchange("_h", draw(lines), "2025-01-01T00:00:00Z", objects, tree, links, draw(lines))


@given(exchanges())
def test_what_is_written_is_read_again(said):
    assert read(write(said), "x.reqif") == said


@given(exchanges(), st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(said, data):
    whole = write(said)
    cut = data.draw(st.integers(0, len(whole) - 1))
    length = data.draw(st.integers(0, 40))
    damaged = whole[:cut] + data.draw(st.binary(max_size=4)) + whole[cut + length :]
    with suppress(InputError):
        read(damaged, "x.reqif")


# Files to be refused


def _without(tag):
    def cut(root):
        element = next(root.iter(f"{{{REQIF}}}{tag}"))
        element.getparent().remove(element)

    return cut


def _set(path, text=None, **attributes):
    def write_there(root):
        element = root.xpath(path, namespaces=NAME)[0]
        element.text = text if text is not None else element.text
        for key, value in attributes.items():
            element.set(key.replace("_", "-"), value)

    return write_there


def _twice(tag):
    def double(root):
        element = next(root.iter(f"{{{REQIF}}}{tag}"))
        element.getparent().append(etree.fromstring(etree.tostring(element)))

    return double


def _deep(root):
    (node,) = root.xpath("(//r:SPEC-HIERARCHY[not(r:CHILDREN)])[1]", namespaces=NAME)
    reference = node.find("r:OBJECT/r:SPEC-OBJECT-REF", NAME).text
    for number in range(70):
        inner = etree.SubElement(etree.SubElement(node, f"{{{REQIF}}}CHILDREN"), f"{{{REQIF}}}SPEC-HIERARCHY", IDENTIFIER=f"_deep{number}")
        etree.SubElement(etree.SubElement(inner, f"{{{REQIF}}}OBJECT"), f"{{{REQIF}}}SPEC-OBJECT-REF").text = reference
        node = inner


BROKEN = {
    "an object twice": (_twice("SPEC-OBJECT"), "same IDENTIFIER"),
    "a type twice": (_twice("SPEC-OBJECT-TYPE"), "same IDENTIFIER"),
    "an object without a type": (_without("TYPE"), "is missing"),
    "no content": (_without("REQ-IF-CONTENT"), "no REQ-IF-CONTENT"),
    "a type that is not there": (_set("//r:SPEC-OBJECT-TYPE-REF", "nowhere"), "names nowhere"),
    "a type of another kind": (_set("//r:SPEC-OBJECT-TYPE-REF", "_marque-specification"), "no SPEC-OBJECT-TYPE"),
    "a relation to nothing": (_set("//r:TARGET/r:SPEC-OBJECT-REF", "nowhere"), "names nowhere"),
    "a place of nothing": (_set("//r:OBJECT/r:SPEC-OBJECT-REF", "nowhere"), "names nowhere"),
    "a value of nothing": (_set("//r:ATTRIBUTE-DEFINITION-XHTML-REF", "nowhere"), "names nowhere"),
    "a value of another kind": (
        _set("//r:ATTRIBUTE-VALUE-XHTML//r:ATTRIBUTE-DEFINITION-XHTML-REF", "_marque-gac-title"),
        "no ATTRIBUTE-DEF",
    ),
    "a choice that is none": (_set("//r:ENUM-VALUE-REF", "nowhere"), "no value of its enumeration"),
    "a datatype that is not there": (_set("//r:ATTRIBUTE-DEFINITION-XHTML/r:TYPE/*", "nowhere"), "names nowhere"),
    "an empty identifier": (_set("//r:SPEC-OBJECT", IDENTIFIER=" "), "IDENTIFIER is empty"),
    "a version that is no number": (_set("//r:ATTRIBUTE-VALUE-INTEGER", THE_VALUE="one"), "no whole number"),
    "too deep": (_deep, "deeper than 64"),
    "another root": (lambda root: setattr(root, "tag", "html"), "REQ-IF element"),
    "attributes that are not defined": (_without("SPEC-ATTRIBUTES"), "which is no ATTRIBUTE"),
}


def test_a_broken_file_is_refused_by_file_and_element_and_changes_nothing(joint, owner_dsn):
    _, one, _, _ = baseline(joint)
    sound = changed(exported(joint, "gac"), f"_{one.id}", "_marque-gac-title", "Would be taken in")
    before = everything(owner_dsn)
    for how, (damage, told) in BROKEN.items():
        root = etree.fromstring(sound)
        damage(root)
        with pytest.raises(InputError, match=told) as refused:
            taken_in(joint, "gac", etree.tostring(root))
        assert refused.value.source == "partner.reqif", how
        assert refused.value.place, how
        assert everything(owner_dsn) == before, how
    assert taken_in(joint, "gac", sound).updated == (one.id,)


BOMB = '<!DOCTYPE a [<!ENTITY a "lol">' + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)) + "]>"
HOSTILE = {
    "an entity of a file": (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><REQ-IF>&x;</REQ-IF>', "."),
    "an entity of the network": (b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:1/x">]><REQ-IF>&x;</REQ-IF>', "."),
    "a document type elsewhere": (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><REQ-IF/>', "DOCTYPE|document type"),
    "a thousand million laughs": ((BOMB + "<REQ-IF>&j;</REQ-IF>").encode(), "."),
    "nothing": (b"", "."),
    "no XML": (b"\x00\x01\x02", "XML"),
    "another encoding than it says": ('<?xml version="1.0" encoding="UTF-8"?><REQ-IF>\xe4</REQ-IF>'.encode("latin-1"), "XML"),
    "an encoding that is none": (b'<?xml version="1.0" encoding="klingon"?><REQ-IF/>', "XML"),
    "an archive": (b"PK\x03\x04rest", "archive"),
    "too deep": (b"<REQ-IF>" + b"<a>" * 100_000, "XML"),
    "an endless name": (b"<REQ-IF " + b"a" * 20_000_000 + b"='1'/>", "XML"),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_file_is_refused_by_name(how):
    data, told = HOSTILE[how]
    with pytest.raises(InputError, match=told) as refused:
        read(data, "evil.reqif")
    assert str(refused.value).startswith("evil.reqif")
    assert "root:" not in str(refused.value)


def test_a_file_that_is_too_big_is_not_even_parsed():
    with pytest.raises(InputError, match="bytes"):
        read(io.BytesIO(b" " * (BIGGEST_BYTES + 1)).getvalue(), "big.reqif")
