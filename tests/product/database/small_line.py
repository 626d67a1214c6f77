"""A line of two models, small enough to be read: agreed, priced and published in a joint development."""

from __future__ import annotations

import json
from dataclasses import dataclass

from product_world import CARMAKER, PARTNER, Kind, Revision, World, price_list, tax_rules

from marque.product import documents, lines
from marque.product.documents import Line, Offer, Publication, Reach, Release, Software, SoftwareFeature

ROOT = """namespace line

imports
    technology.sensors as sensors
    market.china as china

features
    Car {abstract, label 'Car'}
        mandatory
            Model
                alternative
                    Corvus {label 'Corvus', label_zh '鸦座'}
                    Vela
            sensors.Sensors
            china.China
        optional
            Hook {until '2022-12-31'}
            Cover
            Pilot {ota true}
            Dialogue {ota true}

constraints
    Hook => !Cover
    Pilot => sensors.ThreeLidars
"""
SENSORS = """namespace sensors

features
    Sensors
        alternative
            OneLidar
            ThreeLidars
"""
CHINA = """namespace china

features
    China
"""
BILL = {"group": "body", "slots": [
    {"slot": "body.hook", "name": "Hook", "name_zh": "拖钩", "required": "Hook", "items": [
        {"item": "H-1", "name": "Hook", "name_zh": "拖钩", "side": "carmaker", "when": "Hook & Corvus"},
        {"item": "H-2", "name": "Hook", "name_zh": "拖钩", "side": "carmaker", "when": "Hook & Vela"},
    ]},
]}  # fmt: skip
REACH = (Reach(model="Corvus", market="china.China", cells=("motorway-day",)),)
SOFTWARE = Software(
    releases=(Release(id="2026.1"), Release(id="2026.2")),
    features={
        "Pilot": SoftwareFeature(
            offers=(Offer(how="subscribed", months=1, price="Pilot"), Offer(how="bought", price="Pilot")),
            release="2026.2", reach=REACH, needs="sensors.ThreeLidars", grace_days=7,
        ),
        "Dialogue": SoftwareFeature(offers=(Offer(how="optional"), Offer(how="bought")), release="2026.1", reach=REACH),
    },
)  # fmt: skip


def prices(version: str = "1", hook: str = "4000.00") -> str:
    base = [{"feature": "Corvus", "price": "200000.00"}, {"feature": "Vela", "price": "180000.00"}]
    features = [
        {"feature": "Hook", "price": hook},
        {"feature": "sensors.ThreeLidars", "price": "20000.00"},
        {"feature": "Pilot", "price": "9000.00"},
        {"feature": "Dialogue", "price": "900.00"},
    ]
    return price_list(version, base=base, features=features)


@dataclass
class Published:
    line: Revision
    prices: Revision
    taxes: Revision
    software: Revision
    publication: Revision


def parts(joint: World, bill: dict | None = None) -> Line:
    """Every part agreed, and the line that they make."""
    made = {
        "technology.sensors": joint.agreed(PARTNER, Kind.MODULE, SENSORS, "technology.sensors"),
        "market.china": joint.agreed(CARMAKER, Kind.RULES, CHINA, "market.china"),
        "line": joint.agreed(CARMAKER, Kind.VEHICLE, ROOT, "line"),
    }
    group = joint.agreed(CARMAKER, Kind.BILL, json.dumps(bill or BILL), "body")
    return Line(root="line", parts={part: one.digest for part, one in made.items()}, bill={"body": group.digest})


def published(joint: World, part: str = "cn") -> Published:
    line = joint.agreed(CARMAKER, Kind.LINE, documents.write(parts(joint)), "corvus")
    listed = joint.agreed(CARMAKER, Kind.PRICES, prices(), "cn")
    taxes = joint.agreed(CARMAKER, Kind.TAXES, tax_rules(), "cn")
    soft = joint.agreed(CARMAKER, Kind.SOFTWARE, documents.write(SOFTWARE), "corvus")
    shown = offer(line, listed, taxes, soft)
    with joint.acting(CARMAKER) as tx:
        publication = lines.publish(tx, CARMAKER, joint.programme, part, shown)
    assert publication.state == "taken", "the carmaker decides alone on sales"
    return Published(line, listed, taxes, soft, publication)


def offer(line: Revision, listed: Revision, taxes: Revision, soft: Revision) -> Publication:
    return Publication(line=line.digest, prices=listed.digest, taxes=taxes.digest, software=soft.digest, given=("china.China",))
