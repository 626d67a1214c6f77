"""The console of release managers: from two companies without a repository to a release that both signed, and its withdrawal."""

from __future__ import annotations

import pytest
from console_releases import place_of, release_console, words_in

from marque.app.words import LANGUAGES, words_of
from marque.release import releases

DRAFT = {
    "release_name": "pilot", "version": "1.2.0", "vehicle_model": "vela", "for_markets": "cn, de", "rxswin": "R157 = R157 1.2.0",
    "requires": "gateway = 1",
    "conflicts": "cockpit = 3-4", "entitlement": "", "note": "Stops sooner.",
}  # fmt: skip


@pytest.fixture
def world(database, addresses, tmp_path):
    return release_console(database, addresses, tmp_path)


@pytest.fixture
def begun(world):
    world.there.begin()
    return world


def steps(page):
    return {one.xpath("string(./b)"): one.get("class").removeprefix("way-") for one in page.tree.xpath("//ol[@class='way']/li")}


def drafted(world):
    digest = world.there.evidence().release
    engineer = world.engineer()
    place = place_of(engineer.post(world.home, digest=digest, **DRAFT))
    for role, hardware in (("driving", "compute-2"), ("gateway", "gateway-1")):
        file = {"file": (f"{role}.img", f"{role} \0\xff".encode("latin-1"), "application/octet-stream")}
        assert place_of(engineer.post(f"{place}/images", files=file, role=role, hardware=hardware)) == place
    return place


def test_a_repository_is_begun_by_both_sides_following_the_pages(world):
    for organisation in ("gac", "huawei"):
        visitor = world.visitor(organisation)
        page = visitor.get(f"{world.home}/repository")
        assert steps(page)["Name the keys"] == "now"
        ids = [one.get("value") for one in page.tree.xpath("//form[@id='form-keys']//input[@name='key']")]
        chosen = [
            key for key in ids if any(name in page.text(f"//label[input/@value='{key}']") for name in ("manager1", "manager2", "manager3"))
        ]
        assert place_of(visitor.post(f"{world.home}/repository/keys", key=chosen))
    place = place_of(world.visitor("huawei").post(f"{world.home}/repository/roots", models="vela = compute-2, gateway-1"))
    page = world.visitor().get(place)
    assert "0 of 2 have signed" in page.text("//ul[contains(@class, 'documents')]")
    world.sign_all(place)
    page = world.visitor().get(f"{world.home}/repository")
    assert set(steps(page).values()) == {"done"}
    names = words_in(page, "//section[@aria-labelledby='keys']//tbody/tr/th")
    assert sorted(names) == ["manager1", "manager1", "manager2", "manager2", "manager3", "manager3"]
    files = page.tree.xpath("//section[@aria-labelledby='served']//tbody//a/@href")
    assert {one.rsplit("/", 1)[1] for one in files} >= {"1.root.json", "timestamp.json"}
    for one in files:
        answer = world.visitor().client.get(one)
        assert answer.status_code == 200, one
        assert answer.json()["signed"]


def test_a_release_goes_from_its_draft_to_cars_by_what_pages_offer(begun):
    place = drafted(begun)
    page = begun.visitor().get(place)
    assert steps(page)["Proven"] == "now"
    assert "attach evidence" in page.text("//ol[@class='way']/li[2]")
    file = {"evidence": ("pilot.evidence", begun.evidence(), "application/octet-stream")}
    page = begun.visitor().follow(begun.visitor().post(f"{place}/evidence", files=file))
    assert words_in(page, "//section[@aria-labelledby='evidence']//tbody//span[contains(@class, 'verdict-goal')]") == ["PASSED"] * 3
    assert "Put it up for signatures" in page.text("//section[@aria-labelledby='signatures']")
    page = begun.visitor().follow(begun.visitor().post(f"{place}/ask"))
    assert words_in(page, "//ol[@class='way']/li[@aria-current]/b") == ["Signed by both"]
    (change,) = {one for one in page.tree.xpath("//section[@aria-labelledby='signatures']//a/@href") if "/changes/" in one}
    begun.sign_all(change)
    page = begun.visitor("huawei").get(place)
    assert "Published" in page.text("//h1")
    assert "2 of 2 have signed" in page.text("//section[@aria-labelledby='signatures']")
    assert page.tree.xpath("//section[@aria-labelledby='rollouts']//a[contains(@href, '/rollouts/new')]")


