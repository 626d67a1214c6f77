"""A campaign that is really driven, and the evidence of it, sealed by two partners with the keys of tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sealed_world import DAY, LI, SALT, WANG, directory, key_of

from marque import __version__
from marque.foundation import SystemClock
from marque.foundation.compute_pool import ProcessPool
from marque.proof.campaign import Campaign, Hidden, Task
from marque.proof.evidence import Policy, Run
from marque.proof.evidence.draft import Draft
from marque.proof.evidence.policy import commitment
from marque.proof.gate import judge_under, provenance_inputs
from marque.proof.suites import read_suite


@dataclass(frozen=True)
class Sealed:
    """directories: files of the partners' keys."""

    evidence: Path
    campaign: Campaign
    directories: tuple[Path, ...]


def sealed(
    folder: Path, suite: Path, *, hidden: Path | None = None, seed: int = 1, workers: int = 1, change: Callable[[bytes], bytes] = bytes
) -> Sealed:  # fmt: skip
    """Everything in one go, in a folder that is there: the policy signed, the suites driven, judged, signed and sealed.

    change: what whoever ran it makes of the runs before anybody signs them.
    """
    secret = () if hidden is None else (Hidden(read_suite(hidden).name, hidden.resolve(), SALT.hex()),)
    known, clock = read_suite(suite), SystemClock()
    draft, begun = Draft(folder / "draft"), clock.now()
    (draft.folder / "keys").mkdir(parents=True)
    spans = {"valid_from": begun - DAY, "valid_until": begun + 300 * DAY}
    for code, private, person in (("gac", LI, 1), ("huawei", WANG, 2)):
        (draft.folder / "keys" / f"{code}.json").write_bytes(directory(key_of(private, code, person, **spans)))
    rules = {
        "reference": "competent-and-careful", "confidence": 0.9, "limits": dict.fromkeys(known.cells, 0.95), "outside": [],
        "least_runs": dict.fromkeys(known.cells, 2), "baseline": "", "margin": None, "seed": seed,
    }  # fmt: skip
    committed = {one.name: commitment(read_suite(one.suite).digest, SALT) for one in secret}
    policy = Policy(("gac", "huawei"), begun, begun + timedelta(days=30), {known.name: known.digest}, committed, rules)
    draft.put("policy", policy.dumps())
    for key in (LI, WANG):
        draft.sign("policy", key)
    task = Task(suite.resolve(), "vela", seed, hidden=secret)
    campaign = Campaign(folder / "campaign", task, "pilot@1.2.0", policy=policy.digest)
    with ProcessPool(workers) as pool:
        campaign.run(pool, 600.0)
    draft.runs.write_bytes(change((campaign.folder / "runs.jsonl").read_bytes()))
    inputs = provenance_inputs(campaign.plan, [one.salt for one in secret])
    draft.ran(Run(("pilot", "1.2.0"), "vela", inputs, "huawei", __version__, "1", campaign.started, clock.now()))
    for part in ("provenance", "test-result"):
        draft.sign(part, WANG)
    verified = clock.now()
    draft.concluded(judge_under(policy, "vela", draft.runs), sequence=1, verified=verified, expires=verified + DAY)
    for key in (LI, WANG):
        draft.sign("verification-summary", key)
    report = draft.seal(folder / "some.evidence", now=clock.now())
    assert report.ok, [str(one) for one in report.findings]
    return Sealed(folder / "some.evidence", campaign, tuple(draft.folder / "keys" / f"{code}.json" for code in ("gac", "huawei")))
