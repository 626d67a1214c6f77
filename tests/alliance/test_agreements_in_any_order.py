"""Agreements proposed, signed, dated and decided under in any order: force, rights and decisions are at every step what plain loops say.

The model is raw documents, signatures and dictionaries; what is in force and who may what `agreement_oracle` tells, which shares no code
with Marque. Signatures are real: a key and a passkey for each. What happens next is drawn by hypothesis; who does it and with which words,
from a seed, so that most of what is tried is possible. Failures are not shrunk: each step asks a database.
"""

from __future__ import annotations

import hashlib
import json
import random
from datetime import UTC, datetime, timedelta

import agreement_oracle as oracle
import psycopg
import pytest
from agreements import a_revision, rows
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from signatories import companies
from small_alliance import PROCESSES

from marque.alliance import agreements, decisions, installation, rules, transitions
from marque.alliance.access import DUTIES, Action, Area, allowed
from marque.alliance.model import Deviation, Matrix, Transition
from marque.common import Denied, Missing, Refused, Unavailable

ORGANISATIONS = ("baic", "gac", "huawei", "seres")
CODES = ("P1", "P2")
AREAS = ("sales", "release-signature", "software-supply")
"""Where decisions are opened."""
FIRST = datetime(2021, 6, 2, 12, tzinfo=UTC)
CHANCE = st.integers(0, 2**32).map(random.Random)
NOT_THEIRS = (Missing, Denied, Refused, Unavailable)


