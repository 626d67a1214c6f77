"""Serves the small town as `marque run` serves a city: for tests that need a real server. Arguments: port, vehicles, replays."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

if __name__ == "__main__":
    from stand_in import build_small_town

    from marque.app import live, run

    run.LiveCity = functools.partial(live.LiveCity, build=build_small_town)
    run.run(port=int(sys.argv[1]), vehicles=int(sys.argv[2]), cars=3, pedestrians=4, replays=Path(sys.argv[3]) if sys.argv[3:] else None)