def test_either_partner_alone_withdraws_and_pages_say_that_cars_wait_for_a_signature(begun):
    release = begun.there.published()
    place = f"/console/release/releases/{release.id}"
    partner = begun.visitor("huawei")
    page = partner.get(place)
    assert page.tree.xpath("//form[@id='form-withdraw']")
    again = partner.post(f"{place}/withdraw", reason=" ")
    assert again.status == 409
    page = partner.follow(partner.post(f"{place}/withdraw", reason="It <brakes> too late."))
    assert "Withdrawn" in page.text("//h1")
    assert "It <brakes> too late." in page.text("//*[@role='note']")
    assert "waits for a signature" in page.text("//*[@role='note']")
    listed = f"/console/release/programmes/{release.lead}/{release.programme}"
    asking = f"//form[@action='{listed}/withdrawals']"
    assert not begun.visitor().get(listed).tree.xpath(asking), "it is up to whoever withdrew"
    assert partner.get(listed).tree.xpath(asking)
    assert "/changes/" in partner.post(f"{listed}/withdrawals").response.headers["location"]
    home = begun.visitor("huawei").get("/console/release")
    (task,) = [one for one in home.tree.xpath("//ul[@class='tasks']//a/@href") if "/changes/" in one]
    begun.sign_all(task)
    assert "Cars learn it" in begun.visitor().get(place).text("//*[@role='note']")


def test_what_waits_for_one_side_stands_on_its_overview_and_not_on_the_others(begun):
    place = drafted(begun)
    for who, seen in (("gac", True), ("huawei", False)):
        for page in ("/console/release", "/console"):
            assert (place in begun.visitor(who).get(page).tree.xpath("//ul[@class='tasks']//a/@href")) is seen, (who, page)


def test_evidence_that_does_not_hold_is_refused_with_every_finding(begun):
    place = drafted(begun)
    spoilt = bytearray(begun.evidence())
    spoilt[4000] ^= 1
    file = {"evidence": ("pilot.evidence", bytes(spoilt), "application/octet-stream")}
    page = begun.visitor().post(f"{place}/evidence", files=file)
    assert page.status == 409
    assert "The evidence does not hold" in page.alert
    assert len(page.tree.xpath("//*[@role='alert']//dl/div")) >= 1
    with begun.there.acting("gac") as tx:
        assert releases.page(tx, "gac", begun.there.programme)[0].evidence is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_form_without_its_file_says_so_in_the_readers_language(begun, language):
    place = drafted(begun)
    page = begun.visitor(language=language).post(f"{place}/evidence")
    assert page.status == 422
    assert words_of(language)("reason.no file was chosen") in page.alert


def test_a_line_that_cannot_be_read_names_its_field_and_keeps_what_was_typed(begun):
    page = begun.engineer().post(begun.home, digest="0" * 64, **(DRAFT | {"requires": "gateway three"}))
    assert page.status == 422
    assert "equals sign" in page.alert
    assert page.field("requires") == "gateway three"
    assert page.field("note") == "Stops sooner."


def test_who_only_looks_is_offered_nothing_to_do(begun):
    release = begun.there.published()
    looking = begun.there.companies.appoint("huawei", "viewer", name="looks")
    visitor = begun.visitor(looking)
    for page in ("/console/release", begun.home, f"{begun.home}/repository", f"{begun.home}/rollouts", f"{begun.home}/cars",
                 f"/console/release/releases/{release.id}"):  # fmt: skip
        shown = visitor.get(page)
        assert shown.status == 200, page
        assert [one for one in shown.tree.xpath("//main//form[@method='post']/@action") if "sign-out" not in one] == [], page


def test_a_stranger_finds_nothing(begun):
    release = begun.there.published()
    stranger = begun.visitor(begun.there.companies.appoint("seres", "release-manager", name="stranger"))
    for page in (begun.home, f"{begun.home}/repository", f"{begun.home}/rollouts", f"{begun.home}/rollouts/new", f"{begun.home}/cars",
                 f"/console/release/releases/{release.id}", f"/console/release/changes/{release.change}",
                 f"{begun.home}/repository/image/timestamp.json"):  # fmt: skip
        assert stranger.get(page).status == 404, page


def test_an_image_may_be_larger_than_any_other_form(begun):
    place, large = drafted(begun), b"\0" * (9 << 20)
    engineer = begun.engineer()
    engineer.follow(engineer.post(f"{place}/images/remove", path="vela/pilot-1.2.0/gateway.img"))
    file = {"file": ("large.img", large, "application/octet-stream")}
    page = engineer.follow(engineer.post(f"{place}/images", files=file, role="gateway", hardware="gateway-1"))
    assert "9,437,184" in page.text("//section[@aria-labelledby='images']")
    assert engineer.post(f"{begun.home}/cars", files={"vehicle": ("v.json", large, "application/json")}).status == 413
