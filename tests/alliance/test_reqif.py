"""Requirements that travel as files: nothing is lost on the way, and nobody's words are overwritten by what comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from joint_development import CLOSED, RD, SUPPLIED, colleague, join
from lxml import etree
from reqif.parser import ReqIFParser
from reqif.unparser import ReqIFUnparser
from small_alliance import noon
from travelling import NAME, baseline, changed, everything, exported, taken_in

from marque.alliance import reqif, requirements, rich_text
from marque.alliance.reqif_exchange import REQIF, Choice, Datatype, Definition, Node, Object, Value, write
from marque.alliance.reqif_read import read
from marque.alliance.requirements import Said
from marque.common import Denied, InputError, Missing
from marque.foundation import Actor


@pytest.fixture
def joint(database, owner_dsn):
    return join(database, owner_dsn)


def by_another_tool(data: bytes) -> bytes:
    """Read and written by the strictdoc project's library, which writes everything in its own way."""
    return ReqIFUnparser.unparse(ReqIFParser.parse_from_string(data.decode())).encode()


# There and back


@pytest.mark.parametrize("tool", [lambda data: data, by_another_tool], ids=["as written", "through another tool"])
@pytest.mark.parametrize("organisation", ["gac", "huawei"])
@pytest.mark.parametrize("which", [{}, {"process": RD}], ids=["programme", "process"])
def test_a_file_that_comes_back_as_it_went_changes_nothing(joint, owner_dsn, organisation, tool, which):
    baseline(joint)
    before = everything(owner_dsn)[:3]
    data = exported(joint, organisation, **which)
    if tool is by_another_tool:  # the library writes names of relations and objects without escaping them
        data = data.replace(b"&lt;", b"").replace(b"&amp;", b"").replace(b"&quot;", b"").replace(b"]]&gt;", b"").replace(b"&gt;", b"")
        sent = read(data, "x")
        assert read(tool(data), "x") == sent
        data = exported(joint, organisation, **which)
    report = taken_in(joint, organisation, data)
    assert (report.created, report.updated, report.related, report.proposals, report.conflicts) == ((), (), 0, (), ())
    assert report.unchanged == 4
    assert everything(owner_dsn)[:3] == before


def test_what_the_own_side_says_in_the_file_is_taken_in_and_the_others_is_a_proposal(joint):
    _, one, _, _ = baseline(joint)
    data = exported(joint, "huawei")
    data = changed(data, f"_{one.id}", "_marque-huawei-text", "470 km")
    data = changed(data, f"_{one.id}", "_marque-huawei-status", "_marque-status-accepted")
    data = changed(data, f"_{one.id}", "_marque-gac-text", "460 km")
    looked = taken_in(joint, "huawei", data, only_look=True)
    report = taken_in(joint, "huawei", data)
    assert looked == report
    assert (report.updated, report.created, report.conflicts) == ((one.id,), (), ())
    (proposal,) = report.proposals
    assert (proposal.requirement, proposal.side, proposal.field, proposal.file) == (one.id, "gac", "text", "460 km")
    with joint.acting("huawei") as tx:
        now = requirements.one(tx, one.id)
    assert now.of("gac") == one.of("gac"), "not one field of the other side"
    huawei = now.of("huawei")
    assert (huawei.version, huawei.text, huawei.status, huawei.number) == (2, "<div>470 km</div>", "accepted", "HW-1")


def test_a_change_made_on_an_old_version_is_a_conflict_and_what_did_not_change_in_the_file_is_none(joint):
    _, one, two, _ = baseline(joint)
    data = exported(joint, "gac")
    with joint.acting("gac") as tx:
        requirements.edit(tx, one.id, replace(one.of("gac").said, title="New title"), 1)
        requirements.edit(tx, two.id, replace(two.of("gac").said, title="New table"), 1)
    with joint.acting("huawei") as tx:
        requirements.edit(tx, one.id, Said(title="Ours", text="480 km"), 1)
    data = changed(data, f"_{one.id}", "_marque-gac-title", "Title of the file")
    report = taken_in(joint, "gac", data)
    assert (report.updated, report.created, report.proposals) == ((), (), ()), "what another side has written since is no proposal"
    (conflict,) = report.conflicts
    assert (conflict.requirement, conflict.field, conflict.here, conflict.file) == (one.id, "title", "New title", "Title of the file")
    with joint.acting("gac") as tx:
        assert requirements.one(tx, one.id).of("gac").title == "New title"
        assert requirements.one(tx, two.id).of("gac").title == "New table"


