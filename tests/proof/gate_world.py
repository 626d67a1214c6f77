"""Runs without driving: what the gate sees of campaigns whose outcomes are laid down, driven whole or until they are decided."""

from __future__ import annotations

import hashlib
import json

from marque.proof.gate import Cases, Seen, conclude, course, read_rules

RULES = {
    "reference": "competent-and-careful", "confidence": 0.95, "limits": {"a": 0.02, "b": 0.02}, "outside": ["c"],
    "least_runs": {"a": 200, "b": 200}, "baseline": "", "margin": None,
}  # fmt: skip
SEQUENTIAL = read_rules(RULES | {"stopping": "sequential"})
FIXED = read_rules(RULES)
KEY = hashlib.sha256(b"a policy").hexdigest()
NOT_NEEDED = "not-needed"


def run(cell, failed=False, *, hidden=False, same=""):
    return Seen(cell, "failed" if failed else "passed", failed, hidden, same=same)


def left_out(of):
    return Seen(of.cell, NOT_NEEDED, None, of.hidden, same=of.same)


def driven_early(rules, outcomes, before=None, key=KEY):
    """The runs of a campaign that stops early, of those that every case would have; the others are not needed."""
    cases = Cases([one.cell for one in outcomes], any(one.hidden for one in outcomes))
    driven = set(course(rules, key, cases, dict(enumerate(outcomes)), before or {}).driven)
    return [one if case in driven else left_out(one) for case, one in enumerate(outcomes)]


def answers(rules, runs, before=None, key=KEY):
    return {one.cell: one.answer for one in conclude(rules, "vela", runs, before or {}, key)}


def reasons(rules, runs, cell="a", before=None, key=KEY):
    return next(one.reasons for one in conclude(rules, "vela", runs, before or {}, key) if one.cell == cell)


def written(path, *runs):
    """A file of runs: (cell, outcome) or (cell, outcome, more fields)."""
    lines = [
        {"case": k, "cell": cell, "outcome": outcome, "scenario": cell, "parameters": {"k": k}, "seed": k, **(more[0] if more else {})}
        for k, (cell, outcome, *more) in enumerate(runs)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
