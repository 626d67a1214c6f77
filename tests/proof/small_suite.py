"""A suite of the library's own scenes, small enough to be driven in a test."""

from __future__ import annotations

import copy
import json

SUITE = {
    "kind": "https://marque.example/suite/v1",
    "name": "small",
    "cells": {
        "motorway": {"odd": {"drivable area": "motorway"}, "exposure": 0.75},
        "street": {"odd": {"drivable area": "street"}, "exposure": 0.25},
    },
    "sources": [
        {
            "name": "cut-in", "library": "motorways.cut_in_from_left", "cell": "motorway", "sample": 3,
            "parameters": {"limit_mps": {"values": [22.2, 27.8]}, "gap_m": {"low": 20, "high": 60}, "slower_mps": {"low": 0, "high": 6}},
            "constraints": ["$gap_m > $limit_mps"],
        },
        {
            "name": "child", "library": "streets.child", "cell": "street",
            "parameters": {"limit_mps": {"values": [8.3]}, "runs_mps": {"values": [2.0, 3.0]}, "early_m": {"values": [25.0]}},
        },
    ],
}  # fmt: skip


def written(folder, change=None):
    """The suite as a file, after a change to it."""
    said = copy.deepcopy(SUITE)
    if change is not None:
        change(said)
    path = folder / "suite.json"
    path.write_text(json.dumps(said))
    return path