def test_a_partner_without_a_side_writes_its_first_in_another_tool(joint):
    top, _, _, _ = baseline(joint)
    data = changed(exported(joint, "huawei"), f"_{top.id}", "_marque-huawei-text", "Our words")
    assert taken_in(joint, "huawei", data).updated == (top.id,)
    with joint.acting("gac") as tx:
        seen = requirements.one(tx, top.id)
    assert [(side.side, rich_text.plain(side.text)) for side in seen.sides] == [("gac", ""), ("huawei", "Our words")]
    assert taken_in(joint, "huawei", exported(joint, "huawei")).updated == ()


def test_places_move_in_the_own_specification_alone(joint):
    top, one, two, _ = baseline(joint)
    root = etree.fromstring(exported(joint, "gac"))
    nodes = {node.find("r:OBJECT/r:SPEC-OBJECT-REF", NAME).text: node for node in root.iter(f"{{{REQIF}}}SPEC-HIERARCHY")}
    first, second = nodes[f"_{one.id}"], nodes[f"_{two.id}"]
    first.getparent().append(first)
    report = taken_in(joint, "gac", etree.tostring(root))
    assert set(report.updated) == {one.id}, "the first has come to stand behind the second, which stays"
    again = {node.object: [child.object for child in node.children] for node in read(exported(joint, "gac"), "x").tree}
    assert again[f"_{top.id}"] == [f"_{two.id}", f"_{one.id}"]
    etree.SubElement(first, f"{{{REQIF}}}CHILDREN").append(second)
    assert two.id in taken_in(joint, "gac", etree.tostring(root)).updated
    with joint.acting("gac") as tx:
        assert requirements.one(tx, two.id).of("gac").parent == one.id
        assert requirements.one(tx, two.id).of("huawei").version == 1


# Attributes that mean nothing here


def with_foreign_attributes(data: bytes, identifier: str) -> bytes:
    said = read(data, "x")
    choice = Datatype("doors-e", "ASIL", "ENUMERATION", (), (Choice("doors-a", "A", "0"), Choice("doors-b", 'B "&<', "1")))
    given = (
        Value(Definition("doors-1", 'Com"ment', Datatype("doors-s", "S", "STRING", (("MAX-LENGTH", "99"),))), 'a\nb "c" <d>'),
        Value(Definition("doors-2", "ASIL", choice, True), ("doors-b", "doors-a")),
        Value(Definition("doors-3", "Count", Datatype("doors-i", "I", "INTEGER", (("MIN", "-5"), ("MAX", "5")))), "-3"),
        Value(
            Definition("doors-4", "Weight", Datatype("doors-r", "R", "REAL", (("ACCURACY", "3"), ("MIN", "0.0"), ("MAX", "9.0")))), "1.25"
        ),
        Value(Definition("doors-5", "Safety", Datatype("doors-b0", "B", "BOOLEAN")), "true"),
        Value(Definition("doors-6", "Due", Datatype("doors-d", "D", "DATE")), "2025-06-01T00:00:00Z"),
        Value(Definition("doors-7", "Note", Datatype("doors-x", "X", "XHTML")), "<div>Rich <em>note</em></div>"),
    )
    objects = tuple(replace(one, values=(*one.values, *given)) if one.identifier == identifier else one for one in said.objects)
    return write(replace(said, objects=objects))


def test_unknown_attributes_are_kept_and_go_out_again_as_they_came(joint):
    _, one, _, _ = baseline(joint)
    sent = with_foreign_attributes(exported(joint, "gac"), f"_{one.id}")
    assert taken_in(joint, "gac", sent).updated == (one.id,)
    again = exported(joint, "gac")

    def foreign(data):
        return {
            value.definition.name: (value.definition, value.content)
            for given in read(data, "x").objects for value in given.values if value.definition.identifier.startswith("doors-")
        }  # fmt: skip

    assert len(foreign(sent)) == 7
    assert foreign(again) == foreign(sent)
    assert taken_in(joint, "gac", again).updated == ()
    other = taken_in(joint, "huawei", exported(joint, "huawei"))
    assert (other.updated, other.proposals) == ((), ()), "what one side keeps is not the other's to keep"
    with joint.acting("gac") as tx:
        side = requirements.one(tx, one.id).of("gac")
    assert (side.title, side.number) == (one.of("gac").title, "GAC-1")


