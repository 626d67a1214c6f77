"""What a report says, in words and figures ready to be set: HTML and PDF are made from this one view, so that they say the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from marque.common import kmh_from_mps
from marque.proof.evidence.statements import SILENT
from marque.proof.report.argument import Argument
from marque.proof.report.case_list import case_list
from marque.proof.report.facts import CellFacts, Facts, Paired, Unsound, WorstRun
from marque.proof.report.figures import between, count, measure, minute, p_value, points, share
from marque.proof.report.runs import RANKING

View = dict[str, Any]


def unsound(said: Unsound) -> View:
    """Of evidence that is not sound nothing is said but what is wrong with it."""
    return {
        "sound": False,
        "title": f"{said.verified.file} is not sound",
        "file": said.verified.file,
        "digest": said.evidence,
        "made": minute(said.now),
        "findings": [
            {
                "link": one.link,
                "place": f"{one.file}{f', line {one.line}' if one.line is not None else ''}",
                "problem": f"{one.problem[:1].upper()}{one.problem[1:]}.",
                "remedy": one.remedy,
            }
            for one in said.findings
        ],
    }


def view(facts: Facts, argument: Argument, filings: Sequence[Any]) -> View:
    """Of a release whose evidence is sound."""
    release = facts.provenance.release
    return {
        "sound": True,
        "title": f"{release.name} {release.version} on {facts.provenance.model}",
        "made": minute(facts.now),
        "standing": _standing(facts, argument),
        "key_figures": _key_figures(facts, argument),
        "case": {"open": _open(argument), "undeveloped": _undeveloped(argument), "list": case_list(argument)},
        "risk": _risk(facts),
        "coverage": _coverage(facts),
        "baseline": _baseline(facts),
        "worst": _ranked(facts),
        "credibility": _credibility(facts),
        "filings": [_filing(one) for one in filings],
        "evidence": _evidence(facts),
    }


def _standing(facts: Facts, argument: Argument) -> View:
    """The answer on top of the page: whether the case stands, and what the gate said."""
    stands = argument.supported
    failed = [one.cell for one in facts.claimed if one.answer == "FAILED"]
    passed = sum(one.answer == "PASSED" for one in facts.claimed)
    gate = f"The gate's verdict, signed by {' and '.join(facts.policy.parties)}: {'PASSED' if facts.summary.passed else 'FAILED'}."
    cells = f"{passed} of {len(facts.claimed)} claimed cells passed{f'; failed: {_some(failed)}' if failed else ''}."
    return {
        "stands": stands,
        "headline": "The safety case stands." if stands else "The safety case does not stand.",
        "sentences": [gate, cells, _why(argument)],
    }


def _why(argument: Argument) -> str:
    if argument.supported:
        return "No defeater is open, and every goal is supported by evidence."
    reasons = []
    if argument.open:
        reasons.append(f"{len(argument.open)} {'defeater is' if len(argument.open) == 1 else 'defeaters are'} open")
    if argument.undeveloped:
        reasons.append(
            f"{len(argument.undeveloped)} {'goal is' if len(argument.undeveloped) == 1 else 'goals are'} not supported by anything"
        )
    return f"{' and '.join(reasons).capitalize()}. Nobody may rely on this release before that is resolved."


def _some(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _key_figures(facts: Facts, argument: Argument) -> list[View]:
    failures, runs = sum(one.failures for one in facts.claimed), sum(one.runs for one in facts.claimed)
    confidence = f"{100 * facts.rules.confidence:g} %"
    found = [
        {"label": "A run fails", "value": _estimate(facts), "note": _interval(facts, confidence)},
        {"label": "Runs in the claimed domain", "value": count(runs), "note": f"{count(failures)} failed; what was lost counts as failed"},
        {
            "label": "Claimed cells passed",
            "value": f"{sum(one.answer == 'PASSED' for one in facts.claimed)} of {len(facts.claimed)}",
            "note": _outside(facts),
        },
    ]
    pairs = [one.baseline for one in facts.claimed if one.baseline is not None]
    if facts.baseline is not None:
        worse, better, same = sum(one.worse for one in pairs), sum(one.better for one in pairs), sum(one.pairs for one in pairs)
        note = f"{count(worse)} failed only now, {count(better)} only then, of {count(same)} cases of both"
        found.append({"label": "Against the baseline", "value": f"{count(worse)} worse, {count(better)} better", "note": note})
    else:
        found.append({"label": "Against the baseline", "value": "not compared", "note": "no evidence of a baseline was given"})
    found.append({"label": "Open defeaters", "value": str(len(argument.open)), "note": "each blocks what rests on it"})
    found.append(
        {
            "label": "The verdict counts until",
            "value": f"{facts.summary.expires:%Y-%m-%d}",
            "note": f"number {facts.summary.sequence} on this product and model",
        }
    )
    return found


def _estimate(facts: Facts) -> str:
    return "unknown" if facts.risk is None or facts.risk.estimate is None else share(facts.risk.estimate)


def _interval(facts: Facts, confidence: str) -> str:
    if facts.risk is None:
        return "how much is driven in each cell is not known"
    return f"{between(facts.risk.interval)}, {confidence} confidence, over {share(facts.risk.exposure)} of what is driven"


def _outside(facts: Facts) -> str:
    outside = [one.cell for one in facts.cells if one.answer == "OUTSIDE ODD"]
    return f"not claimed: {_some(outside, 3)}" if outside else "nothing that was driven lies outside of the claim"


def _open(argument: Argument) -> list[View]:
    """Those that only other evidence resolves come first."""
    return [
        {"id": unquote(one.id), "challenges": unquote(one.challenges), "text": one.text, "by": one.raised_by, "final": one.final}
        for one in sorted(argument.open, key=lambda one: not one.final)
    ]


def _undeveloped(argument: Argument) -> list[View]:
    return [{"id": unquote(one.id), "text": one.text} for one in argument.undeveloped]


def _risk(facts: Facts) -> View:
    return {
        "how": _how(facts),
        "cells": [_cell(one) for one in facts.cells],
    }


def _how(facts: Facts) -> str:
    """What the figures are, in words."""
    rules = facts.rules
    exact = "the exact interval" if rules.stopping == "fixed" else "an interval that is valid whenever the campaign stopped,"
    avoided = f"the {rules.reference} driver of UN R157, driven through the same case, would have prevented it"
    counted = f"it was the car's fault, or when {avoided}" if rules.fault == "judge-and-reference" else avoided
    return (
        f"How likely a run fails, in each cell of the operational design domain, with {exact} at {100 * rules.confidence:g} % confidence "
        f"for the cell by itself. A collision counts as a failure when {counted}. What is lost, aborted or overdue counts as failed."
    )


def _cell(one: CellFacts) -> View:
    return {
        "cell": one.cell,
        "odd": ", ".join(f"{attribute}: {term}" for attribute, term in one.odd.items()),
        "answer": one.answer,
        "exposure": share(one.exposure),
        "runs": count(one.runs) + (f" of {count(one.planned)}" if one.planned is not None and one.runs < one.planned else ""),
        "failures": count(one.failures),
        "other": _other(one),
        "estimate": "" if one.estimate is None else share(one.estimate),
        "interval": "" if one.share is None else between(one.share),
        "limit": "" if one.limit is None else share(one.limit),
        "unknown": share(one.unknown) if one.limit is not None else "",
        "reasons": list(one.reasons),
    }


def _other(one: CellFacts) -> str:
    """What else there is to know of a cell's runs."""
    told = [f"{count(number)} {name.replace('-', ' ')}" for name, number in sorted(one.counts.items()) if name in SILENT]
    if one.forgiven:
        told.append(f"{count(one.forgiven)} failed that the policy does not count, for the reference driver would have fared no better")
    if one.hidden[0]:
        told.append(f"{count(one.hidden[0])} of hidden suites, of which {count(one.hidden[1])} failed")
    return ", ".join(told)


