"""The console while a release is rolled out: planned by a form, approved, watched, stopped by either partner; and the cars it reaches."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from console_releases import place_of, release_console, words_in
from console_visitors import form_of

from marque.app.words import LANGUAGES, words_of
from marque.car.attacks import Attack
from marque.release.rollouts import service
from marque.release.rollouts.model import Group, State, Thresholds, Told

QUICK = Group(name="All", soak=timedelta(), thresholds=Thresholds(least=1, success=0.5, error=0.6, reported=0.5))


@pytest.fixture
def world(database, addresses, tmp_path):
    made = release_console(database, addresses, tmp_path)
    made.there.begin()
    return made


def state_of(world, rollout):
    with world.there.acting("gac") as tx:
        return service.one(tx, rollout).state


def test_a_roll_out_is_planned_by_a_form_and_starts_when_the_partner_has_approved(world):
    release, _ = world.there.published(), world.fleet(2)
    gac, huawei = world.visitor(), world.visitor("huawei")
    page = gac.get(f"{world.home}/rollouts/new?release={release.id}")
    form, _ = form_of(page, "form-rollout")
    assert form["release"] == str(release.id)
    assert [form[f"{row}-percent"] for row in range(4)] == ["1", "5", "25", "100"]
    filled = form | {
        "name": "Spring <b>",
        "1-markets": "de",
        "2-disengagements": "0.5",
        "2-least-km": "1000",
        "3-from": "01:00",
        "3-until": "05:00",
    }
    place = place_of(gac.post(f"{world.home}/rollouts/new", **filled))
    page = gac.follow(gac.post(f"{place}/launch"))
    assert "Waits for approval" in page.text("//h1")
    assert "HUAWEI" in page.text("//section[@aria-labelledby='waits']")
    groups = words_in(page, "//section[@aria-labelledby='groups']//tbody/tr/th")
    assert [one.split()[0] for one in groups] == ["1.", "2.", "3.", "4."]
    assert "de" in groups[1]
    assert "01:00–05:00 UTC" in groups[3]
    task = [one for one in huawei.get("/console/release").tree.xpath("//ul[@class='tasks']//a/@href") if "/rollouts/" in one]
    assert task == [place]
    (decision,) = [one for one in huawei.get(place).tree.xpath("//section[@aria-labelledby='acts']//a/@href") if "/decisions/" in one]
    huawei.follow(huawei.post(f"{decision}/approve", reason="So be it."))
    with world.there.served_to() as tx:
        service.advance(tx, UUID(place.rsplit("/", 1)[1]))
    assert "Running" in gac.get(place).text("//h1")


def test_a_plan_that_does_not_hold_together_keeps_what_was_typed(world):
    release, _ = world.there.published(), world.fleet(2)
    gac = world.visitor()
    form, _ = form_of(gac.get(f"{world.home}/rollouts/new"), "form-rollout")
    for change, said in (
        ({"0-percent": "many"}, "It is no number"), ({"0-from": "01:00"}, "a beginning and an end"),
        ({"1-disengagements": "2"}, "needs a least distance"), ({"1-name": form["0-name"]}, "have one name"),
        ({f"{row}-name": "" for row in range(4)}, "between 1 and 50 groups"), ({"release": "nothing"}, "No release was chosen"),
    ):  # fmt: skip
        page = gac.post(f"{world.home}/rollouts/new", **(form | {"name": "Autumn", "release": str(release.id)} | change))
        assert page.status in {409, 422}, change
        assert said in page.alert, page.alert
        assert page.field("name") == "Autumn"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_cars_refused_stands_there_as_the_attack_it_would_be(world, language):
    cars = world.fleet(8)
    rollout = world.rolled_out(world.there.published(), QUICK)
    world.tells(1, Told.INSTALLED, cars[:5])
    world.tells(1, Told.REFUSED, cars[5:6], attack=Attack.FREEZE, problem="it expired")
    words = words_of(language)
    page = world.visitor("huawei", language).get(f"/console/release/rollouts/{rollout.id}")
    (attack,) = words_in(page, "//section[@aria-labelledby='attacks']//tbody/tr/th")
    assert attack == words("attack.freeze") + words("attack.freeze.means")
    assert words("rollout.told.done", done=5, cars=8, share="62.5 %") in page.text("//section[contains(@class, 'progress')]")
    (bar,) = page.tree.xpath("//progress")
    assert (bar.get("max"), bar.get("value")) == ("8", "5")


def test_only_a_running_one_keeps_itself_current(world):
    cars = world.fleet(4)
    rollout = world.rolled_out(world.there.published(), QUICK)
    place, visitor = f"/console/release/rollouts/{rollout.id}", world.visitor()
    page = visitor.get(place)
    assert page.tree.xpath("//body/@data-panel") == [place]
    assert page.tree.xpath("//*[@id='panel']//*[@id='told']/@data-live") == ["yes"]
    world.tells(1, Told.INSTALLED, cars)
    with world.there.served_to() as tx:
        service.advance(tx, rollout.id)
    page = visitor.get(place)
    assert "Finished" in page.text("//h1")
    assert page.tree.xpath("//body/@data-panel") == []
    assert page.tree.xpath("//section[@aria-labelledby='acts']//form") == []


def test_a_threshold_that_breaks_halts_it_and_the_page_says_with_which_figures(world):
    cars = world.fleet(10)
    group = Group(name="All", soak=timedelta(), attempts=1, thresholds=Thresholds(least=1, error=0.1, reported=0.5))
    rollout = world.rolled_out(world.there.published(), group)
    world.tells(1, Told.FAILED, cars[:3], problem="it did not boot")
    page = world.visitor().get(f"/console/release/rollouts/{rollout.id}")
    assert "Halted" in page.text("//h1")
    assert "More cars of the group have failed than may." in page.text("//*[@role='note']")
    assert "Limit 10 %" in page.text("//*[@role='note']")


def test_the_partner_may_stop_it_and_only_its_own_organisation_goes_on(world):
    world.fleet(4)
    rollout = world.rolled_out(world.there.published(), QUICK)
    place = f"/console/release/rollouts/{rollout.id}"
    gac, huawei = world.visitor(), world.visitor("huawei")
    offered = [urlsplit(one).path.rsplit("/", 1)[1] for one in huawei.get(place).tree.xpath("//form[@id='form-act']//button/@formaction")]
    assert offered == ["pause", "halt"]
    page = huawei.post(f"{place}/halt", reason=" ")
    assert page.status == 409
    page = huawei.follow(huawei.post(f"{place}/halt", reason="Brakes <late>"))
    assert "Brakes <late>" in page.text("//*[@role='note']")
    assert not page.tree.xpath("//form[@id='form-act']")
    assert huawei.post(f"{place}/resume", reason="Again").status == 409
    gac.follow(gac.post(f"{place}/resume", reason="Looked into"))
    assert state_of(world, rollout.id) is State.HALTED, "both have to agree anew"
    page = gac.get(place)
    assert "HUAWEI" in page.text("//section[@aria-labelledby='acts']")


def test_cars_are_found_by_number_and_told_what_runs_in_them(world):
    cars = world.fleet(3)
    visitor = world.visitor("huawei")
    page = visitor.get(f"{world.home}/cars?find={cars[1]}")
    assert words_in(page, "//main//tbody/tr/th/a") == [cars[1]]
    assert visitor.get(f"{world.home}/cars?find=nothing%00").text("//p[@class='empty']")
    page = visitor.get(f"{world.home}/cars/{cars[1]}")
    ecus = words_in(page, "//section[@aria-labelledby='ecus']//tbody/tr/th")
    assert ecus == [f"{cars[1]}-driving", f"{cars[1]}-gatewayprimary"]
    assert visitor.get(f"{world.home}/cars/LGX99999").status == 404
    assert page.tree.xpath("//main//form[@method='post'][not(contains(@action, 'sign-out'))]") == [], "another's car"


def test_a_car_is_registered_from_its_file_and_its_token_is_told_once(world):
    from device_world import vehicle

    from marque.car.uptane import vehicle as vehicles

    file = vehicles.dumps(vehicle({}, "LGX77", "vela", "cn"))
    engineer = world.engineer()
    page = engineer.post(f"{world.home}/cars", files={"vehicle": ("vehicle.json", file, "application/json")})
    assert page.status == 200, page.alert
    token = page.text("//code[@class='secret']")
    assert token.startswith("mc_")
    assert token not in engineer.get(f"{world.home}/cars").response.text
    again = engineer.post(f"{world.home}/cars", files={"vehicle": ("vehicle.json", file, "application/json")})
    assert again.status == 409
    assert "registered already" in again.alert
    new = engineer.post(f"{world.home}/cars/LGX77/token")
    assert new.text("//code[@class='secret']") not in {"", token}
    engineer.follow(engineer.post(f"{world.home}/cars/LGX77/entitlements", entitlements="Highway pilot, Parking"))
    assert "Highway pilot, Parking" in engineer.get(f"{world.home}/cars/LGX77").text("//dl[@class='facts']")
    engineer.follow(engineer.post(f"{world.home}/cars/LGX77/retire"))
    assert "Retired" in engineer.get(f"{world.home}/cars/LGX77").text("//h1")
