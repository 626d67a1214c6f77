"""The report as a page, a drawing and a PDF: it says what the facts say, and nothing in them is taken for markup."""

from __future__ import annotations

import itertools
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from report_world import reported
from sealed_world import NOW, sha

from marque.proof.credibility import Credibility, Item, Section
from marque.proof.report import Change, Facts, facts_of, filings
from marque.proof.report import pdf as printer
from marque.proof.report.argument import Argument, Cited, Defeater, Element, Kind, argument
from marque.proof.report.figures import share
from marque.proof.report.forest import forest
from marque.proof.report.gsn import sheets, tree
from marque.proof.report.page import page, unsound_page
from marque.proof.report.pdf import FOREST_PX, PROPORTION, pdf
from marque.proof.report.record import record
from marque.proof.report.svg import width_of, wrapped
from marque.proof.report.view import unsound, view

HOSTILE = "</style><script>alert(1)</script> #panic() $x$ *b* <img src=x onerror=alert(2)> {{ 7 * 7 }} 城市 \\ \" '"
FAILING = {3: "failed", 17: "failed", 60: "lost", 210: "failed", 215: "failed"}


@pytest.fixture(scope="module")
def facts(tmp_path_factory) -> Facts:
    folder = tmp_path_factory.mktemp("release")
    before = reported(folder, "before", version="1.1.0", failing={3: "failed"}, inputs={"code/driving": sha("old")})
    now = reported(folder, failing=FAILING, baseline=before)
    found = facts_of(now.evidence, now.directories, now=NOW, suites=[now.suite], baseline=before.evidence)
    assert isinstance(found, Facts)
    return found


def said(facts):
    return view(facts, argument(facts), (filings.rxswin(facts), filings.ccam(facts)))


def html(facts):
    return page(said(facts), tree(argument(facts)), forest(facts), forest(facts, 358.0))


def printed(facts):
    return pdf(said(facts), made=NOW, footer="release", drawing=sheets(argument(facts), PROPORTION), forest=forest(facts, FOREST_PX))


def hostile(facts) -> Facts:
    """With such words wherever somebody else wrote them."""
    worst = tuple(replace(one, why=HOSTILE, scenario=HOSTILE, parameters={HOSTILE: HOSTILE}) for one in facts.worst)
    cells = tuple(replace(one, reasons=(HOSTILE,), odd={HOSTILE: HOSTILE}) for one in facts.cells)
    item = Item(HOSTILE, HOSTILE, HOSTILE, False, HOSTILE)
    changes = (Change("code", HOSTILE, "a" * 64, ""),)
    return replace(
        facts, worst=worst, cells=cells, changes=changes, credibility=Credibility((Section(HOSTILE, HOSTILE, (), (item,)),), {}, {})
    )