FOREIGN = """<?xml version="1.0" encoding="{encoding}"?>
<!-- as a requirements tool of a supplier writes it -->
<q:REQ-IF xmlns:q="http://www.omg.org/spec/ReqIF/20110401/reqif.xsd" xmlns:h="http://www.w3.org/1999/xhtml">
 <q:THE-HEADER><q:REQ-IF-HEADER IDENTIFIER="h1"><q:TITLE>Radar</q:TITLE></q:REQ-IF-HEADER></q:THE-HEADER>
 <q:CORE-CONTENT><q:REQ-IF-CONTENT>
  <q:DATATYPES>
   <q:DATATYPE-DEFINITION-STRING IDENTIFIER="t1" LONG-NAME="S" MAX-LENGTH="32000"/>
   <q:DATATYPE-DEFINITION-XHTML IDENTIFIER="t2" LONG-NAME="X"/>
  </q:DATATYPES>
  <q:SPEC-TYPES>
   <q:SPEC-OBJECT-TYPE IDENTIFIER="ty" LONG-NAME="Req"><q:SPEC-ATTRIBUTES>
    <q:ATTRIBUTE-DEFINITION-STRING IDENTIFIER="a1" LONG-NAME="ReqIF.ForeignID" IS-EDITABLE="false">
     <q:TYPE><q:DATATYPE-DEFINITION-STRING-REF>t1</q:DATATYPE-DEFINITION-STRING-REF></q:TYPE><q:DEFAULT-VALUE/>
    </q:ATTRIBUTE-DEFINITION-STRING>
    <q:ATTRIBUTE-DEFINITION-XHTML IDENTIFIER="a2" LONG-NAME="ReqIF.Text">
     <q:TYPE><q:DATATYPE-DEFINITION-XHTML-REF>t2</q:DATATYPE-DEFINITION-XHTML-REF></q:TYPE></q:ATTRIBUTE-DEFINITION-XHTML>
    <q:ATTRIBUTE-DEFINITION-XHTML IDENTIFIER="a3" LONG-NAME="ReqIF.ChapterName">
     <q:TYPE><q:DATATYPE-DEFINITION-XHTML-REF>t2</q:DATATYPE-DEFINITION-XHTML-REF></q:TYPE></q:ATTRIBUTE-DEFINITION-XHTML>
    <q:ATTRIBUTE-DEFINITION-STRING IDENTIFIER="a4" LONG-NAME="Supplier comment">
     <q:TYPE><q:DATATYPE-DEFINITION-STRING-REF>t1</q:DATATYPE-DEFINITION-STRING-REF></q:TYPE></q:ATTRIBUTE-DEFINITION-STRING>
   </q:SPEC-ATTRIBUTES></q:SPEC-OBJECT-TYPE>
   <q:SPEC-RELATION-TYPE IDENTIFIER="rt" LONG-NAME="satisfies"/>
   <q:SPECIFICATION-TYPE IDENTIFIER="st" LAST-CHANGE="2025-01-01T00:00:00Z"/>
  </q:SPEC-TYPES>
  <q:SPEC-OBJECTS>
   <q:SPEC-OBJECT IDENTIFIER="so-1"><q:TYPE><q:SPEC-OBJECT-TYPE-REF>ty</q:SPEC-OBJECT-TYPE-REF></q:TYPE><q:VALUES>
    <q:ATTRIBUTE-VALUE-XHTML><q:DEFINITION><q:ATTRIBUTE-DEFINITION-XHTML-REF>a3</q:ATTRIBUTE-DEFINITION-XHTML-REF></q:DEFINITION>
     <q:THE-VALUE><h:div>Radär</h:div></q:THE-VALUE></q:ATTRIBUTE-VALUE-XHTML></q:VALUES></q:SPEC-OBJECT>
   <q:SPEC-OBJECT IDENTIFIER="so-2" LONG-NAME="Range of the radar"><q:VALUES>
    <q:ATTRIBUTE-VALUE-STRING THE-VALUE="RAD-7"><q:DEFINITION>
     <q:ATTRIBUTE-DEFINITION-STRING-REF>a1</q:ATTRIBUTE-DEFINITION-STRING-REF></q:DEFINITION></q:ATTRIBUTE-VALUE-STRING>
    <q:ATTRIBUTE-VALUE-STRING THE-VALUE="ok for us"><q:DEFINITION>
     <q:ATTRIBUTE-DEFINITION-STRING-REF>a4</q:ATTRIBUTE-DEFINITION-STRING-REF></q:DEFINITION></q:ATTRIBUTE-VALUE-STRING>
    <q:ATTRIBUTE-VALUE-XHTML><q:DEFINITION><q:ATTRIBUTE-DEFINITION-XHTML-REF>a2</q:ATTRIBUTE-DEFINITION-XHTML-REF></q:DEFINITION>
     <q:THE-VALUE><h:div><h:p onclick="alert(1)">At least <h:b>300 m</h:b></h:p><h:script>alert(2)</h:script>
      <h:object data="files/curve.png" type="image/png">a curve</h:object></h:div></q:THE-VALUE></q:ATTRIBUTE-VALUE-XHTML>
    </q:VALUES><q:TYPE><q:SPEC-OBJECT-TYPE-REF>ty</q:SPEC-OBJECT-TYPE-REF></q:TYPE></q:SPEC-OBJECT>
  </q:SPEC-OBJECTS>
  <q:SPEC-RELATIONS><q:SPEC-RELATION IDENTIFIER="re"><q:TYPE><q:SPEC-RELATION-TYPE-REF>rt</q:SPEC-RELATION-TYPE-REF></q:TYPE>
   <q:SOURCE><q:SPEC-OBJECT-REF>so-2</q:SPEC-OBJECT-REF></q:SOURCE><q:TARGET><q:SPEC-OBJECT-REF>so-1</q:SPEC-OBJECT-REF></q:TARGET>
  </q:SPEC-RELATION></q:SPEC-RELATIONS>
  <q:SPECIFICATIONS><q:SPECIFICATION IDENTIFIER="sp"><q:TYPE><q:SPECIFICATION-TYPE-REF>st</q:SPECIFICATION-TYPE-REF></q:TYPE><q:CHILDREN>
   <q:SPEC-HIERARCHY IDENTIFIER="n1"><q:OBJECT><q:SPEC-OBJECT-REF>so-1</q:SPEC-OBJECT-REF></q:OBJECT><q:CHILDREN>
    <q:SPEC-HIERARCHY IDENTIFIER="n2"><q:OBJECT><q:SPEC-OBJECT-REF>so-2</q:SPEC-OBJECT-REF></q:OBJECT></q:SPEC-HIERARCHY>
   </q:CHILDREN></q:SPEC-HIERARCHY></q:CHILDREN></q:SPECIFICATION></q:SPECIFICATIONS>
 </q:REQ-IF-CONTENT></q:CORE-CONTENT><q:TOOL-EXTENSIONS><x:any xmlns:x="urn:x"/></q:TOOL-EXTENSIONS>
</q:REQ-IF>
"""


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "ISO-8859-1"])
def test_another_tools_file_becomes_requirements_and_goes_back_under_its_own_names(joint, encoding):
    data = FOREIGN.format(encoding=encoding).encode(encoding)
    report = taken_in(joint, "huawei", data)
    chapter, radar = report.created
    with joint.acting("huawei") as tx:
        side = requirements.one(tx, radar).of("huawei")
        assert requirements.one(tx, chapter).of("huawei").title == "Radär"
        assert [(one.source, one.target, one.kind) for one in requirements.relations(tx, "gac", joint.programme)] == [
            (radar, chapter, "satisfies")
        ]
    assert (side.number, side.title, side.parent) == ("RAD-7", "Range of the radar", chapter)
    assert "<b>300 m</b>" in side.text
    assert "[curve.png]" in side.text
    assert "alert" not in side.text
    again = taken_in(joint, "huawei", data)
    assert (again.created, again.updated, again.related) == ((), (), 0)
    back = read(exported(joint, "huawei"), "x")
    assert [one.identifier for one in back.objects] == ["so-1", "so-2"]
    values = {value.definition.name: (value.definition.identifier, value.content) for value in back.objects[1].values}
    assert values["ReqIF.Text"] == ("a2", side.text)
    assert values["ReqIF.ForeignID"] == ("a1", "RAD-7")
    assert values["Supplier comment"] == ("a4", "ok for us")
    edited = changed(exported(joint, "huawei"), "so-2", "a2", "At least 310 m")
    assert taken_in(joint, "huawei", edited).updated == (radar,)
    with joint.acting("huawei") as tx:
        assert rich_text.plain(requirements.one(tx, radar).of("huawei").text) == "At least 310 m"


