"""What the product's API takes and gives, as JSON: plain copies of what the services answer with."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from marque.alliance.shapes import Line
from marque.product.configure import Answer, Conflict, Decision, Product
from marque.product.model import Feature, Value
from marque.product.prices import Breakdown, Quote
from marque.product.rules import LONGEST_TEXT, Effectivity, Kind, Revision
from marque.product.software import Entitlement, Event, Upgrade
from marque.product.store.modules import Binding
from marque.product.store.revisions import Part
from marque.product.storefront import MOST_CLICKS, Front
from marque.product.supply import Module, ModuleKind

Name = Annotated[str, Field(max_length=120)]
FeatureName = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Codes = Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=100)]
Hexadecimal = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class EffectivityShape(BaseModel):
    """From its first day on, before `ends`. An empty list is everywhere."""

    starts: date | None = None
    ends: date | None = None
    markets: Codes = []
    plants: Codes = []
    model_years: Annotated[list[int], Field(max_length=100)] = []

    def effectivity(self) -> Effectivity:
        return Effectivity(self.starts, self.ends, frozenset(self.markets), frozenset(self.plants), frozenset(self.model_years))


class RevisionIn(BaseModel):
    """base: the digest of the part's last revision that this was written on; empty for the first."""

    part: Name
    text: Text
    base: Annotated[str, Field(max_length=64)] = ""
    note: Annotated[str, Field(max_length=2_000)] = ""
    effectivity: EffectivityShape = EffectivityShape()


class RevisionOut(BaseModel):
    """state: of the decision about it. assented_at: since when it counts. length: of its text in UTF-8."""

    id: UUID
    lead: str
    programme: UUID
    process: str
    kind: Kind
    part: str
    side: str
    created_at: datetime
    previous: str
    digest: str
    length: int
    note: str
    effectivity: EffectivityShape
    decision: UUID | None
    state: str
    assented_at: datetime | None
    about: dict[str, Any]


class PartOut(BaseModel):
    kind: str
    part: str
    revisions: int


class ModuleIn(BaseModel):
    """name: the namespace under which its UVL text is imported."""

    name: Name
    version: Annotated[str, Field(max_length=60)]
    kind: ModuleKind
    title: Line
    text: Text
    hardware: Annotated[list[Line], Field(max_length=100)] = []


class ModuleOut(BaseModel):
    name: str
    version: str
    kind: ModuleKind
    title: str
    digest: str
    hardware: list[str]
    requires: list[str]
    provides: list[str]
    created_at: datetime | None


class OfferIn(BaseModel):
    """version: of a module of one's own catalogue; empty: the programme is to have the module no longer."""

    name: Name
    version: Annotated[str, Field(max_length=60)] = ""
    note: Annotated[str, Field(max_length=2_000)] = ""
    effectivity: EffectivityShape = EffectivityShape()


class BindingOut(BaseModel):
    lead: str
    programme: UUID
    code: str
    part: str
    version: str
    revision: UUID
    offered_at: datetime
    mode: str
    state: str
    assented_at: datetime | None


class GroupOut(BaseModel):
    """least and most: how many of the children a car with the parent has; most null: all of them."""

    kind: str
    children: list[str]
    least: int
    most: int | None


class FeatureOut(BaseModel):
    name: str
    parent: str
    abstract: bool
    labels: dict[str, str]
    groups: list[GroupOut]


class FrontOut(BaseModel):
    """publication: the revision that holds. features: parents before children."""

    publication: UUID
    line: str
    currency: str
    given: list[str]
    features: list[FeatureOut]


class DecisionShape(BaseModel):
    feature: FeatureName
    chosen: bool = True


class ConfigureIn(BaseModel):
    """decisions: in the order in which they were made. built: the day the car is to be built for; today when left out."""

    decisions: Annotated[list[DecisionShape], Field(max_length=MOST_CLICKS)] = []
    built: date | None = None


class RuleOut(BaseModel):
    text: str
    owner: str


class ConflictOut(BaseModel):
    """What stands against the first decision that leaves no car: without any one of these there would be one."""

    wanted: DecisionShape | None
    decisions: list[DecisionShape]
    given: list[str]
    rules: list[RuleOut]


class ConfigureOut(BaseModel):
    """forced, forbidden: features of every car that is left, and of none. price: of a car with no more than what is forced, before taxes
    and discounts, in minor units; null where there is a conflict.
    """

    forced: list[str]
    forbidden: list[str]
    free: list[str]
    price: int | None
    conflict: ConflictOut | None


class QuoteIn(ConfigureIn):
    """registered: the day the car is registered, on which taxes hang. circumstances: of the buyer; codes: of discounts."""

    registered: date | None = None
    region: Annotated[str, Field(max_length=60)] = ""
    circumstances: Codes = []
    codes: Codes = []


class LineOut(BaseModel):
    kind: str
    code: str
    name: str
    gross: str


class QuoteOut(BaseModel):
    """link: by which it is found for ever. Amounts are decimal texts in the currency."""

    link: str
    issued: date
    valid_until: date
    currency: str
    seller: str
    state: str
    payable: str
    lines: list[LineOut]


