"""What one server process does for cars, as Markdown: polls with and without news, manifests one by one and by the hundred.

python bench/devices.py [--cars N]

The two companies of the tests begin a repository, sign a release and roll it out; cars are registered with keys of their own and sign what
they say. Requests go through the application in this process, one after the other, without a socket, so that what is measured is what a
request costs: wall time with PostgreSQL's share of it, and CPU of server and client together. Signing a manifest is the car's work and not
in the time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "release" / "devices")]

from served_cars import Car, Served, a_world  # noqa: E402

from marque.alliance import tokens  # noqa: E402
from marque.app.platform import ROOMS  # noqa: E402
from marque.car.uptane.reports import State  # noqa: E402
from marque.foundation import embedded  # noqa: E402
from marque.foundation.migrations import migrate, of_rooms  # noqa: E402

BATCH = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cars", type=int, default=400)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="marque-") as name:
        folder = Path(name)
        addresses = embedded.start(folder / "postgresql", "marque_template")
        try:
            migrate(addresses.owner, of_rooms(ROOMS))
            with a_world(addresses, folder / "world") as served:
                measure(served, asked.cars, folder)
        finally:
            embedded.stop(folder / "postgresql")


def measure(served: Served, many: int, folder: Path) -> None:
    names = [f"C-{number:05}" for number in range(many)]
    served.register(*names)
    release = served.world.published("1.2.0", images={"driving": b"driving" * 1000, "gateway": b"gateway"}, requires={}, conflicts={})
    cars = [served.car(folder / name, name) for name in names]
    print(f"{many:,} cars, each of two control units\n\n| request | a second | CPU ms | bytes |\n|---|---|---|---|")
    told("poll, first of the car: the director signs", timed(cars, lambda car: car.get("poll")))
    told("poll, as before", timed(cars, lambda car: car.get("poll")))
    tags = {car.id: car.get("poll").headers["etag"] for car in cars}
    told("poll, nothing new (304)", timed(cars, lambda car: car.get("poll", **{"If-None-Match": tags[car.id]})))
    told("poll with the time attested", timed(cars, lambda car: car.get("poll?nonces=" + "0" * 32)))
    served.rollout(release, cars=tuple(names))
    told("director/targets.json, newly offered", timed(cars, lambda car: car.get("director/targets.json")))
    told("director/targets.json, as before", timed(cars, lambda car: car.get("director/targets.json")))
    said = {car.id: car.manifest(State.WAITING, nonce=car.poll()["nonce"]) for car in cars}
    told("manifest", timed(cars, lambda car: car.report(said[car.id])))
    gateway_batches(served, cars)


def gateway_batches(served: Served, cars: Sequence[Car]) -> None:
    """As a workshop's server hands them in."""
    administrator = served.world.companies.appoint("gac", "administrator", name="administrator")
    with served.world.acting(administrator) as tx:
        scopes = ["create:release-signature", "view:release-signature"]
        token, _ = tokens.issue(tx, "gateway", "bench", scopes, served.now + timedelta(days=30))
    gateway = served.client(Authorization=f"GatewayToken {token}")
    batches = [cars[at : at + BATCH] for at in range(0, len(cars), BATCH)]
    said = [{car.id: json.loads(car.manifest(State.WAITING, nonce=car.poll()["nonce"])) for car in batch} for batch in batches]
    path = f"/car/v1/gac/{served.world.programme}/manifests"
    began, cpu = time.perf_counter(), time.process_time()
    size = 0
    for batch in said:
        answer = gateway.post(path, json=batch)
        assert all(one["accepted"] for one in answer.json().values()), answer.text[:300]
        size += len(answer.content)
    wall, used = time.perf_counter() - began, time.process_time() - cpu
    told(f"manifests, {BATCH} a request, each", (len(cars) / wall, 1e3 * used / len(cars), size / len(cars)))


def timed(cars: Sequence[Car], ask: Callable[[Car], object]) -> tuple[float, float, float]:
    """Requests a second, CPU of this process in ms a request, bytes of an answer's body."""
    size = 0
    began, cpu = time.perf_counter(), time.process_time()
    for car in cars:
        answer = ask(car)
        assert answer.status_code in {200, 304}, answer.text  # type: ignore[attr-defined]
        size += len(answer.content)  # type: ignore[attr-defined]
    wall, used = time.perf_counter() - began, time.process_time() - cpu
    return len(cars) / wall, 1e3 * used / len(cars), size / len(cars)


def told(what: str, figures: tuple[float, float, float]) -> None:
    rate, cpu, size = figures
    print(f"| {what} | {rate:,.0f} | {cpu:.2f} | {size:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