def test_across_a_wall_a_file_carries_both_sides_there_and_back(joint):
    joint.agree(date(2022, 3, 10), {RD: SUPPLIED}, {RD: CLOSED})
    joint.database.clock.set(noon(2022, 3, 10))
    with joint.acting("gac") as tx:
        made = requirements.found(tx, joint.area(), Said(title="Range", text="At least 500 km", number="GAC-1"))
    sent = exported(joint, "gac")
    (copy,) = taken_in(joint, "huawei", sent).created
    with joint.acting("huawei") as tx:
        side = requirements.one(tx, copy).of("huawei")
        requirements.edit(tx, copy, replace(side.said, text="450 km, if it is cold", status="rejected"), 1)
        with pytest.raises(Missing):
            requirements.one(tx, made.id)
    answer = exported(joint, "huawei")
    assert taken_in(joint, "huawei", sent).updated == ()
    report = taken_in(joint, "gac", answer)
    assert (report.created, report.conflicts) == ((), ())
    assert {(one.side, one.field, one.file) for one in report.proposals} >= {
        ("huawei", "text", "450 km, if it is cold"), ("huawei", "status", "rejected"),
    }  # fmt: skip
    with joint.acting("gac") as tx:
        assert requirements.one(tx, made.id).of("gac").said == replace(
            made.of("gac").said, attributes=requirements.one(tx, made.id).of("gac").attributes
        )


