"""Formatted text of requirements: a small, safe part of XHTML, always in one canonical writing.

What is stored is `<div>…</div>` without namespaces, or nothing. The elements are those that ReqIF 1.2 allows (XHTML's modules text, list,
table, presentation, edit, hypertext); objects and pictures become the name of their file in brackets. Whatever could run or load something
is left out. Equal texts have equal writings, so texts are compared as strings.
"""

from __future__ import annotations

import re

from lxml import etree

from marque.common import Refusal, Refused

XHTML = "http://www.w3.org/1999/xhtml"
_FORMATTING = """
    div p h1 h2 h3 h4 h5 h6 ul ol li dl dt dd pre blockquote address hr table caption thead tbody tfoot tr th td
    br span em strong dfn code samp kbd var cite abbr acronym q tt i b big small sub sup a ins del"""
_LOADING = """
    script style iframe frame frameset applet embed form input button select textarea link meta head title svg math"""
_BREAKING = "div p h1 h2 h3 h4 h5 h6 li dt dd pre blockquote address hr caption tr"
_KEPT, _DROPPED, _BLOCKS = frozenset(_FORMATTING.split()), frozenset(_LOADING.split()), frozenset(_BREAKING.split())
_ATTRIBUTES = {"title": re.compile(r".*", re.DOTALL), "colspan": re.compile(r"\d{1,3}"), "rowspan": re.compile(r"\d{1,3}")}
_STYLE = re.compile(r"\s*text-decoration\s*:\s*(underline|line-through)\s*;?\s*")
_LINK = re.compile(r"(https?://|mailto:)[^\s\"'<>]+")
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TOO_LONG = 1_000_000


def strict_parser() -> etree.XMLParser:
    """A parser that expands nothing, loads nothing and keeps lxml's limits of depth and size."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True)


def legal(text: str) -> str:
    """Without the characters that XML 1.0 has no writing for; line ends are newlines."""
    return _ILLEGAL.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


def line(text: str) -> str:
    """One line: runs of white space become one blank."""
    return " ".join(legal(text).split())


def of(text: str) -> str:
    """The canonical writing of what a person or a program gave: formatted text if it begins with `<div`, plain text otherwise.

    Raises Refused when formatted text is no XML, or any text is longer than a million characters.
    """
    if len(text) > _TOO_LONG:
        raise Refused(Refusal("a text of a requirement may have a million characters"))
    if not text.lstrip().startswith("<div"):
        return of_plain(text)
    try:
        given = etree.fromstring(legal(text).encode(), strict_parser())
    except etree.XMLSyntaxError as fault:
        raise Refused(Refusal("the formatted text is not well-formed XML", {"where": str(fault)})) from fault
    return of_element(given)


def of_plain(text: str) -> str:
    """Plain text: each line end becomes a `<br/>`."""
    if not (kept := legal(text).strip()):
        return ""
    made = etree.Element("div")
    first, *rest = kept.split("\n")
    made.text = first
    for one in rest:
        etree.SubElement(made, "br").tail = one
    return _written(made)


def of_element(given: etree._Element) -> str:
    """What is safe of an element's content; a lone `div` inside it stands for itself."""
    made = etree.Element("div")
    _copy_content(given, made)
    while len(made) == 1 and made[0].tag == "div" and not made[0].attrib and not _said(made.text) and not _said(made[0].tail):
        made = made[0]
    made.tail = None
    return _written(made) if len(made) or _said(made.text) else ""


def plain(rich: str) -> str:
    """The words alone, a line for each paragraph, list entry or table row."""
    if not rich:
        return ""
    parts: list[str] = []

    def walk(element: etree._Element) -> None:
        tag = str(element.tag)
        if parts and not parts[-1].endswith("\n") and tag in _BLOCKS:
            parts.append("\n")
        if tag == "br":
            parts.append("\n")
        parts.append(element.text or "")
        for child in element:
            walk(child)
            if child.tag in {"td", "th"}:
                parts.append("\t")
            elif child.tag in _BLOCKS and not parts[-1].endswith("\n"):
                parts.append("\n")
            parts.append(child.tail or "")

    walk(etree.fromstring(rich.encode(), strict_parser()))
    return "".join(parts).strip()


def editable(rich: str) -> str:
    """What to offer for editing, so that `of` makes the same of it: the plain words where they say everything, else the writing itself."""
    words = plain(rich)
    return words if not words.lstrip().startswith("<div") and of_plain(words) == rich else rich


def put(rich: str, parent: etree._Element) -> None:
    """Append the text to an element of a ReqIF file, in the namespace of XHTML."""
    made = etree.fromstring((rich or "<div/>").encode(), strict_parser())
    for element in made.iter():
        element.tag = f"{{{XHTML}}}{element.tag}"
    parent.append(made)


def _said(text: str | None) -> bool:
    return bool(text and text.strip())


def _written(made: etree._Element) -> str:
    return etree.tostring(made, encoding="unicode")


def _copy_content(given: etree._Element, into: etree._Element) -> None:
    _add_text(into, given.text)
    for child in given:
        _copy(child, into)
        _add_text(into, child.tail)


def _copy(given: etree._Element, into: etree._Element) -> None:
    if not isinstance(given.tag, str):  # an entity that was not expanded
        return
    name = etree.QName(given).localname.lower()
    if name in _DROPPED:
        return
    if name in {"object", "img"}:
        source = given.get("data") or given.get("src") or given.get("name") or ""
        _add_text(into, f"[{legal(source).rsplit('/', 1)[-1] or name}]")
    if name not in _KEPT:
        _copy_content(given, into)
        return
    made = etree.SubElement(into, name)
    for key, pattern in _ATTRIBUTES.items():
        if (value := given.get(key)) and pattern.fullmatch(value):
            made.set(key, value)
    if style := _STYLE.fullmatch(given.get("style") or ""):
        made.set("style", f"text-decoration:{style[1]}")
    if name == "a" and _LINK.fullmatch(given.get("href") or ""):
        made.set("href", given.get("href") or "")
    _copy_content(given, made)


def _add_text(into: etree._Element, text: str | None) -> None:
    if not text:
        return
    text = text.replace("\r", "")
    if len(into):
        into[-1].tail = (into[-1].tail or "") + text
    else:
        into.text = (into.text or "") + text
