"""Requirements on their way between partners: exported, changed as in another tool, taken in."""

from __future__ import annotations

from dataclasses import replace

import psycopg
from lxml import etree
from psycopg.conninfo import make_conninfo

from marque.alliance import reqif, requirements, rich_text
from marque.alliance.reqif_exchange import REQIF
from marque.alliance.requirements import Said

NAME = {"r": REQIF}


def exported(joint, organisation, **which) -> bytes:
    with joint.acting(organisation) as tx:
        return reqif.export(tx, "gac", joint.programme, **which)


def taken_in(joint, organisation, data, **how):
    with joint.acting(organisation) as tx:
        return reqif.take_in(tx, joint.area(), data, "partner.reqif", **how)


def everything(owner_dsn):
    with psycopg.connect(make_conninfo(owner_dsn, user="postgres")) as superuser:
        tables = ("requirement", "requirement_comment", "requirement_relation", "audit_entry")
        return [sorted(row[0] for row in superuser.execute(f"select to_jsonb(t)::text from alliance.{name} t")) for name in tables]


def changed(data: bytes, identifier: str, attribute: str, text: str) -> bytes:
    """As if somebody had written a value in another tool."""
    root = etree.fromstring(data)
    (owner,) = root.xpath("//r:SPEC-OBJECT[@IDENTIFIER=$i]", i=identifier, namespaces=NAME)
    (value,) = owner.xpath("r:VALUES/*[r:DEFINITION/*=$a]", a=attribute, namespaces=NAME)
    if value.tag.endswith("XHTML"):
        the_value = value.find("r:THE-VALUE", NAME)
        the_value[:] = []
        rich_text.put(rich_text.of(text), the_value)
    elif value.tag.endswith("ENUMERATION"):
        value.find("r:VALUES/r:ENUM-VALUE-REF", NAME).text = text
    else:
        value.set("THE-VALUE", text)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


ODD = '"quoted" & <b>not bold</b> \' \\ 自动驾驶 é ]]> %00'


RATIONALE = "<div>Since <strong>R157</strong> <a href='https://unece.org/?a=1&amp;b=2'>says</a> so</div>"
TABLE = "<div><table><tr><td>a</td><td colspan='2'>b</td></tr></table><ul><li>x</li><li>y</li></ul></div>"


def baseline(joint):
    """Requirements with odd words, a hierarchy, a relation, one-sided and two-sided."""
    with joint.acting("gac") as tx:
        top = requirements.found(tx, joint.area(), Said(title="Chapter " + ODD, position=3))
        said = Said(title=ODD, text=f"{ODD}\nsecond line", number="GAC-1", parent=top.id, status="proposed")
        one = requirements.found(tx, joint.area(), replace(said, rationale=RATIONALE, verification="Track\ttest"))
        two = requirements.found(tx, joint.area(), Said(title="Table", parent=top.id, text=TABLE))
        requirements.relate(tx, two.id, one.id, "refines " + ODD)
    with joint.acting("huawei") as tx:
        requirements.edit(tx, one.id, Said(title="Ours", text="450 km", number="HW-1", status="rejected"), 0)
        own = requirements.found(tx, joint.area(), Said(title="Lidar", text="192 lines"))
        requirements.accept(tx, two.id, "gac", 1)
    return top, one, two, own
