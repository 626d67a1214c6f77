"""A composed line is checked before anybody decides on it; what is published stands on what was assented to."""

from __future__ import annotations

import pytest
from product_world import CARMAKER, PARTNER, Kind, Where, model, world
from small_line import BILL, CHINA, ROOT, SENSORS, offer, parts, prices, published

from marque.common import InputError, Missing, Refused
from marque.product import documents, lines, revisions
from marque.product.documents import Line

FORBIDDEN = CHINA + "        mandatory\n            Law\n\nconstraints\n    !Law\n"
NO_LINES = ["{", "[]", "{}", '{"root": "line", "parts": {}}', '{"root": 1, "parts": {"a": "b"}}', "NaN", "[" * 100_000]


@pytest.fixture
def joint(database, owner_dsn):
    return world(database, owner_dsn)


def compose(joint, line, by=CARMAKER):
    with joint.acting(by) as tx:
        return lines.compose(tx, CARMAKER, joint.programme, "corvus", line)


def test_what_holds_now_makes_the_line_that_is_put_forward(joint):
    made = parts(joint)
    with joint.acting(CARMAKER) as tx:
        assert lines.standing(tx, CARMAKER, joint.programme, "line", Where(tx.now.date())) == made
    revision = compose(joint, made)
    assert revision.state == "open", "the partner co-decides on the definition of the product"
    with joint.acting(PARTNER) as tx:
        assert lines.line(tx, revision.id) == made
    assert joint.assent(PARTNER, revision).state == "taken"


def test_a_line_of_a_part_that_nobody_assented_to_is_refused(joint):
    made = parts(joint)
    waiting = joint.propose(PARTNER, Kind.MODULE, SENSORS + "// two\n", "technology.sensors")
    changed = made.model_copy(update={"parts": {**made.parts, "technology.sensors": waiting.digest}})
    with pytest.raises(Refused, match="not been assented"):
        compose(joint, changed)
    joint.assent(CARMAKER, waiting)
    assert compose(joint, changed).kind is Kind.LINE


def test_a_line_names_texts_of_its_programme_under_their_own_names(joint):
    made = parts(joint)
    for change in ({"technology.sensors": "0" * 64}, {"market.china": made.parts["line"]}):
        with pytest.raises(Refused, match="no such text"):
            compose(joint, made.model_copy(update={"parts": {**made.parts, **change}}))
    with pytest.raises(Refused, match="root"):
        compose(joint, made.model_copy(update={"root": "other"}))


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"root": "line", "parts": {}}', '{"root": 1, "parts": {"a": "b"}}', "NaN", "[" * 100_000]
)
def test_what_is_no_document_of_a_line_is_refused_with_its_place(joint, text):
    with pytest.raises(InputError):
        joint.propose(CARMAKER, Kind.LINE, text)


def test_parts_that_contradict_one_another_make_no_line(joint):
    made = parts(joint)
    law = joint.agreed(CARMAKER, Kind.RULES, FORBIDDEN, "market.china")
    with pytest.raises(Refused, match="contradict"):
        compose(joint, made.model_copy(update={"parts": {**made.parts, "market.china": law.digest}}))


def test_a_bill_of_materials_with_a_gap_makes_no_line(joint):
    gap = {"group": "body", "slots": [BILL["slots"][0] | {"items": BILL["slots"][0]["items"][:1]}]}
    with pytest.raises(Refused, match=r"gaps or overlaps.*body\.hook"):
        compose(joint, parts(joint, gap))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.VEHICLE, "features\n    Car\n      mandatory\n"),
        (Kind.VEHICLE, ROOT),
        (Kind.PRICES, "{}"),
        (Kind.TAXES, "[]"),
        (Kind.BILL, '{"group": "x"}'),
        (Kind.SOFTWARE, '{"features": {}}'),
        (Kind.PUBLICATION, "{}"),
    ],
)
def test_what_cannot_be_read_is_refused_before_anybody_is_asked(joint, kind, text):
    with pytest.raises(InputError):
        joint.propose(CARMAKER, kind, text)
    with joint.acting(CARMAKER) as tx:
        assert revisions.parts(tx, CARMAKER, joint.programme) == []


def test_a_publication_stands_on_what_fits_together(joint):
    shown = published(joint)
    other = joint.agreed(CARMAKER, Kind.PRICES, prices("2").replace('"Car"', '"Cart"'), "other")
    unknown = joint.agreed(CARMAKER, Kind.PRICES, prices("3").replace('"Hook"', '"Hoop"'), "unknown")
    with joint.acting(CARMAKER) as tx:
        for listed, why in ((other, "another model line"), (unknown, "names what the model does not have")):
            with pytest.raises(Refused, match=why):
                lines.publish(tx, CARMAKER, joint.programme, "new", offer(shown.line, listed, shown.taxes, shown.software))
        with pytest.raises(Refused, match="no such text"):
            lines.publish(tx, CARMAKER, joint.programme, "new", offer(shown.prices, shown.line, shown.taxes, shown.software))


def test_the_partner_who_sees_no_sales_sees_no_publication(joint):
    shown = published(joint)
    with joint.acting(PARTNER) as tx:
        with pytest.raises(Missing):
            revisions.one(tx, shown.publication.id)
        assert tx.value("select count(*) from product.archive") == 0


def test_a_documents_digest_is_of_its_one_canonical_writing():
    line = Line(root="a", parts={"b": "0" * 64, "a": "1" * 64})
    again = documents.read(documents.write(line), Line, "line")
    assert (again, documents.write(again)) == (line, documents.write(line))
    assert model() != documents.write(line)
