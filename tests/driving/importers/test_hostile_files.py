"""Whatever a file holds, the reader answers with a map or with one error that names the file."""

import gzip
import random
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from marque.common import InputError
from marque.driving.importers import load_map
from marque.driving.importers.sumo import read_net
from marque.driving.importers.xml import read_root
from marque.driving.map.build import build_road_map

ABSURD = ["", "nan", "inf", "-inf", "1e308", "-1", "0", "-1e9", "x", "1" * 400, "0x10", "١٢", "1,1", "\u2028"]


@pytest.fixture(scope="module")
def cross(games):
    return games / "cross" / "cross.net.xml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


def answer(folder, content, name="victim.net.xml"):
    """None for a map; the error's text otherwise."""
    path = folder / name
    path.write_bytes(content)
    try:
        road_map = load_map(path)
    except InputError as error:
        said = str(error)
    else:
        assert road_map.arrays.lanes.size > 0
        return None
    assert said.startswith(name)
    assert str(folder) not in said
    return said


BOMB = b'<!DOCTYPE net [<!ENTITY a "aaaaaaaaaa">%s]><net>&i;</net>' % b"".join(
    b'<!ENTITY %c "%s">' % (ord("a") + k, b"&%c;" % (ord("a") + k - 1) * 10) for k in range(1, 9)
)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\0" * 500, "not well-formed"),
        (b"not a map", "not well-formed"),
        (b"<net>", "not well-formed"),
        (b"<html/>", "not the beginning of a road map"),
        (b"<net/>", "holds no lane"),
        (b"<osm/>", "netconvert cannot read it|holds no lane"),
        (b"<OpenDRIVE/>", "netconvert cannot read it|holds no lane"),
        (b"<commonRoad/>", ""),
        (b"<a>" * 5000, "not well-formed"),
        (b'<net a="' + b"x" * 11_000_000 + b'"/>', "not well-formed"),
        (b'<!DOCTYPE net SYSTEM "http://127.0.0.1:9/net.dtd"><net/>', "document type"),
        (b'<!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/hostname">]><net><edge id="e">&x;</edge></net>', "document type"),
        (BOMB, "document type|amplification"),
        (b"\x1f\x8b\x08\x00 no gzip", "gzip"),
        (gzip.compress(b"<net/>" * 100, mtime=0)[:-9], "gzip|not well-formed"),
        (gzip.compress(b"<net/>", mtime=0), "holds no lane"),
        (b"\x00\x00\x00\x0d\x0a\x09OSMHeader\x18\x7c and no more", "PBF"),
    ],
)
def test_a_file_that_is_no_map_is_refused_in_words(folder, content, says):
    said = answer(folder, content, "victim.xml")
    assert said is not None
    assert re.search(says, said)


def test_a_zip_bomb_is_refused_before_it_unfolds(folder, monkeypatch):
    monkeypatch.setattr("marque.driving.importers.xml.SIZE_LIMIT_BYTES", 1 << 20)
    assert "more than 1 MiB" in answer(folder, gzip.compress(b"<net>" + b"<!-- -->" * 1_000_000 + b"</net>"))


@pytest.mark.parametrize("place", [".", "nowhere.net.xml"])
def test_a_path_that_is_no_file_is_refused(folder, place):
    with pytest.raises(InputError, match="cannot be read"):
        load_map(folder / place)


@given(st.integers(0, 20_000))
@settings(max_examples=40, deadline=None)
def test_a_truncated_file_is_refused_with_its_line(folder, cross, offset):
    said = answer(folder, cross.read_bytes()[:offset])
    assert said is not None
    assert re.search(r"line \d+|empty", said)


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_flipped_bytes_give_a_map_or_an_error(folder, cross, rng):
    answer(folder, flipped(cross.read_bytes(), rng))


