"""The one way this house opens XML that came from outside, and reads its attributes."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from lxml import etree

from marque.common import Floats, InputError

SIZE_LIMIT_BYTES = 256 * 1024 * 1024
"""Unpacked. A city of 150,000 lanes stays below it."""
_BLOCK = 1 << 20


def read_root(path: Path) -> etree._Element:
    """The root element of an XML file, gzipped or not.

    No document type, no entities, no network. Raises InputError for what is not there, not XML, empty, cut off, hostile or larger
    than SIZE_LIMIT_BYTES.
    """
    parser = etree.XMLPullParser(
        events=(),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    size = 0
    try:
        with _opened(path) as stream:
            while block := stream.read(_BLOCK):
                size += len(block)
                if size > SIZE_LIMIT_BYTES:
                    raise InputError(
                        path.name, "", f"the file holds more than {SIZE_LIMIT_BYTES >> 20} MiB", "Cut the map to a smaller region."
                    )
                parser.feed(block)
        if size == 0:
            raise InputError(path.name, "", "the file is empty")
        root = parser.close()
    except OSError as error:
        raise InputError(path.name, "", f"it cannot be read ({error.strerror or error})") from None
    except (EOFError, zlib.error):
        raise InputError(path.name, "", "the gzip data is cut off or damaged") from None
    except etree.XMLSyntaxError as error:
        raise InputError(path.name, f"line {error.lineno or 1}", f"it is not well-formed XML ({error.msg})") from None
    tree = root.getroottree()
    if tree.docinfo.internalDTD is not None:
        raise InputError(path.name, "line 1", "it declares a document type, which no supported format does", "Remove the DOCTYPE.")
    return root


def _opened(path: Path) -> gzip.GzipFile:
    """The unpacked bytes of a file: gzip is told by its magic number, not by the name."""
    with path.open("rb") as probe:
        packed = probe.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")  # type: ignore[return-value]


class Reader:
    """Attributes of one file's elements; every fault is an InputError that names the element and its line."""

    def __init__(self, source: str) -> None:
        self.source = source

    def fault(self, element: etree._Element, problem: str) -> InputError:
        name = f' "{element.get("id")}"' if element.get("id") else ""
        line = f" (line {element.sourceline})" if element.sourceline else ""
        return InputError(self.source, f"{element.tag}{name}{line}", problem)

    def text(self, element: etree._Element, attribute: str) -> str:
        value = element.get(attribute)
        if value is None:
            raise self.fault(element, f'the attribute "{attribute}" is missing')
        return value

    def number(self, element: etree._Element, attribute: str, default: float, above: float = -math.inf) -> float:
        value = element.get(attribute)
        if value is None:
            return default
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and number > above):
            expected = "a finite number" if above == -math.inf else f"a finite number above {above:g}"
            raise self.fault(element, f'"{attribute}" is "{value[:40]}", {expected} is expected')
        return number

    def whole(self, element: etree._Element, attribute: str) -> int:
        """A number of 0, 1, 2 …"""
        value = self.text(element, attribute)
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            raise self.fault(element, f'"{attribute}" is "{value[:40]}", a whole number is expected')
        return int(value)

    def points(self, element: etree._Element, attribute: str) -> Floats:
        """A list "x,y x,y" or "x,y,z x,y,z" as (n, 2); heights are left out."""
        value = self.text(element, attribute)
        words = value.split()
        try:
            return np.array([word.split(",", 2)[:2] for word in words], float).reshape(len(words), 2)
        except ValueError:
            raise self.fault(element, f'"{attribute}" is not a list of points "x,y"') from None
