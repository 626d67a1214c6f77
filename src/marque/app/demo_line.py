"""The demonstration's model line as two invented companies put it in: its texts as revisions, composed, priced, published in three markets.

Taken up where it was interrupted: what is there already stays.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, replace
from datetime import date
from importlib import resources
from pathlib import Path
from uuid import UUID

import psycopg

from marque.alliance import decisions, history, installation, modes, reported
from marque.app.demo import PEOPLE
from marque.app.platform import Platform
from marque.common import MarqueError
from marque.foundation import Actor
from marque.product import documents, lines, revisions
from marque.product.documents import Offer, Publication, Reach, Release, Software, SoftwareFeature
from marque.product.rules import Draft, Effectivity, Kind, Revision, Where

_LINE = Path(str(resources.files("marque.product") / "line"))
_CARMAKER, _PARTNER, _NAME = "linjiang", "zhibei", "corvus-vela"
_MODELS, _PRODUCT_PERSON = ("Corvus", "Vela"), 1
_SOLD = {
    "standard": (Offer(how="included"),),
    "option": (Offer(how="optional"), Offer(how="bought")),
    "subscription": (Offer(how="subscribed", months=1),),
}


def furnish(platform: Platform) -> None:
    """Into an installation that holds the public history and nothing of anybody's own. Whatever goes wrong is left for the next start."""
    with contextlib.suppress(MarqueError, psycopg.Error):
        people = _companies(platform)
        if people:
            _put(_Companies(platform, people, _programme(platform, people)))


def _companies(platform: Platform) -> dict[str, UUID]:
    """The product people of the two companies; none where the installation is somebody's own."""
    known = history.load(_LINE / "companies", modes.packaged())
    ours = set(known.organisations)
    with psycopg.connect(platform.addresses.owner) as owner:
        there = {code for (code,) in owner.execute("select organisation from alliance.organisation")}
        if there - ours - set(history.public().organisations):
            return {}
        signing: dict[str, UUID] = {}
        product: dict[str, UUID] = {}
        for one in known.organisations.values():
            installation.found(owner, one.code, one.name, one.kind, name_zh=one.name_zh)
            for place, (name, post, duties) in enumerate(PEOPLE):
                person = installation.appoint(owner, one.code, name, f"{post}@{one.code}.example", duties, platform.clock.now())
                (product if place == _PRODUCT_PERSON else signing)[one.code] = person
        for brand in known.brands.values():
            owners = [(one.organisation, one.since, "invented") for one in brand.owners]
            installation.keep_brand(owner, brand, owners, ours, platform.clock.now())
    for told in known.agreements:
        reported.take_in(str(platform.addresses.app), told, signing)
    return product


def _programme(platform: Platform, people: dict[str, UUID]) -> UUID:
    with platform.database.transaction(Actor(_CARMAKER, people[_CARMAKER])) as tx:
        found: UUID = tx.value("select id from alliance.programme where organisation = %s and code = 'CV'", (_CARMAKER,))
    return found


@dataclass(frozen=True)
class _Companies:
    platform: Platform
    people: dict[str, UUID]
    programme: UUID

    def agreed(self, by: str, draft: Draft) -> Revision:
        """Proposed, unless it was, and assented to by whoever is still waited for."""
        with self.platform.database.transaction(Actor(by, self.people[by], "demonstration")) as tx:
            known = revisions.of_part(tx, _CARMAKER, self.programme, draft.kind, draft.part)
            made = next((one for one in known if one.digest == documents.digest(draft.text)), None)
            if made is None:
                base = known[0].digest if known else ""
                made = revisions.propose(tx, _CARMAKER, self.programme, replace(draft, base=base))
            assert made.decision is not None
            waiting = decisions.one(tx, made.decision).waited_for()
        for one in waiting:
            with self.platform.database.transaction(Actor(one, self.people[one], "demonstration")) as tx:
                decisions.approve(tx, made.decision)
                made = revisions.one(tx, made.id)
        return made


def _put(companies: _Companies) -> None:
    def of(kind: Kind, file: Path, part: str, by: str = _CARMAKER) -> Revision:
        return companies.agreed(by, Draft(kind=kind, part=part, text=file.read_text("utf-8")))

    for folder, kind, by in (
        ("vehicle", Kind.VEHICLE, _CARMAKER),
        ("technology", Kind.MODULE, _PARTNER),
        ("market", Kind.RULES, _CARMAKER),
    ):
        for file in sorted((_LINE / folder).glob("*.uvl")):
            of(kind, file, f"{folder}.{file.stem}", by)
    of(Kind.VEHICLE, _LINE / "line.uvl", "line")
    for file in sorted((_LINE / "parts").glob("*.json")):
        of(Kind.BILL, file, file.stem)
    soft = companies.agreed(_PARTNER, Draft(kind=Kind.SOFTWARE, part=_NAME, text=documents.write(_software())))
    today = companies.platform.clock.now().date()
    with companies.platform.database.transaction(Actor(_CARMAKER, companies.people[_CARMAKER])) as tx:
        composed = documents.write(lines.standing(tx, _CARMAKER, companies.programme, "line", Where(today)))
    line = companies.agreed(_CARMAKER, Draft(kind=Kind.LINE, part=_NAME, text=composed))
    for market in ("cn", "de", "uk"):
        (listed, feature), (taxes, _) = _holding(f"{market}_2*.json", today), _holding(f"{market}_tax_*.json", today)
        prices, rules = of(Kind.PRICES, listed, market), of(Kind.TAXES, taxes, market)
        shown = Publication(line=line.digest, prices=prices.digest, taxes=rules.digest, software=soft.digest, given=(feature,))
        effectivity = Effectivity(markets=frozenset({market}))
        companies.agreed(_CARMAKER, Draft(kind=Kind.PUBLICATION, part=market, text=documents.write(shown), effectivity=effectivity))


def _holding(pattern: str, day: date) -> tuple[Path, str]:
    """The price list or tax rules of a day, else the last ones; and the feature that stands for its market."""
    files = sorted((_LINE / "prices").glob(pattern))
    told = {file: json.loads(file.read_text("utf-8")) for file in files}
    held = [one for one in files if (told[one]["from"] or "") <= str(day) <= (told[one]["until"] or "9999")]
    chosen = (held or files)[-1]
    return chosen, told[chosen].get("market_feature", "")


def _software() -> Software:
    """As the attributes of the line's software say; its evidence is the later rooms' matter."""
    from marque.product import line

    model = line.model()
    markets = [name for name, one in model.features.items() if one.parent == "Market"]
    reach = tuple(Reach(model=one, market=market) for one in _MODELS for market in markets)
    sold = {name: one for name, one in model.features.items() if one.attributes.get("sold") in _SOLD}
    features = {
        name: SoftwareFeature(offers=_offers(name, str(one.attributes["sold"])), release=str(one.attributes.get("release")), reach=reach)
        for name, one in sold.items()
    }
    releases = sorted({one.release for one in features.values()}, key=lambda one: [int(part) for part in one.split(".")])
    return Software(releases=tuple(Release(id=one) for one in releases), features=features)


def _offers(name: str, sold: str) -> tuple[Offer, ...]:
    return tuple(one if one.how == "included" else one.model_copy(update={"price": name}) for one in _SOLD[sold])