class AgainstPlainLoops(RuleBasedStateMachine):
    """One agreement of GAC's, with the others in it or not."""

    def __init__(self, there, people):
        super().__init__()
        self.there, self.people, self.clock = there, people, there.database.clock
        self.texts, self.signatures, self.programmes, self.asked, self.applied = [], [], {}, {}, set()

    @initialize(chance=CHANCE)
    def draft(self, chance):
        self.clock.set(FIRST)  # of each run, so that hypothesis meets the same again; the agreement is another one
        with self.acting("gac") as tx:
            self.agreement = agreements.draft(tx, "AH8 together")
            self.programmes["P1"] = agreements.found_programme(tx, "gac", self.agreement, "P1", "").id
        self.somebody_proposes(chance, Matrix.OLD)
        if self.texts:
            self.all_sign_the_latest(chance)
            self.time_goes_by(chance, 9)

    # What the model says

    @property
    def now(self):
        return self.clock.now()

    @property
    def documents(self):
        return [json.loads(text) for text in self.texts]

    def signatories(self, document):
        return sorted(document["parties"] + document.get("leaving", []))

    def signed(self, document):
        digest = oracle.digest_of(document)
        return {one["organisation"]: one["at"] for one in self.signatures if one["digest"] == digest}

    def forces(self):
        """number → from when to when."""
        found, end = {}, datetime.max.replace(tzinfo=UTC)
        for document in reversed(self.documents):
            signed = self.signed(document)
            if set(signed) == set(self.signatories(document)):
                start = max(datetime.fromisoformat(document["effective"]).replace(tzinfo=UTC), *signed.values())
                if start < end:
                    found[document["number"]] = (start, end)
                    end = start
        return found

    def deciders(self, code, process, at):
        return sorted(one for one in ORGANISATIONS if oracle.decides(self.documents, self.signatures, one, code, process, at))

    def apply(self, order):
        """Transitions are applied by whoever comes first; the model moves open decisions with them, in the order of force."""
        for one in order:
            with self.acting(one) as tx:
                transitions.apply_due(tx)
        for number, (start, _) in sorted(self.forces().items(), key=lambda item: item[1]):
            if number in self.applied or start > self.now:
                continue
            self.applied.add(number)
            for asked in self.asked.values():
                moved = self.deciders(asked["code"], asked["process"], start)
                new = self.documents[number - 1]["transition"]["open-decisions"] == "new"
                if new and moved and asked["state"] == "open" and asked["number"] < number:
                    asked |= {"number": number, "deciders": moved}
                    self.settle(asked)

    def settle(self, asked):
        if set(asked["approved"]) >= set(asked["deciders"]):
            asked["state"] = "taken"

    def acting(self, organisation):
        return self.there.database.transaction(self.people[organisation].actor)

    def does(self, organisation, may, service, *given):
        """The service does it for those who may, and for nobody else; what it answers."""
        if may:
            with self.acting(organisation) as tx:
                return service(tx, *given)
        with pytest.raises(NOT_THEIRS), self.acting(organisation) as tx:
            service(tx, *given)
        return None

    def one_of(self, chance, may):
        """Mostly somebody who may, where there is one; else anybody."""
        return chance.choice(sorted(may)) if may and chance.random() < 0.8 else chance.choice(ORGANISATIONS)

    # What happens

    @rule(chance=CHANCE, days=st.sampled_from([0, 1, 2, 9, 15]))
    def time_goes_by(self, chance, days):
        self.clock.advance(timedelta(days=days, hours=chance.randrange(1, 30)))
        self.apply(chance.sample(ORGANISATIONS, 4))

    @rule(chance=CHANCE, open_decisions=st.sampled_from(Matrix))
    def somebody_proposes(self, chance, open_decisions):
        documents = self.documents
        parties = chance.choice([("gac", "huawei")] * 3 + [("gac", "seres"), ("baic", "gac", "huawei"), ("huawei", "seres")])
        parties = parties if documents else ("gac", "huawei")
        matrix, sight = rows(chance, parties)
        special = {chance.choice(CODES): Deviation(*rows(chance, parties, whole=False))}
        said = {"matrix": matrix, "sight": sight, "programmes": special, "transition": Transition((), open_decisions)}
        made = a_revision(effective=(self.now + timedelta(days=chance.choice([-3, 0, 1, 5]))).date(), parties=parties, **said)
        allowed_to = self.signatories(documents[-1]) if documents else ["gac"]
        by = self.one_of(chance, allowed_to)
        bound = {one for number, (_, end) in self.forces().items() if self.now < end for one in documents[number - 1]["parties"]}
        if not all(by in self.signatories(one) for one in documents):
            bound |= set(allowed_to)  # who does not see every text asks everybody who signs the last one
        may = by in allowed_to and by in {*parties, *bound}
        found = self.does(by, may, agreements.propose, "gac", self.agreement, made)
        if found:
            text = found.row.document
            read = json.loads(text)
            assert (read["number"], read["parties"]) == (len(self.texts) + 1, list(parties))
            assert read["previous"] == (hashlib.sha256(self.texts[-1].encode()).hexdigest() if self.texts else "")
            assert read.get("leaving", []) == sorted(bound - set(parties))
            self.texts.append(text)

    @precondition(lambda self: self.texts)
    @rule(chance=CHANCE)
    def somebody_signs(self, chance):
        number = len(self.texts) if chance.random() < 0.8 else chance.randrange(1, len(self.texts) + 1)
        document = self.documents[number - 1]
        missing = set(self.signatories(document)) - set(self.signed(document)) if number == len(self.texts) else set()
        organisation = self.one_of(chance, missing)
        if organisation in missing:
            self.there.sign(self.agreement, number, self.people[organisation])
            self.signatures.append({"organisation": organisation, "digest": oracle.digest_of(document), "at": self.now})
        else:
            with pytest.raises(NOT_THEIRS):
                self.there.sign(self.agreement, number, self.people[organisation])
        self.apply(chance.sample(ORGANISATIONS, 4))

    @precondition(lambda self: self.texts)
    @rule(chance=CHANCE)
    def all_sign_the_latest(self, chance):
        while set(self.signatories(self.documents[-1])) - set(self.signed(self.documents[-1])):
            self.somebody_signs(chance)

    @precondition(lambda self: len(self.programmes) < len(CODES))
    @rule(chance=CHANCE)
    def a_programme_is_founded(self, chance):
        code, by = chance.choice(CODES), self.signatories(self.documents[-1])[0] if self.texts else "gac"
        if found := self.does(by, code not in self.programmes, agreements.found_programme, "gac", self.agreement, code, ""):
            self.programmes[code] = found.id

    @precondition(lambda self: self.texts)
    @rule(chance=CHANCE)
    def the_next_text_is_agreed_and_takes_force(self, chance):
        """What hypothesis would seldom do: a decision is half answered, and the agreement changes."""
        for _ in range(chance.randrange(1, 4) if any(map(self.is_in_force, self.forces())) else 0):
            self.somebody_asks(chance)
        for _ in range(chance.randrange(1, 5) if self.asked else 0):
            self.somebody_answers(chance, "approve")
        before = len(self.texts)
        self.somebody_proposes(chance, Matrix.NEW if chance.random() < 0.7 else Matrix.OLD)
        if len(self.texts) > before:
            self.all_sign_the_latest(chance)
            self.time_goes_by(chance, 9)

    @precondition(lambda self: self.programmes and any(map(self.is_in_force, self.forces())))
    @rule(chance=CHANCE)
    def somebody_asks(self, chance):
        code, process = chance.choice(sorted(self.programmes)), chance.choice(AREAS)
        roles = {one: oracle.role(self.documents, self.signatures, one, code, process, self.now) for one in ORGANISATIONS}
        working = [one for one in ORGANISATIONS if roles[one] != "none"]
        organisation, area = self.one_of(chance, working), Area("gac", self.programmes[code], process)
        made = self.does(organisation, organisation in working, decisions.open_decision, area, f"s{len(self.asked)}", "Shall we?")
        if made:
            number = next(one for one in self.forces() if self.is_in_force(one))
            asked = {"code": code, "process": process, "number": number, "deciders": self.deciders(code, process, self.now)}
            self.asked[made.id] = asked | {"approved": [], "state": "open"}

    def is_in_force(self, number):
        start, end = self.forces()[number]
        return start <= self.now < end

    @precondition(lambda self: self.asked)
    @rule(chance=CHANCE, kind=st.sampled_from(["approve", "approve", "approve", "reject"]))
    def somebody_answers(self, chance, kind):
        opened = [one for one, asked in self.asked.items() if asked["state"] == "open"]
        decision = chance.choice(opened[-3:] if opened and chance.random() < 0.9 else list(self.asked))
        asked = self.asked[decision]
        missing = set(asked["deciders"]) - set(asked["approved"]) if asked["state"] == "open" else set()
        organisation = self.one_of(chance, missing)
        self.does(organisation, organisation in missing, getattr(decisions, kind), decision, "Because")
        if organisation in missing and kind == "reject":
            asked["state"] = "refused"
        elif organisation in missing:
            asked["approved"].append(organisation)
            self.settle(asked)

    # What has to hold

    @invariant()
    def the_revision_in_force_is_what_the_loops_say(self):
        if not hasattr(self, "agreement"):
            return
        said = oracle.in_force(self.documents, self.signatures, self.now)
        for one in said["parties"] if said else ():
            with self.acting(one) as tx:
                state = agreements.agreement(tx, "gac", self.agreement)
            assert state.in_force(self.now).row.number == said["number"]
            assert rules.in_force(state.agreed, self.now).revision.number == said["number"]
        assert [number for number in self.forces() if self.is_in_force(number)] == ([said["number"]] if said else [])

    @invariant()
    def rights_are_what_the_loops_say_in_sql_and_at_the_gate(self):
        if not self.programmes:
            return
        said = oracle.in_force(self.documents, self.signatures, self.now)
        cells = {
            (one, code, process): tuple(oracle.word(said, table, one, code, process) for table in ("matrix", "sight"))
            for one in (said["parties"] if said else ())
            for code in self.programmes
            for process in PROCESSES
        }
        sql = "select r.organisation, p.code, r.process, r.role, r.sight from alliance.area_right r join alliance.programme p"
        sql += " on (p.organisation, p.id) = (r.owner, r.programme) where p.agreement = %s and r.starts <= %s and %s < r.ends"
        found = self.superuser(sql, self.agreement, self.now, self.now)
        assert {(one, code, process): (role, sight) for one, code, process, role, sight in found} == cells
        areas = [(code, process) for code in self.programmes for process in PROCESSES]
        for one in ORGANISATIONS:
            with self.acting(one) as tx:
                answers = allowed(tx, Action.DECIDE, [Area("gac", self.programmes[code], process) for code, process in areas])
            deciding = [cells.get((one, code, process), ("none",))[0] in {"leads", "co-decides"} for code, process in areas]
            assert answers == deciding, one

    @invariant()
    def decisions_stand_as_they_should_and_each_that_is_taken_is_told_of_once(self):
        if not self.asked:
            return
        sql = "select id, state, number, deciders from alliance.decision where agreement = %s"
        found = {one: (state, number, deciders) for one, state, number, deciders in self.superuser(sql, self.agreement)}
        assert found == {one: (asked["state"], asked["number"], asked["deciders"]) for one, asked in self.asked.items()}
        told = self.superuser("select body ->> 'decision' from foundation.outbox where kind = 'alliance.decision-taken'")
        counted = {one: sum(body == str(one) for (body,) in told) for one in self.asked}
        assert counted == {one: int(asked["state"] == "taken") for one, asked in self.asked.items()}

    def superuser(self, sql, *given):
        with psycopg.connect(self.there.owner_dsn.replace("user=marque_owner", "user=postgres")) as connection:
            return connection.execute(sql, given).fetchall()


def explore(database, owner_dsn, examples, steps):
    there = companies(database, owner_dsn)
    with psycopg.connect(owner_dsn) as owner:
        installation.found(owner, "baic", "BAIC", "carmaker")
    people = {code: there.appoint(code, *DUTIES, name="worker") for code in ORGANISATIONS}
    quick = settings(max_examples=examples, stateful_step_count=steps, phases=[Phase.generate], report_multiple_bugs=False)
    run_state_machine_as_test(lambda: AgainstPlainLoops(there, people), settings=quick)


def test_in_any_order_force_rights_and_decisions_are_what_plain_loops_say(database, owner_dsn):
    explore(database, owner_dsn, 16, 12)


@pytest.mark.slow
def test_in_many_orders_force_rights_and_decisions_are_what_plain_loops_say(database, owner_dsn, thorough):
    explore(database, owner_dsn, 60 if thorough else 12, 30)
