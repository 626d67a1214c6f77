"""Whatever is asked of the devices' endpoints, however it is written: an answer, never an error of the server's own."""

from __future__ import annotations

from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from served_cars import a_world

from marque.release.devices import cars

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(server, tmp_path_factory):
    with a_world(server, tmp_path_factory.mktemp("world")) as told:
        told.register("V-1")
        release = told.world.published("1.2.0", images={"driving": b"driving", "gateway": b"gateway"}, requires={}, conflicts={})
        told.rollout(release, cars=("V-1",))
        yield told


def known(world):
    """The places of an address, filled with what there is."""
    programme = str(world.world.programme)
    return {"lead": "gac", "programme": programme, "vehicle": "V-1", "tenant": f"gac.{programme}", "controller": "V-1", "number": "1",
            "module": "1000", "name": "driving.img"}  # fmt: skip


def hammered(world, operation):
    """Many requests of one operation, with a token that holds."""
    client = world.client(Authorization=f"TargetToken {world.tokens['V-1']}")

    @settings(max_examples=20, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
    @given(case=operation.as_strategy(), fill=st.booleans(), body=st.binary(max_size=60), raw=st.booleans())
    def asked(case, fill, body, raw):
        places = dict(case.path_parameters or {})
        if fill:
            places |= {name: value for name, value in known(world).items() if name in places}
        path = operation.path.format(**{name: quote(str(value), safe="") for name, value in places.items()})
        content = {"content": body} if raw or not isinstance(case.body, dict | list) else {"json": case.body}
        query = {name: str(value) for name, value in dict(case.query or {}).items()}
        answer = client.request(operation.method.upper(), path, params=query, **content)
        assert answer.status_code < 500, (operation.label, path, query, case.body, answer.text)

    asked()


def test_no_request_makes_the_server_err(world):
    operations = [one.ok() for one in schemathesis.openapi.from_dict(world.app.openapi()).get_all_operations()]
    assert len(operations) > 18
    for operation in operations:
        hammered(world, operation)
    with world.world.acting("gac") as tx:
        assert cars.one(tx, *world.of, "V-1").vehicle.id == "V-1"