def _coverage(facts: Facts) -> list[View]:
    return [
        {
            "name": one.name,
            "told": f"{count(one.covered)} of {count(one.possible)}",
            "share": share(one.covered / one.possible) if one.possible else "",
            "part": one.covered / one.possible if one.possible else 0.0,
            "holes": list(one.holes[:12]),
            "more": max(0, one.possible - one.covered - 12) if len(one.holes) > 12 or one.possible - one.covered > len(one.holes) else 0,
        }
        for one in facts.coverage
    ]


def _baseline(facts: Facts) -> View | None:
    if facts.baseline is None:
        return None
    then, now = facts.baseline.provenance.release, facts.provenance.release
    return {
        "told": f"From {then.name} {then.version} ({facts.baseline.file}) to {now.name} {now.version}.",
        "verdicts": [
            {"cell": one.cell, "before": one.before or "no verdict", "after": one.answer} for one in facts.cells if one.before != one.answer
        ],
        "cells": [_paired(one.cell, one.baseline) for one in facts.cells if one.baseline is not None],
        "inputs": [
            {"name": one.name, "before": one.before[:16] or "was not there", "after": one.after[:16] or "is not there"}
            for one in facts.changes
        ],
        "worse": ", ".join(map(str, facts.baseline.worse)),
    }