@given(st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_missing_elements_and_absurd_attributes_give_a_map_or_an_error(folder, cross, rng):
    answer(folder, mutated(cross.read_bytes(), rng))


FAULTS = [
    *(("lane", attribute, value) for attribute in ("speed", "width") for value in ("nan", "1e308", "-1", "0", "inf", "x")),
    *(("lane", "shape", f"{value},0 5,5") for value in ("nan", "1e308", "inf", "x")),
    *(("phase", "duration", value) for value in ("nan", "1e308", "-1", "inf", "x")),
]


@pytest.mark.parametrize(("element", "attribute", "value"), FAULTS)
def test_an_absurd_number_is_refused_at_its_element(folder, cross, element, attribute, value):
    root = etree.parse(cross).getroot()
    victim = next(root.iter(element))
    victim.set(attribute, value)
    said = answer(folder, etree.tostring(root))
    assert said is not None
    assert victim.get("id") in said if element == "lane" else "signal 0." in said or "phase" in said


@given(st.text(max_size=30), st.sampled_from(["from", "to", "fromLane", "toLane", "via", "tl", "linkIndex", "dir", "state"]))
@settings(max_examples=60, deadline=None)
def test_any_text_in_a_connection_gives_a_map_or_an_error(folder, cross, text, attribute):
    root = etree.parse(cross).getroot()
    try:
        root.find("connection").set(attribute, text)
    except ValueError:  # not a character of XML
        return
    answer(folder, etree.tostring(root))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_many_mutations_of_a_city_give_a_map_or_an_error(folder, games, seed):
    rng = random.Random(seed)
    content = gzip.decompress((games / "fkk_in" / "ingolstadt.net.xml.gz").read_bytes())
    for _ in range(40):
        answer(folder, mutated(content, rng, 30))
        answer(folder, flipped(content, rng))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fabriksgatan_traffic_lights.xodr", "garching_intersection.osm"])
def test_mutations_of_what_netconvert_reads_give_a_map_or_an_error(folder, shared_data, name):
    rng = random.Random(name)
    content = (shared_data / "maps" / name).read_bytes()
    for _ in range(25):
        answer(folder, mutated(content, rng, 20), name)
        answer(folder, content[: rng.randrange(len(content))], name)


@pytest.mark.slow
def test_a_damaged_pbf_gives_a_map_or_an_error(folder, shared_data):
    rng = random.Random(5)
    content = (shared_data / "maps" / "Helsinki.osm.pbf").read_bytes()
    for _ in range(10):
        assert answer(folder, content[: rng.randrange(30, len(content))], "cut.osm.pbf") is not None
    for _ in range(10):
        at = rng.randrange(30, len(content))
        answer(folder, content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :], "flipped.osm.pbf")


def test_the_same_file_gives_the_same_map(games):
    path = games / "cross" / "cross.net.xml"
    first, second = (build_road_map(read_net(read_root(path), path.name)).arrays for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def flipped(content, rng):
    damaged = bytearray(content)
    for _ in range(rng.randint(1, 20)):
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged)


def mutated(content, rng, count=5):
    """Elements removed or doubled, attributes removed, exchanged or made absurd; still XML."""
    root = etree.fromstring(content)
    for _ in range(rng.randint(1, count)):
        elements = [element for element in root.iter() if isinstance(element.tag, str) and element is not root]
        if not elements:
            break
        victim, other = rng.choice(elements), rng.choice(elements)
        deed = rng.randrange(5)
        if deed == 0:
            victim.getparent().remove(victim)
        elif deed == 1:
            victim.getparent().append(etree.fromstring(etree.tostring(victim)))
        elif victim.attrib:
            attribute = rng.choice(list(victim.attrib))
            if deed == 2:
                del victim.attrib[attribute]
            elif deed == 3:
                victim.set(attribute, rng.choice(ABSURD))
            else:
                victim.set(attribute, rng.choice(list(other.attrib.values()) or [""]))
    return etree.tostring(root)
