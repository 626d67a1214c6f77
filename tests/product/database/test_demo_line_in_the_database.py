"""The line that ships with Marque, as the two companies would put it in: every module a revision, composed, priced, published, quoted."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from product_world import CARMAKER, PARTNER, Kind, Where, noon, world

from marque.product import lines, storefront
from marque.product.configure import Answer
from marque.product.documents import Publication
from marque.product.prices import Purchase

LINE = Path(str(resources.files("marque.product") / "line"))
OWNERS = {"technology": (PARTNER, Kind.MODULE), "market": (CARMAKER, Kind.RULES), "vehicle": (CARMAKER, Kind.VEHICLE)}


@pytest.mark.slow
def test_the_line_that_ships_is_agreed_published_and_quoted(database, owner_dsn):
    joint = world(database, owner_dsn)
    joint.at(noon(2026, 4, 1))
    for folder, (side, kind) in OWNERS.items():
        for file in sorted((LINE / folder).glob("*.uvl")):
            joint.agreed(side, kind, file.read_text("utf-8"), f"{folder}.{file.stem}")
    joint.agreed(CARMAKER, Kind.VEHICLE, (LINE / "line.uvl").read_text("utf-8"), "line")
    for file in sorted((LINE / "parts").glob("*.json")):
        joint.agreed(CARMAKER, Kind.BILL, file.read_text("utf-8"), file.stem)
    listed = joint.agreed(CARMAKER, Kind.PRICES, (LINE / "prices" / "cn_2026_1.json").read_text("utf-8"), "cn")
    taxes = joint.agreed(CARMAKER, Kind.TAXES, (LINE / "prices" / "cn_tax_2026_1.json").read_text("utf-8"), "cn")
    with joint.acting(CARMAKER) as tx:
        line = lines.standing(tx, CARMAKER, joint.programme, "line", Where(tx.now.date(), "cn"))
        made = lines.compose(tx, CARMAKER, joint.programme, "corvus-vela", line)
    made = joint.assent(PARTNER, made)
    shown = Publication(line=made.digest, prices=listed.digest, taxes=taxes.digest, given=("china.China", "ModelYear2026"))
    with joint.acting(CARMAKER) as tx:
        lines.publish(tx, CARMAKER, joint.programme, "cn", shown)
        front = storefront.front(tx, CARMAKER, joint.programme, "cn", Where(tx.now.date(), "cn"))
        configurator = storefront.product(tx, front, storefront.Products(None))
        answer = storefront.configured(configurator, front, tx.now.date(), [("Corvus", True), ("Ultra", True)])
        assert isinstance(answer, Answer)
        assert {"germany.Germany", "Vela", "ModelYear2027"} <= set(answer.forbidden)
        purchase = Purchase(on=tx.now.date(), registered=tx.now.date())
        quote = storefront.issue(tx, front, configurator, answer, purchase)
        assert quote.breakdown.payable.minor > 20_000_000
    with joint.acting(CARMAKER) as tx:
        assert storefront.quote(tx, CARMAKER, joint.programme, quote.digest).text == quote.text
