"""How good predictions are, on recorded drives: bench/prediction.py [FOLDER] [--plot FILE]

Every road user that has been seen for a second is predicted every 0.2 s, and compared with what it then did. Constant velocity, constant
turn rate and the most probable hypothesis alone are scored beside. NLL is the mean over the instants of a forecast and then over
forecasts; the spread of constant velocity is fitted twice: to the very drives it is scored on (the best any Gaussian around it can do, per
instant and class of speed), and to those of the other places. Ours is written down in `driving.predict.spread`.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np

from marque.common import InputError
from marque.simulation.commonroad import read_scenario
from marque.simulation.forecasts import (
    MISS_M,
    Forecasts,
    Reliability,
    alternatives,
    brier,
    choose,
    constant_turn,
    constant_velocity,
    fitted_spread,
    forecast,
    join,
    min_ade,
    min_fde,
    most_probable,
    negative_log_likelihood,
    own_spread,
    reach_to,
    reliability,
)

SHARED = Path(__file__).parents[2] / "shared" / "data" / "commonroad"
HORIZONS_S = (1, 2, 3, 4, 5, 6)
SPEEDS_MPS = (0.5, 5.0, 15.0)
"""Bounds of the classes of speed for which the spread of constant velocity is fitted."""


def read(folder: Path) -> dict[str, Forecasts]:
    """All forecasts by kind of source, each only once where files overlap; `file` counts the places."""
    parts: dict[str, list[Forecasts]] = {}
    places: list[str] = []
    with (folder / "INDEX.csv").open(encoding="utf-8") as index:
        rows = list(csv.DictReader(index))
    for row in rows:
        try:
            scenario = read_scenario(folder / row["file"])
        except InputError:
            continue
        place = scenario.name.split("-")[0]
        places += [] if place in places else [place]
        parts.setdefault(row["kind"], []).append(forecast(scenario, file=places.index(place)))
    return {kind: once(join(found)) for kind, found in parts.items()}


def once(forecasts: Forecasts) -> Forecasts:
    """Without forecasts of the same road user at the same moment, of which the one with the longest truth is kept."""
    order = np.argsort(-forecasts.known.sum(axis=1), kind="stable")
    key = np.column_stack((forecasts.file, forecasts.subject, np.round(forecasts.now[:, :3], 3)))[order]
    return choose(forecasts, np.sort(order[np.unique(key, axis=0, return_index=True)[1]]))


def likelihoods(forecasts: Forecasts) -> tuple[float, float, float]:
    """Mean NLL: ours, constant velocity with the spread of these drives, and with that of the other places."""
    plain = constant_velocity(forecasts)
    speed = np.digitize(forecasts.now[:, 3], SPEEDS_MPS)
    same = fitted_spread(plain, speed)
    others = np.ones_like(same)
    for place in np.unique(forecasts.file):
        here = forecasts.file == place
        rest = choose(plain, ~here)
        if len(rest):
            table = fitted_spread(rest, speed[~here])
            for k in np.unique(speed[here]):
                known = table[speed[~here] == k]
                others[here & (speed == k)] = known[0] if len(known) else table.mean(axis=0)
    losses = [negative_log_likelihood(forecasts, own_spread(forecasts))] + [negative_log_likelihood(plain, s) for s in (same, others)]
    return tuple(float(np.mean(np.nanmean(loss, axis=1))) for loss in losses)  # type: ignore[return-value]


def tell(kind: str, forecasts: Forecasts) -> Reliability:
    ways = {"ours": forecasts, "most probable": most_probable(forecasts), "constant velocity": constant_velocity(forecasts)}
    ways["constant turn"] = constant_turn(forecasts)
    print(f"\n{kind}: {len(forecasts)} forecasts")
    print("| horizon s | forecasts | " + " | ".join(f"{name}: minADE, minFDE m, missed" for name in ways) + " |")
    for horizon in HORIZONS_S:
        cut = {name: reach_to(way, horizon) for name, way in ways.items()}
        if len(cut["ours"]):
            cells = [f"{min_ade(way).mean():.2f}, {min_fde(way).mean():.2f}, {(min_fde(way) > MISS_M).mean():.0%}" for way in cut.values()]
            print(f"| {horizon} | {len(cut['ours'])} | " + " | ".join(cells) + " |")
    print("| all | | " + " | ".join(f"{min_ade(way).mean():.3f}" for way in ways.values()) + " |")
    ours, same, others = likelihoods(forecasts)
    print(f"NLL ours {ours:.3f}, constant velocity {same:.3f} (its spread fitted to these drives), {others:.3f} (to the other places)")
    p, came = alternatives(forecasts, own_spread(forecasts))
    told = reliability(p, came)
    even = brier((p > 0.0) / (p > 0.0).sum(axis=1)[:, None], came).mean()
    mean = brier(p, came).mean()
    print(f"{len(p)} choices: Brier {mean:.3f} (all alternatives alike: {even:.3f}), calibration error {told.calibration_error:.3f}")
    for count, stated, observed in zip(told.count, told.stated, told.observed, strict=True):
        print(f"  stated {stated:.2f} came true {observed:.2f} of {count}")
    return told


def draw(found: dict[str, Reliability], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(4.2, 4.0), dpi=110)
    axes.plot([0, 1], [0, 1], color="0.75", linewidth=1.0)
    style: dict[str, Any] = {"recorded": {"color": "#1f4e79", "zorder": 3}, "sumo": {"color": "0.55"}}
    for kind, told in found.items():
        axes.plot(told.stated, told.observed, linewidth=1.0, **style[kind])
        axes.scatter(told.stated, told.observed, s=0.25 * told.count + 4, label=kind, **style[kind])
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="stated probability", ylabel="came true", aspect="equal")
    axes.spines[["top", "right"]].set_visible(False)
    legend = axes.legend(frameon=False, loc="upper left")
    for handle in legend.legend_handles:
        handle.set_sizes([20.0])
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=SHARED)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    found = {kind: tell(kind, forecasts) for kind, forecasts in read(arguments.folder).items()}
    if arguments.plot:
        draw({kind: found[kind] for kind in ("recorded", "sumo") if kind in found}, arguments.plot)


if __name__ == "__main__":
    main()
