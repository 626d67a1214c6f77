"""Roll-outs at the size of a fleet, as Markdown: halted before the next phase, nobody skipped, nobody updated twice, whatever is killed.

python bench/rollout.py [--cars N] [--kills N] [--batch N]

Two roll-outs in five phases (up to 1, 5, 20, 50, 100 % of the cars), each against a server process of its own in front of PostgreSQL as it
comes, which waits for the disk. In the first, the release never works in 2 % of the cars; in the second it works in every car, in 0.3 % of
them the second time. The server is killed (SIGKILL) at random instants of random requests; `tests/release/rollouts/killed_server.py` has
the cars. What is asserted there holds here, or this ends with a traceback. The driver, all cars and the server share the machine's cores:
times say how long the whole took, not what a server can do.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "release" / "rollouts"), str(ROOT / "tests" / "alliance")]

from killed_server import Result, assert_everybody_once, assert_halted_before_the_next_phase, rolled_out  # noqa: E402
from rollout_world import RolloutWorld, rollout_world  # noqa: E402

from marque.app.platform import ROOMS  # noqa: E402
from marque.foundation import Database, SetClock, embedded  # noqa: E402
from marque.foundation.embedded import Addresses  # noqa: E402
from marque.foundation.migrations import migrate, of_rooms  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cars", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--batch", type=int, default=2_000, help="Cars whose polls or reports are one request.")
    asked = parser.parse_args()
    print(f"{asked.cars:,} cars in 5 phases; the server killed {asked.kills} times; {asked.batch:,} cars a request\n")
    print("| release | ends | phases opened | handed to | first phase | answers in it | requests | killed, of these cut off | s |")
    print("|---|---|---|---|---|---|---|---|---|")
    per_round = -(-asked.cars // asked.batch)
    bad = measured("never works in 2 % of the cars", asked, bad=0.02, clumsy=0.0, among=max(asked.kills + 1, per_round))
    assert_halted_before_the_next_phase(bad)
    good = measured("works, in 0.3 % the second time", asked, bad=0.0, clumsy=0.003, among=max(asked.kills + 1, 6 * per_round))
    assert_everybody_once(good)
    print(f"\nupdated exactly once: {sum(many == 1 for many in good.fleet.installs.values()):,} of {asked.cars:,}")


def measured(name: str, asked: argparse.Namespace, bad: float, clumsy: float, among: int) -> Result:
    with tempfile.TemporaryDirectory(prefix="marque-", ignore_cleanup_errors=True) as folder:
        addresses = embedded.start(Path(folder), "marque_bench")
        try:
            migrate(addresses.owner, of_rooms(ROOMS))
            with Database(addresses.app, SetClock(datetime(2025, 6, 1, 12, tzinfo=UTC))) as database:
                began = time.perf_counter()
                result = _rolled_out(rollout_world(database, addresses.owner), addresses, asked, bad, clumsy, among)
                took_s = time.perf_counter() - began
        finally:
            embedded.stop(Path(folder))
    drove, first = result.drove, result.drove.groups[0][1]
    opened = sum(str(state) in {"open", "passed"} for state, _ in drove.groups)
    handed = sum(attempt > 0 for _, _, attempt in result.rows.values())
    print(
        f"| {name} | {drove.state}: {drove.reason or 'every car has answered'} | {opened} of 5 | {handed:,} cars | {first.cars:,} |"
        f" {first.done:,} installed, {first.failed + first.retry:,} failed | {drove.requests:,} | {drove.killed}, {drove.cut} |"
        f" {took_s:.0f} |",
        flush=True,
    )
    return result


def _rolled_out(world: RolloutWorld, addresses: Addresses, asked: argparse.Namespace, bad: float, clumsy: float, among: int) -> Result:
    return rolled_out(world, addresses, asked.cars, bad, clumsy, asked.kills, asked.batch, among)


if __name__ == "__main__":
    main()
