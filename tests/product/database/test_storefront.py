"""A storefront shows what is published, answers clicks exactly, and keeps its promises to the cent."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from product_world import CARMAKER, OTHER, PARTNER, Effectivity, Kind, Where, noon, world
from small_line import offer, prices, published

from marque.alliance import audit, tokens
from marque.common import Denied, InputError, Missing, Refused
from marque.foundation import Actor
from marque.product import archive, configure, lines, storefront
from marque.product.prices import Purchase


@pytest.fixture
def joint(database, owner_dsn):
    return world(database, owner_dsn)


@pytest.fixture
def products():
    return storefront.Products(None)


def program(joint, organisation, *scopes):
    """A program's actor, with a token of these scopes."""
    with joint.acting(organisation) as tx:
        _, token = tokens.issue(tx, "storefront", "for a test", scopes, tx.now + timedelta(days=30))
    return Actor(organisation, None, f"service:{token.id}")


def shown(tx, joint, name="cn"):
    return storefront.front(tx, CARMAKER, joint.programme, name, Where(tx.now.date(), "cn"))


def answered(tx, joint, products, *decisions, built=date(2022, 3, 1)):
    front = shown(tx, joint)
    return storefront.configured(storefront.product(tx, front, products), front, built, [(one[1:], one[0] == "+") for one in decisions])


def issued(tx, joint, products, *decisions):
    front = shown(tx, joint)
    made = storefront.product(tx, front, products)
    answer = storefront.configured(made, front, tx.now.date(), [(one[1:], one[0] == "+") for one in decisions])
    return storefront.issue(tx, front, made, answer, Purchase(on=tx.now.date(), registered=tx.now.date()))


def test_a_visitor_sees_what_is_published_and_no_text_before_it(joint, products):
    draft = published(joint)
    visitor = program(joint, CARMAKER, "view:sales")
    with joint.database.transaction(visitor) as tx:
        assert shown(tx, joint).publication.line == draft.line.digest
        assert storefront.product(tx, shown(tx, joint), products).model.root.name == "Car"
        from marque.product import revisions

        for hidden in (draft.line, draft.software):
            with pytest.raises(Missing):
                revisions.text(tx, hidden.id)
    for blind in (program(joint, CARMAKER, "view:after-sales"), program(joint, OTHER, "view:sales"), program(joint, PARTNER, "view:sales")):
        with joint.database.transaction(blind) as tx, pytest.raises(Missing):
            shown(tx, joint)


def test_every_click_is_answered_exactly(joint, products):
    published(joint)
    with joint.acting(CARMAKER) as tx:
        answer = answered(tx, joint, products, "+Corvus", "+Pilot")
        assert "sensors.ThreeLidars" in answer.forced
        assert {"Vela", "sensors.OneLidar"} <= set(answer.forbidden)
        conflict = answered(tx, joint, products, "+Hook", "+Cover")
        assert isinstance(conflict, configure.Conflict)
        assert [one.text for one in conflict.rules] == ["Hook => !Cover"]
        late = answered(tx, joint, products, "+Hook", built=date(2023, 1, 1))
        assert isinstance(late, configure.Conflict), "the hook is built until the end of 2022"
        with pytest.raises(InputError):
            answered(tx, joint, products, "+Wings")


def test_a_quote_holds_to_the_cent_whatever_is_published_after_it(joint, products):
    first = published(joint)
    with joint.acting(CARMAKER) as tx:
        quote = issued(tx, joint, products, "+Corvus", "+Hook", "-Pilot")
    assert quote.breakdown.seller.minor == 20_400_000
    joint.at(noon(2022, 3, 2))
    dearer = joint.agreed(CARMAKER, Kind.PRICES, prices("2", hook="5000.00"), "cn")
    with joint.acting(CARMAKER) as tx:
        base = first.publication.digest
        lines.publish(tx, CARMAKER, joint.programme, "cn", offer(first.line, dearer, first.taxes, first.software), base=base)
    with joint.acting(CARMAKER) as tx:
        assert issued(tx, joint, products, "+Corvus", "+Hook").breakdown.seller.minor == 20_500_000
        again = storefront.quote(tx, CARMAKER, joint.programme, quote.digest)
        assert (again.text, again.breakdown.payable) == (quote.text, quote.breakdown.payable)
        told = [one.body["quote"] for one in audit.entries(tx) if one.kind == "product-quote-issued"]
        assert quote.digest in told