class Read(HTMLParser):
    """Elements, their attributes, and text outside of styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.styled = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.styled = tag == "style"
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        self.styled = self.styled and tag != "style"

    def handle_data(self, data):
        self.text += "" if self.styled else data


def test_the_page_says_what_the_facts_say(facts):
    text = " ".join(Read(html(facts)).text.split())
    assert "The safety case does not stand." in text
    for one in facts.cells:
        assert all(reason in text for reason in one.reasons)
    for one in facts.worst:
        assert str(one.case) in text
    for one in argument(facts).open:
        assert " ".join(one.text.split()) in text
    for one in facts.changes:
        assert one.name in text
    assert facts.evidence in text
    assert facts.provenance.release.digest in text


def test_nothing_on_the_page_comes_from_elsewhere_or_runs(facts):
    for found in (Read(html(facts)), Read(html(hostile(facts)))):
        assert not found.names & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "use", "foreignobject"}
        assert not [one for one in found.attributes if one[1].startswith("on")]
        targets = {value for _, name, value in found.attributes if name in ("href", "src", "xlink:href", "action", "data", "srcset")}
        assert targets == {"#words", "safety-case.xmi"}
    assert "url(" not in html(facts)
    assert "@import" not in html(facts)


def test_words_of_others_stand_on_the_page_as_they_are(facts):
    text = Read(html(hostile(facts))).text
    assert text.count(HOSTILE) > 20
    assert "49" not in re.findall(r"\{\{ 7 \* 7 \}\}|\b49\b(?= 城)", text)


def test_words_of_others_are_no_markup_in_the_pdf_either(facts):
    assert printed(hostile(facts)).startswith(b"%PDF-")


def test_a_machine_without_fonts_still_prints_every_letter_or_its_number(facts, monkeypatch):
    found = []
    monkeypatch.setattr(
        printer, "_by_number", lambda said, letters, made=printer._by_number: found.append(made(said, letters)) or found[-1]
    )
    odd = replace(facts, worst=tuple(replace(one, why="雨 \x07 \N{GRINNING FACE} \u0e01") for one in facts.worst))
    drawn = forest(replace(facts, cells=tuple(replace(one, cell="城市/雨") for one in facts.cells)), FOREST_PX)
    made = pdf(said(odd), made=NOW, footer="release", forest=drawn, machine_fonts=False)
    assert made.startswith(b"%PDF-")
    assert b"pdfaid:part>2<" in made
    assert b"pdfuaid:part>1<" in made
    assert "[U+57CE U+5E02]/[U+96E8]" in found[-1]["forest"][0]
    assert found[-1]["worst"]["runs"][0]["why"] == "[U+96E8] [U+0007] [U+1F600] [U+0E01]"


def test_the_same_facts_give_the_same_bytes(facts):
    assert html(facts) == html(facts)
    assert printed(facts) == printed(facts)
    assert record(facts, argument(facts)) == record(facts, argument(facts))


def test_the_facts_for_programs_are_those_of_the_page(facts):
    told = json.loads(record(facts, argument(facts)))
    assert told["sound"] is True
    assert [(one["cell"], one["answer"]) for one in told["cells"]] == [(one.cell, one.answer) for one in facts.cells]
    assert told["risk"]["estimate"] == pytest.approx(facts.risk.estimate)
    assert [one["case"] for one in told["worst"]] == [one.case for one in facts.worst]
    assert told["safety_case"]["supported"] is False
    assert set(told["safety_case"]["open"]) == {one.id for one in argument(facts).open}


def test_evidence_that_is_not_sound_gives_a_page_that_claims_nothing(tmp_path):
    release = reported(tmp_path)
    bent = bytearray(release.evidence.read_bytes())
    bent[bent.index(b'"outcome":"passed"') + 11] ^= 1
    release.evidence.write_bytes(bent)
    found = facts_of(release.evidence, release.directories, now=NOW)
    told = unsound(found)
    text = unsound_page(told)
    assert "This evidence is not sound: nothing it says counts." in text
    assert "runs.jsonl" in text
    assert not re.search(r"PASSED|pilot|vela|1\.2\.0|motorway|supported", text)
    assert pdf(told, made=NOW, footer="x").startswith(b"%PDF-")
    assert json.loads(record(found, argument(found))).keys() == {"kind", "evidence", "made", "sound", "findings"}


def branches(cells: int, defeated: tuple[int, ...] = ()) -> Argument:
    """A case with so many alike goals below a strategy."""
    goals = [Element(f"G2.{k}", Kind.GOAL, f"In cell {k} a run fails less often than 1 %.", (f"Sn{k}",)) for k in range(cells)]
    shown = [Element(f"Sn{k}", Kind.SOLUTION, "0 of 3,000 runs failed.", cited=(Cited("runs.jsonl", "a" * 64),)) for k in range(cells)]
    top = Element("G1", Kind.GOAL, "The release is acceptably safe.", ("S1",), ("A1",))
    strategy = Element("S1", Kind.STRATEGY, "Argument over each cell.", tuple(one.id for one in goals))
    doubts = tuple(Defeater(f"D{k}", f"G2.{k}", "It got worse.", "Li") for k in defeated)
    return Argument("G1", (top, Element("A1", Kind.ASSUMPTION, "Roads are dry."), strategy, *goals, *shown), doubts)


def words(svg: str) -> str:
    return " ".join(etree.fromstring(svg.encode()).itertext("{http://www.w3.org/2000/svg}text"))


def test_the_drawing_names_every_element_and_folds_only_what_is_supported_and_alike():
    told = words(tree(branches(12, (5, 9))))
    for name in ("G1", "S1", "A1", "D5", "D9", *(f"G2.{k}" for k in range(12))):
        assert re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", told), name
    assert "8 more" in told
    assert {k for k in range(12) if f"Sn{k} · solution" in told} == {0, 1, 5, 9}
    assert "more" not in words(tree(branches(3)))


@pytest.mark.parametrize("defeated", [(), tuple(range(30))])
def test_sheets_hold_what_the_whole_drawing_holds_and_fit_on_paper(defeated):
    case = branches(30, defeated)
    pages = sheets(case, PROPORTION)
    whole = set(re.findall(r"\b(?:Sn|D)\d+\b", words(tree(case))))
    assert set(re.findall(r"\b(?:Sn|D)\d+\b", " ".join(map(words, pages)))) == whole
    assert (len(pages) > 4) == bool(defeated)
    for one in pages:
        _, _, width, height = map(float, etree.fromstring(one.encode()).get("viewBox").split())
        assert height < 1.1 * width


def test_a_forest_puts_every_interval_where_its_figures_are(facts):
    for width in (358.0, 960.0):
        [svg] = forest(facts, width)
        root = etree.fromstring(svg.encode())
        scale = {}
        for one in root.iter("{http://www.w3.org/2000/svg}text"):
            if match := re.fullmatch(r"([\d.]+) %", one.text):
                scale[float(match[1]) / 100] = one
        circles = [float(one.get("cx")) for one in root.iter("{http://www.w3.org/2000/svg}circle")]
        estimates = [one.estimate for one in facts.cells if one.estimate]
        assert len(circles) == len(estimates)
        assert sorted(range(len(circles)), key=circles.__getitem__) == sorted(range(len(estimates)), key=estimates.__getitem__)
        grid = sorted({float(one.get("x1")) for one in root.iter("{http://www.w3.org/2000/svg}line") if one.get("y1") == "0"})
        steps = [b - a for a, b in itertools.pairwise(grid)]
        assert max(steps) - min(steps) < 0.3, "a logarithmic axis"
        for at, estimate in zip(circles, estimates, strict=True):
            assert at == pytest.approx(grid[-1] + math.log10(estimate) * steps[0], abs=0.5)


@given(st.floats(1e-12, 1.0))
def test_shares_are_told_to_three_digits(value):
    told = share(value)
    if told.endswith(" %"):
        assert float(told[:-2]) / 100 == pytest.approx(value, rel=5.1e-3)
    else:
        digits, power = told.split(" · 10")
        assert float(digits) * 10.0 ** int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))) == pytest.approx(value, rel=0.051)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp")) | st.just(" "), max_size=200), st.floats(40, 300))
def test_lines_fit_and_lose_nothing(text, width):
    lines = wrapped(text, width, 11.0)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(width_of(line, 11.0) <= width for line in lines if len(line) > 1)
