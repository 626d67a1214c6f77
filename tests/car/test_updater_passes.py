"""One pass of the updater after the other, against a server in memory."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

import pytest
from updater_world import BRAKE, ECUS, GATEWAY, NOW, PILOT, SAFE, Server, after, car_of, counters, evidence_of, updater

from marque.car.attacks import Attack
from marque.car.install.conditions import Unmet
from marque.car.install.slots import Phase
from marque.car.uptane.reports import State
from marque.common import Unavailable


@pytest.fixture(autouse=True)
def _no_flushing(monkeypatch):
    """No power is cut here, and flushing is what takes the time."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def trusted(car):
    folder = car.path / "metadata"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_new_car_installs_what_the_director_wants_and_says_so(car, server):
    outcome = updater(car, server).once(SAFE)
    assert outcome.state is State.INSTALLED
    assert counters(car) == dict.fromkeys(ECUS, 1)
    told = server.manifests[-1]
    assert (told.state, told.director_version) == (State.INSTALLED, 1)
    assert {serial: each.installed.counter for serial, each in told.reports.items()} == dict.fromkeys(ECUS, 1)


def test_where_nothing_is_new_one_question_is_asked(at_first, server):
    again = updater(at_first, server)
    assert again.once(SAFE).state is State.CURRENT
    told = len(server.manifests)
    for each in (server.director, server.image, server.targets):
        each.asked.clear()
    assert again.once(SAFE).state is State.CURRENT
    assert not server.director.asked + server.image.asked + server.targets.asked
    assert len(server.manifests) == told, "what the server knows is not told again"


def test_what_expires_is_not_believed_though_the_server_has_nothing_new(at_first, server):
    again = updater(at_first, server)
    again.once(SAFE)
    server.world.now = NOW + timedelta(days=2)
    outcome = again.once(SAFE)
    assert outcome.met.attack is Attack.FREEZE
    assert server.manifests[-1].met.attack is Attack.FREEZE


def test_a_delta_is_taken_where_it_is_smaller(at_first, server):
    server.moves_to(after(server.world))
    server.offer_deltas(2)
    outcome = updater(at_first, server).once(SAFE)
    assert (outcome.state, outcome.notes) == (State.INSTALLED, ())
    assert counters(at_first) == dict.fromkeys(ECUS, 2)
    fetched = {path for path in server.targets.taken if "-2" in path}
    assert fetched == {f"deltas/{role}-2" for role in ECUS.values()}


def test_where_a_delta_is_of_no_use_the_whole_image_is_taken(at_first, server):
    server.moves_to(after(server.world))
    server.offer_deltas(2)
    server.world.files["deltas/pilot-2"] = b"\0" * len(server.world.files["deltas/pilot-2"])
    outcome = updater(at_first, server).once(SAFE)
    assert outcome.state is State.INSTALLED
    assert len(outcome.notes) == 1
    assert PILOT in outcome.notes[0]
    assert counters(at_first) == dict.fromkeys(ECUS, 2)


def test_it_waits_for_consent_and_a_safe_state_and_then_fetches_nothing_again(tmp_path, server):
    car = car_of(tmp_path, server.world, consent=True)
    mine = updater(car, server)
    assert mine.once(replace(SAFE, parked=False, charge_percent=12)).waits == (Unmet.CONSENT, Unmet.PARKED, Unmet.CHARGE)
    assert counters(car) == {}
    assert server.manifests[-1].state is State.WAITING
    server.targets.taken.clear()
    assert mine.once(SAFE).waits == (Unmet.CONSENT,)
    assert mine.once(replace(SAFE, parked=False), agrees=True).waits == (Unmet.PARKED,)
    assert mine.once(SAFE).state is State.INSTALLED, "agreed once is agreed, to this update"
    assert not server.targets.taken
    assert server.manifests[-1].consented is not None


def test_consent_to_one_update_is_none_to_the_next(tmp_path, server):
    car = car_of(tmp_path, server.world, consent=True)
    assert updater(car, server).once(SAFE, agrees=True).state is State.INSTALLED
    server.moves_to(after(server.world))
    assert updater(car, server).once(SAFE).waits == (Unmet.CONSENT,)


def test_software_that_does_not_come_up_is_rolled_back_in_all_and_not_tried_again_unasked(at_first, server):
    server.moves_to(after(server.world))
    starts = []

    def start(slots):
        starts.append(dict(slots))
        return [BRAKE]

    mine = updater(at_first, server, start=start)
    outcome = mine.once(SAFE)
    assert outcome.state is State.ROLLED_BACK
    assert BRAKE in outcome.notes[-1]
    assert counters(at_first) == dict.fromkeys(ECUS, 1)
    assert len(starts) == 3
    assert server.manifests[-1].state is State.ROLLED_BACK
    assert mine.once(SAFE).state is State.ROLLED_BACK
    assert len(starts) == 3, "not asked for anew"
    server.world.direct()
    assert updater(at_first, server).once(SAFE).state is State.INSTALLED
    assert counters(at_first) == dict.fromkeys(ECUS, 2)


def test_a_car_that_drove_off_during_the_download_is_not_switched(car, server):
    """The situation is asked for at the instant of the switch."""
    asked = []

    def situation():
        asked.append(sorted(server.targets.taken))
        return replace(SAFE, parked=False)

    assert updater(car, server).once(situation).waits == (Unmet.PARKED,)
    assert len(asked[0]) == len(ECUS), "after the last byte came"