def test_a_quote_outlives_the_destruction_of_the_texts_it_came_from(joint, products):
    """The definition of the product is destroyed by a change of mode; what was sold stays with the sales."""
    published(joint)
    with joint.acting(CARMAKER) as tx:
        quote = issued(tx, joint, products, "+Vela")
    joint.adopt(date(2022, 4, 1), "smart-selection", ("product-definition", CARMAKER, "destroyed"), ("sales", CARMAKER, "returned"))
    joint.at(noon(2022, 4, 1))
    with joint.acting(PARTNER) as tx:
        again = storefront.quote(tx, CARMAKER, joint.programme, quote.digest)
        assert again.text == quote.text, "who leads the sales has been given what was promised"
        assert shown(tx, joint).publication.given == ("china.China",)
        assert issued(tx, joint, products, "+Vela").breakdown.payable == quote.breakdown.payable
    with joint.acting(CARMAKER) as tx, pytest.raises(Missing):
        storefront.quote(tx, CARMAKER, joint.programme, quote.digest)


def test_only_who_sells_issues_quotes(joint, products):
    published(joint)
    with joint.database.transaction(program(joint, CARMAKER, "view:sales")) as tx, pytest.raises(Denied):
        issued(tx, joint, products, "+Vela")
    with joint.database.transaction(program(joint, CARMAKER, "view:sales", "sell:sales")) as tx:
        assert issued(tx, joint, products, "+Vela").breakdown.seller.minor == 18_000_000


def test_a_quote_that_is_not_there_cannot_be_told_from_one_that_is_hidden(joint, products):
    published(joint)
    with joint.acting(CARMAKER) as tx:
        quote = issued(tx, joint, products, "+Vela")
        front = shown(tx, joint)
    for organisation, digest in ((OTHER, quote.digest), (PARTNER, quote.digest), (CARMAKER, "0" * 64), (CARMAKER, front.publication.line)):
        with joint.acting(organisation) as tx, pytest.raises(Missing, match=r"^There is no such quote\.$"):
            storefront.quote(tx, CARMAKER, joint.programme, digest)


def test_what_is_sold_from_a_day_on_is_not_sold_before(joint):
    draft = published(joint)
    with joint.acting(CARMAKER) as tx:
        shop = offer(draft.line, draft.prices, draft.taxes, draft.software)
        until = Effectivity(date(2022, 5, 1), date(2022, 6, 1), frozenset({"cn"}))
        lines.publish(tx, CARMAKER, joint.programme, "spring", shop, effectivity=until)
    for day, market, there in ((date(2022, 4, 30), "cn", False), (date(2022, 5, 1), "cn", True), (date(2022, 5, 1), "de", False),
                               (date(2022, 6, 1), "cn", False)):  # fmt: skip
        with joint.acting(CARMAKER) as tx:
            try:
                found = bool(storefront.front(tx, CARMAKER, joint.programme, "spring", Where(day, market)))
            except Missing:
                found = False
        assert found == there


def test_a_text_is_archived_once_for_each_who_keeps_it(joint, products):
    published(joint)
    with joint.acting(CARMAKER) as tx:
        front = shown(tx, joint)
        for _ in range(2):
            archive.keep(tx, front.area, "the same")
        assert tx.value("select count(*) from product.archive where text = 'the same'") == 1
        issued(tx, joint, products, "+Vela")
        issued(tx, joint, products, "+Vela")
        assert len(archive.quotes(tx, front.area, None, 10)) == 1
        with pytest.raises(Missing):
            archive.texts(tx, front.area, ["0" * 64])


def test_a_purchase_that_has_no_price_is_refused(joint, products):
    published(joint)
    with joint.acting(CARMAKER) as tx:
        front = shown(tx, joint)
        made = storefront.product(tx, front, products)
        answer = storefront.configured(made, front, tx.now.date(), [("Vela", True)])
        with pytest.raises(Refused):
            storefront.issue(tx, front, made, answer, Purchase(on=date(2021, 1, 1), registered=date(2021, 1, 1)))
