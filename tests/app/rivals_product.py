"""The product's side of two rivals: lines, catalogue, archive, cars, full of words that the other must never read; and fitting requests."""

from __future__ import annotations

import json
from uuid import UUID

from small_alliance import noon

from marque.alliance import decisions
from marque.common import ok
from marque.foundation import Actor, Database
from marque.product import documents, entitlements, lines, revisions, supply, uvl
from marque.product import prices as prices_of
from marque.product.archive import SalesArchive
from marque.product.documents import Line, Offer, Publication, Reach, Release, Software, SoftwareFeature
from marque.product.prices import Purchase, Sources
from marque.product.rules import Draft, Kind
from marque.product.supply import Module, ModuleKind

MODEL = """namespace car

features
    Car {label 'Car WORD'}
        mandatory
            Model {abstract}
                alternative
                    Corvus {label 'Corvus WORD'}
            Market {abstract}
                alternative
                    China {label 'China', code 'cn'}
        optional
            "Extra WORD" {ota true}
"""
PRICES = {
    "kind": "marque price list 1", "market": "cn", "line": "Car", "version": "1", "currency": "CNY", "from": "2020-01-01", "until": None,
    "basis": "gross", "quote_days": 7, "base": [{"feature": "Corvus", "price": "200000.00"}], "features": [], "packages": [],
}  # fmt: skip
TAXES = {
    "kind": "marque tax rules 1", "market": "cn", "version": "1", "currency": "CNY", "from": "2020-01-01", "until": None,
    "rounding": {"vat": "total", "mode": "half_up"}, "levies": [],
    "vat": [{"percent": "13", "source": {"title": "A law", "date": "2020-01-01"}}],
}  # fmt: skip
PLAIN = "features\n    Sensing\n"


def furnish(database: Database, side, people: dict[str, UUID], word: str, partner: str) -> None:
    """A published line, a quote of its one car, that car with software bought for it, and a module of the partner's that waits for this
    side; in either programme. A catalogue of its own besides.
    """
    mine, theirs = Actor(side.code, side.person, "test"), Actor(partner, people[partner], "test")
    module = Module(name=f"own-{word}", version=f"1-{word}", kind=ModuleKind.OTHER, title=f"Module {word}", text=f"{PLAIN}// {word}\n")
    with database.transaction(mine) as tx:
        supply.publish(tx, module)
    for name in ("dark programme", "programme"):
        programme = side.ids[name]

        def assented(made):
            with database.transaction(theirs) as tx:
                decisions.approve(tx, made.decision, f"Because {word}")
            return made

        def agreed(kind, part, text, programme=programme):
            with database.transaction(mine) as tx:
                made = revisions.propose(tx, side.code, programme, Draft(kind=kind, part=part, text=text, note=f"Note {word}"))
            return assented(made)

        vehicle = agreed(Kind.VEHICLE, f"car-{word}", MODEL.replace("WORD", word))
        prices, taxes = json.dumps(PRICES | {"note": word}), json.dumps(TAXES | {"note": word})
        listed, taxed = agreed(Kind.PRICES, f"prices-{word}", prices), agreed(Kind.TAXES, f"taxes-{word}", taxes)
        line = agreed(Kind.LINE, f"line-{word}", documents.write(Line(root=vehicle.part, parts={vehicle.part: vehicle.digest})))
        soft = agreed(Kind.SOFTWARE, f"software-{word}", documents.write(_software(word)))
        shown = Publication(line=line.digest, prices=listed.digest, taxes=taxed.digest, software=soft.digest, given=("China",))
        with database.transaction(mine) as tx:
            shop = lines.publish(tx, side.code, programme, f"shop-{word}", shown)
        assented(shop)
        with database.transaction(mine) as tx:
            supply.offer(tx, side.code, programme, module.name, module.version)
        with database.transaction(theirs) as tx:
            draft = Draft(kind=Kind.MODULE, part=f"sensing-{word}", text=PLAIN, note=f"Note {word}")
            waits = revisions.propose(tx, side.code, programme, draft)
        car = f"{name.split()[0]}-{word}"
        with database.transaction(mine) as tx:
            model = uvl.parse(MODEL.replace("WORD", word))
            kept = SalesArchive(tx, revisions.area_of(side.code, programme, Kind.PRICES))
            sources = Sources(uvl.write(model).encode(), prices.encode(), taxes.encode())
            bought = Purchase(on=tx.now.date(), registered=tx.now.date())
            quote = ok(prices_of.quote(model, sources, [], set(model.features), bought, kept))
            entitlements.deliver(tx, side.code, programme, car, owner=f"Owner {word}", quote=quote.digest, release="1")
            entitlements.buy(tx, side.code, programme, car, soft.part, f"Extra {word}", "bought")
        if name == "programme":
            side.ids |= {"line": line.id, "revision": waits.id}
            side.words |= {
                "quote": quote.digest,
                "car": car,
                "shop": f"shop-{word}",
                "module": module.name,
                "module version": module.version,
            }
            side.words |= {"part": vehicle.part, "software": soft.part}


def _software(word: str) -> Software:
    feature = SoftwareFeature(
        offers=(Offer(how="bought", price=f"price of {word}"),), release="1", reach=(Reach(model="Corvus", market="China", cells=(word,)),)
    )
    return Software(releases=(Release(id="1"),), features={f"Extra {word}": feature})


def place(asker, label: str, name: str, side) -> str | None:
    """What fits into a place of an address of the product's API; None: nothing special does."""
    known = {"digest": "quote", "car": "car", "name": "shop"}
    if label.startswith("POST") and label.endswith("/cars/{car}") and asker.chance.random() < 0.5:
        return f"new-{side.words['car'][-8:]}"
    if name == "kind":
        return asker.chance.choice(["rules", "software", "vehicle", "module"])
    return side.words[known[name]] if name in known else None


def query(asker, value: dict, label: str, side) -> dict:
    """Parts, and no day or market at which nothing would hold."""
    if "part" not in value:
        return value
    chosen = side.words["software" if label.endswith("/software") else asker.chance.choice(["part", "software"])]
    return {name: one for name, one in value.items() if name in {"on", "part"}} | {"part": chosen, "on": noon(2022, 3, 1).date()}


def body(asker, label: str) -> dict | None:
    """A whole body that is a good one for its operation; None where the generated one will do."""
    me = asker.me.words
    part = f"part{asker.chance.randrange(1000)}"
    return {
        "/product/{kind}/revisions": {"part": part, "text": PLAIN, "note": "spoken"},
        "/modules": {"name": part, "version": "1", "kind": "other", "title": "Spoken", "text": PLAIN},
        "{programme}/modules": {"name": me["module"], "version": me["module version"]},
        "/configure": {"decisions": [{"feature": "Corvus"}]},
        "/quotes": {"decisions": [{"feature": "Corvus"}]},
        "/cars/{car}": {"owner": "spoken", "quote": me["quote"], "release": "1"},
        "/cars/{car}/events": {"what": "updated", "release": "1"},
    }.get(next((end for end in _ENDS if label.endswith(end)), ""))


_ENDS = (
    "/product/{kind}/revisions", "{programme}/modules", "/modules", "/configure", "/quotes", "/cars/{car}", "/cars/{car}/events",
)  # fmt: skip