def _paired(cell: str, pairs: Paired) -> View:
    low, high = (points(float(end)) for end in (pairs.difference.low, pairs.difference.high))
    return {
        "cell": cell, "pairs": count(pairs.pairs), "worse": count(pairs.worse), "better": count(pairs.better), "p": p_value(pairs.p_worse),
        "difference": f"{low} to {high}",
    }  # fmt: skip


def _ranked(facts: Facts) -> View:
    """files: whether a replay is a file that a browser cannot show by itself."""
    files = any(one.replay.endswith(".replay") for one in facts.worst)
    return {"ranking": RANKING, "runs": [_worst(one) for one in facts.worst], "files": files}


def _worst(one: WorstRun) -> View:
    impact = one.measures.get("impact_mps")
    ttc = one.measures.get("ttc_min_s")
    saved = [name for name, would in one.preventable.items() if would]
    return {
        "case": str(one.case),
        "scenario": one.scenario,
        "cell": one.cell,
        "outcome": one.outcome,
        "why": one.why,
        "impact": "" if impact is None else f"{measure(kmh_from_mps(impact))} km/h",
        "ttc": "" if ttc is None else f"{measure(ttc)} s",
        "collision": bool(one.collision),
        "preventable": (", ".join(saved) or "by none that was asked") if one.preventable else "",
        "parameters": ", ".join(f"{name} {_rounded(value)}" for name, value in one.parameters.items()),
        "replay": one.replay,
    }


def _rounded(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _credibility(facts: Facts) -> View | None:
    if facts.credibility is None:
        return None
    met = {True: "met", False: "not met", None: "not measured"}
    return {
        "sections": [
            {
                "title": section.title,
                "items": [
                    {"name": one.name, "criterion": one.criterion, "measured": one.measured, "met": met[one.met], "sentence": one.sentence}
                    for one in section.items
                ],
            }
            for section in facts.credibility.sections
        ]
    }


def _filing(one: Any) -> View:
    return {
        "title": one.title,
        "told": one.told,
        "rows": [{"label": row.label, "value": row.value, "source": row.source} for row in one.rows],
    }


def _evidence(facts: Facts) -> View:
    runs, ran = facts.summary.runs, facts.provenance
    return {
        "file": facts.verified.file,
        "digests": [
            {"name": "evidence file", "digest": facts.evidence},
            {"name": "release", "digest": ran.release.digest},
            {"name": "policy", "digest": facts.policy.digest},
            {"name": "runs.jsonl", "digest": runs.sha256},
            {"name": "root over the runs", "digest": runs.root},
        ],
        "inputs": [{"name": one.name, "digest": one.digest} for one in ran.inputs],
        "signed": [{"part": part.removesuffix(".dsse.json"), "by": ", ".join(people)} for part, people in facts.verified.signers.items()],
        "times": [
            {"name": "policy issued", "at": minute(facts.policy.issued)},
            {"name": "driving began", "at": minute(ran.started)},
            {"name": "driving ended", "at": minute(ran.finished)},
            {"name": "verdict", "at": minute(facts.summary.verified)},
            {"name": "verdict counts until", "at": minute(facts.summary.expires)},
        ],
        "runner": ran.runner,
        "marque": ran.marque,
    }