class DeliveryIn(BaseModel):
    """owner: what the seller's own system calls them, no name of a person. quote: the digest of the one the car was built by."""

    owner: Line
    quote: Hexadecimal
    release: Line


class CarEventIn(BaseModel):
    """what: and of it, a release, an owner, or a feature and how it is had; software: the part of the document that offers it."""

    what: Literal["updated", "resold", "bought", "renewed", "cancelled"]
    release: Annotated[str, Field(max_length=200)] = ""
    owner: Annotated[str, Field(max_length=200)] = ""
    feature: Annotated[str, Field(max_length=200)] = ""
    how: Literal["", "subscribed", "bought"] = ""
    software: Name = ""


class CarEventOut(BaseModel):
    kind: str
    at: datetime
    feature: str
    owner: str
    how: str
    months: int
    price: str
    release: str
    quote: str


class EntitlementOut(BaseModel):
    feature: str
    works: bool
    reason: str
    until: datetime | None
    cells: list[str]
    grace: bool
    details: dict[str, str]


class OfferOut(BaseModel):
    how: str
    months: int
    price: str


class UpgradeOut(BaseModel):
    """update: the release the car has to be given first."""

    feature: str
    offers: list[OfferOut]
    cells: list[str]
    update: str


class SoftwareOut(BaseModel):
    features: list[EntitlementOut]
    upgrades: list[UpgradeOut]


def revision_out(one: Revision) -> RevisionOut:
    same = {name: getattr(one, name) for name in RevisionOut.model_fields if name not in {"lead", "programme", "process", "effectivity"}}
    area, effectivity = one.area, one.effectivity
    told = EffectivityShape(
        starts=effectivity.starts, ends=effectivity.ends, markets=sorted(effectivity.markets), plants=sorted(effectivity.plants),
        model_years=sorted(effectivity.model_years),
    )  # fmt: skip
    return RevisionOut(lead=area.lead, programme=area.programme, process=area.process, effectivity=told, **same)


def part_out(one: Part) -> PartOut:
    return PartOut(kind=one.kind, part=one.part, revisions=one.revisions)


def module_out(one: Module) -> ModuleOut:
    return ModuleOut.model_validate({name: getattr(one, name) for name in ModuleOut.model_fields})


def binding_out(one: Binding) -> BindingOut:
    return BindingOut(**{name: getattr(one, name) for name in BindingOut.model_fields})


def front_out(front: Front, made: Product, currency: str) -> FrontOut:
    return FrontOut(
        publication=front.revision.id, line=front.publication.line, currency=currency, given=list(front.publication.given),
        features=[feature_out(one) for one in made.model.features.values()],
    )  # fmt: skip


def feature_out(one: Feature) -> FeatureOut:
    groups = [GroupOut(kind=group.kind, children=list(group.children), least=group.least, most=group.most) for group in one.groups]
    labels = {"en": _text(one.attributes.get("label")) or one.name.rpartition(".")[2], "zh": _text(one.attributes.get("label_zh"))}
    abstract = "abstract" in one.attributes and one.attributes["abstract"] is not False
    return FeatureOut(name=one.name, parent=one.parent, abstract=abstract, labels=labels, groups=groups)


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def answer_out(answer: Answer, price: int) -> ConfigureOut:
    return ConfigureOut(forced=answer.forced, forbidden=answer.forbidden, free=answer.free, price=price, conflict=None)


def conflict_out(conflict: Conflict) -> ConfigureOut:
    told = ConflictOut(
        wanted=None if conflict.wanted is None else _decision(conflict.wanted), decisions=[_decision(one) for one in conflict.decisions],
        given=[str(one) for one in conflict.given], rules=[RuleOut(text=one.text, owner=one.owner) for one in conflict.rules],
    )  # fmt: skip
    return ConfigureOut(forced=[], forbidden=[], free=[], price=None, conflict=told)


def _decision(one: Decision) -> DecisionShape:
    return DecisionShape(feature=one.feature, chosen=one.chosen)


def quote_out(one: Quote) -> QuoteOut:
    told: Breakdown = one.breakdown
    return QuoteOut(
        link=one.link, issued=one.issued, valid_until=one.valid_until, currency=told.currency, seller=_amount(told.seller.amount),
        state=_amount(told.state.amount), payable=_amount(told.payable.amount),
        lines=[LineOut(kind=line.kind, code=line.code, name=line.name, gross=_amount(line.gross.amount)) for line in told.lines],
    )  # fmt: skip


def _amount(exact: object) -> str:
    return format(exact, "f")


def event_out(one: Event) -> CarEventOut:
    return CarEventOut(**{name: getattr(one, name) for name in CarEventOut.model_fields})


def entitlement_out(one: Entitlement) -> EntitlementOut:
    return EntitlementOut.model_validate({name: getattr(one, name) for name in EntitlementOut.model_fields}, from_attributes=True)


def upgrade_out(one: Upgrade) -> UpgradeOut:
    offers = [OfferOut(how=offer.how, months=offer.months, price=offer.price) for offer in one.offers]
    return UpgradeOut(feature=one.feature, offers=offers, cells=list(one.cells), update=one.update)