def test_evidence_withdrawn_between_download_and_consent_stops_it(tmp_path, server):
    car = car_of(tmp_path, server.world, consent=True)
    mine = updater(car, server)
    assert mine.once(SAFE).state is State.WAITING
    server.world.withdraw("huawei", evidence_of(1))
    outcome = mine.once(SAFE, agrees=True)
    assert outcome.met.attack is Attack.EVIDENCE_WITHDRAWN
    assert counters(car) == {}
    assert server.manifests[-1].met.attack is Attack.EVIDENCE_WITHDRAWN


def test_a_user_is_told_that_nobody_stands_for_what_runs_any_more(at_first, server):
    server.world.withdraw("huawei", evidence_of(1))
    server.world.direct(targets={})
    outcome = updater(at_first, server).once(SAFE)
    assert outcome.state is State.CURRENT
    assert f"{PILOT} runs vela-pilot 1.0, whose evidence huawei withdrew: a run was wrongly labelled." in outcome.notes
    assert counters(at_first) == dict.fromkeys(ECUS, 1), "what runs is not torn out from under the driver"


def test_what_the_director_wants_no_longer_is_dropped(tmp_path, server):
    car = car_of(tmp_path, server.world, consent=True)
    mine = updater(car, server)
    mine.once(SAFE)
    server.world.direct(targets={})
    assert mine.once(SAFE, agrees=True).state is State.CURRENT
    with car.alone() as installer:
        assert installer.state.phase is Phase.STEADY
    assert counters(car) == {}


def test_one_partner_alone_installs_nothing_and_the_next_honest_update_does(at_first, server):
    server.moves_to(after(server.world))
    honest = server.world.changed()
    server.world.claim("pilot", 2, codes=("gac",), rxswin={"UN R157": "another"})
    before = trusted(at_first)
    outcome = updater(at_first, server).once(SAFE)
    assert outcome.state is State.REFUSED
    assert outcome.met.attack in {Attack.ONE_PARTNER, Attack.MIX_AND_MATCH}
    assert trusted(at_first) == before
    assert counters(at_first) == dict.fromkeys(ECUS, 1)
    assert server.manifests[-1].met.attack is outcome.met.attack
    server.moves_to(after(honest))
    assert updater(at_first, server).once(SAFE).state is State.INSTALLED


def test_a_report_under_an_old_nonce_is_made_again_and_no_counter_is_used_twice(car, server, monkeypatch):
    poll = Server.poll

    def late(self, nonce):
        answer = poll(self, nonce)
        if nonce:
            self.number += 1
        return answer

    monkeypatch.setattr(Server, "poll", late)
    assert updater(car, server).once(SAFE).notes == ()
    assert [each.counter for each in server.manifests] == [2]


def test_a_report_that_does_not_get_through_is_made_in_the_next_pass(car, server, monkeypatch):
    mine = updater(car, server)

    def down(_self, _manifest):
        raise Unavailable("The connection ended.")

    with monkeypatch.context() as patched:
        patched.setattr(Server, "report", down)
        outcome = mine.once(SAFE)
        assert outcome.state is State.INSTALLED
        assert "not reported yet" in outcome.notes[-1]
    assert not server.manifests
    assert mine.once(SAFE).state is State.CURRENT
    assert [(each.counter, each.state) for each in server.manifests] == [(2, State.INSTALLED)]
    assert server.manifests[-1].reports[GATEWAY].installed.counter == 1


def test_what_was_installed_unheard_is_told_before_what_came_next(tmp_path, server, monkeypatch):
    car = car_of(tmp_path, server.world, consent=True)
    mine = updater(car, server)

    def down(_self, _manifest):
        raise Unavailable("The connection ended.")

    with monkeypatch.context() as patched:
        patched.setattr(Server, "report", down)
        mine.once(SAFE, agrees=True)
    server.moves_to(after(server.world))
    assert mine.once(SAFE).state is State.WAITING
    assert [each.state for each in server.manifests] == [State.INSTALLED, State.WAITING]
    assert server.manifests[0].consented is not None
    assert server.manifests[1].consented is None


def test_the_road_is_counted_for_what_runs(at_first, server):
    totals = '{"metres": 5000000, "disengagements": 7, "minimal_risk_manoeuvres": 1}'
    (at_first.path / "driven.json").write_text(totals)
    server.moves_to(after(server.world))
    updater(at_first, server).once(SAFE)
    assert server.manifests[-1].driven == {"metres": 0, "disengagements": 0, "minimal_risk_manoeuvres": 0}
    (at_first.path / "driven.json").write_text(
        '{"metres": 5040000, "disengagements": 8, "minimal_risk_manoeuvres": 1, "before": '
        '{"metres": 5000000, "disengagements": 7, "minimal_risk_manoeuvres": 1}}'
    )
    updater(at_first, server).once(SAFE)
    assert server.manifests[-1].driven == {"metres": 40000, "disengagements": 1, "minimal_risk_manoeuvres": 0}


def test_a_car_that_ran_a_release_never_goes_back_through_another(at_first, server):
    server.moves_to(after(server.world))
    updater(at_first, server).once(SAFE)
    server.world.want(1)
    assert updater(at_first, server).once(SAFE).met.attack is Attack.ROLLBACK
    assert counters(at_first) == dict.fromkeys(ECUS, 2)