def test_all_of_a_file_is_taken_in_or_nothing(joint, owner_dsn):
    """The last object says a place that the rules refuse, after others were written."""
    top, one, two, _ = baseline(joint)
    with joint.acting("gac") as tx:
        hidden = requirements.found(tx, joint.area(), Said(title="Not in the file", parent=two.id))
    said = read(exported(joint, "gac"), "x")
    objects = tuple(given for given in said.objects if given.identifier != f"_{hidden.id}")
    new = Object("new-1", "New", said.created, ())
    with joint.acting("gac") as tx:
        requirements.edit(tx, one.id, replace(one.of("gac").said, parent=hidden.id), 1)
    before = everything(owner_dsn)
    tree = (Node("_a", f"_{one.id}", (Node("_b", f"_{two.id}"), Node("_c", "new-1"))), Node("_d", f"_{top.id}"))
    sent = write(replace(said, objects=(*objects, new), tree=tree, links=()))
    with pytest.raises(InputError, match="below itself"):
        taken_in(joint, "gac", sent)
    assert everything(owner_dsn) == before


def test_who_may_not_see_or_write_gets_no_file_and_takes_none_in(joint):
    baseline(joint)
    data = exported(joint, "gac")
    with joint.acting("seres") as tx, pytest.raises(Missing):
        reqif.export(tx, "gac", joint.programme)
    with pytest.raises(Missing):
        taken_in(joint, "seres", data)
    viewer = colleague(joint, "gac", "viewer")
    one = read(data, "x").objects[0].identifier
    sent = changed(data, one, "_marque-gac-title", "By a viewer")
    with joint.database.transaction(Actor("gac", viewer)) as tx, pytest.raises(Denied):
        reqif.take_in(tx, joint.area(), sent, "x.reqif")


# On the command line


def test_the_command_writes_a_file_takes_it_in_and_tells_what_it_found(joint, tmp_path, capsys):
    from marque.app import reqif as command

    _, one, _, _ = baseline(joint)
    gac, out = Actor("gac", joint.people["gac"], "test"), tmp_path / "ah8.reqif"
    command.export(joint.database, gac, "AH8", out)
    assert "4 requirements" in capsys.readouterr().out
    with pytest.raises(InputError, match="already there"):
        command.export(joint.database, gac, "gac/AH8", out)
    data = changed(out.read_bytes(), f"_{one.id}", "_marque-huawei-text", "460 km")
    out.write_bytes(changed(data, f"_{one.id}", "_marque-gac-number", "GAC-2"))
    assert len(command.take_in(joint.database, gac, "AH8", RD, out, only_look=True).updated) == 1
    assert len(command.take_in(joint.database, gac, "AH8", RD, out).updated) == 1
    told = capsys.readouterr().out
    assert "0 created, 1 updated, 3 as they were" in told
    assert "460 km" in told
    assert "450 km" in told
    for programme, process, file in (("XX", RD, out), ("AH8", "magic", out), ("AH8", RD, tmp_path / "none.reqif")):
        with pytest.raises(InputError):
            command.take_in(joint.database, gac, programme, process, file)
