"""A log in a real database: entries put there, checkpoints signed, exports taken away and verified."""

from __future__ import annotations

import io

import psycopg
from ledgers import KEYS, LOG, WITNESS_KEYS, WITNESSES

from marque.alliance import audit
from marque.alliance.audit import note
from marque.alliance.audit.verify import verify_streams
from marque.foundation import NOBODY, Actor

GAC, HUAWEI, BYD = Actor("gac"), Actor("huawei"), Actor("byd")


def found_two_pairs(owner_dsn):
    """Two pairs of partners: GAC and BYD, rivals, each with Huawei; and Trumpchi, which belongs to GAC."""
    with psycopg.connect(owner_dsn) as connection:
        connection.execute(
            "insert into alliance.organisation (organisation, parent, name, kind) values ('gac', null, 'GAC', 'carmaker'),"
            " ('byd', null, 'BYD', 'carmaker'), ('huawei', null, 'Huawei', 'technology'), ('gac-trumpchi', 'gac', 'Trumpchi', 'brand')"
        )
        connection.execute(
            "insert into alliance.agreement (organisation, id, title, invited, created_at)"
            " select one, gen_random_uuid(), 'An agreement', array[one, 'huawei'], now() from unnest(array['gac', 'byd']) as named (one)"
        )


def put(database, actor, *concerned, kind="test.happened", **body):
    with database.transaction(actor) as tx:
        return audit.append(tx, {actor.organisation, *concerned}, kind, body)


def signed(database, witnesses=WITNESSES):
    """A checkpoint of now, cosigned as the partners would."""
    with database.transaction(NOBODY) as tx:
        made = audit.sign_checkpoint(tx, LOG)
        size = audit.Checkpoint.parse(made.text).size
        for key in WITNESS_KEYS:
            if key.name in witnesses:
                assert audit.add_cosignature(tx, size, note.cosign(key.name, WITNESSES[key.name], made.text, 1), key) is None
    return size


def exported(database, actor, **more):
    out = io.BytesIO()
    with database.transaction(actor) as tx:
        audit.export(tx, out, LOG.verifier_key, witnesses=WITNESS_KEYS, **more)
    return out.getvalue()


def verified(data, **more):
    return verify_streams(("now", io.BytesIO(data)), KEYS, **{name: (name, io.BytesIO(content)) for name, content in more.items()})


def leaves(database):
    with database.transaction(NOBODY) as tx:
        return tx.connection.execute("select level, index, hash from alliance.audit_node order by level, index").fetchall()
