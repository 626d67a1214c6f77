"""People equipped to sign: with keys and passkeys in a real database."""

from __future__ import annotations

from datetime import timedelta

import rfc8785
from authenticator import Authenticator
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from small_alliance import enlist, found

from marque.alliance import keys
from marque.alliance.passkeys import RelyingParty
from marque.alliance.signing import request_enrolment, sign
from marque.common import Refusal, ok
from marque.foundation import Actor

PARTY = RelyingParty("marque.example", "Marque", ("https://marque.example",))
DOCUMENT = rfc8785.dumps({"kind": "https://marque.example/agreement-revision/v1", "title": "AH8", "number": 1})
OTHER = rfc8785.dumps({"kind": "https://marque.example/agreement-revision/v1", "title": "AH8", "number": 2})
DAY = timedelta(days=1)


def enlisted(database, owner_dsn):
    """Three companies with one person each: the persons' ids by company."""
    people = found(owner_dsn, gac="carmaker", huawei="technology", seres="carmaker")
    enlist(database, people)
    return people


def acting(database, people):
    """What runs a service as an organisation's person, in a transaction of its own."""

    def act(organisation, service, *args, **more):
        with database.transaction(Actor(organisation, people[organisation])) as tx:
            return service(tx, *args, **more)

    return act


def signatories(act, people):
    """What gives an organisation's person a key and a passkey: (private key, device, passkey)."""

    def equip(organisation):
        private = Ed25519PrivateKey.generate()
        ok(act(organisation, keys.enroll_key, request_enrolment(organisation, people[organisation], private)))
        device = Authenticator()
        asked = act(organisation, keys.begin_registration, PARTY)
        passkey = ok(act(organisation, keys.finish_registration, PARTY, asked.challenge, device.create(asked.options), "phone"))
        return private, device, passkey

    return equip


def confirmed(act, organisation, private, device, document=DOCUMENT):
    asked = ok(act(organisation, keys.begin_confirmation, PARTY, document, sign(document, private)))
    return act(organisation, keys.finish_confirmation, PARTY, asked.challenge, document, device.get(asked.options))


def reason(answer):
    assert isinstance(answer, Refusal), f"accepted: {answer}"
    return " ".join([answer.reason, *answer.details.values()])


def later(database, step):
    database.clock.set(database.clock.now() + step)
