"""Tables that authorities ask for when the software of a vehicle changes, filled from a release's evidence and from nothing else.

UN R156 (2021): what paragraph 7.1.2 has the manufacturer keep of each update, and the register of each RXSWIN. China: notice [2025] No. 45
of MIIT and SAMR, 25 February 2025, on admission, recall and OTA upgrades of intelligent connected vehicles: what is filed before one.
Neither prescribes this form. What the evidence does not hold stands there as not held; each value names the file and the field it is from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from marque.proof.evidence import archive
from marque.proof.evidence.statements import RUNS, VERDICTS
from marque.proof.report.argument.words import counted, day, listed, percent
from marque.proof.report.facts import BaselineFacts, Change, Facts, Paired

NOT_HELD = "not in this evidence"
_INPUTS = ("predicate", "buildDefinition", "resolvedDependencies")
_WHEN = (("metadata", "startedOn"), ("metadata", "finishedOn"), ("builder", "id"))
_SOFTWARE = ("code", "lock")


@dataclass(frozen=True)
class Source:
    """A field of a signed part. file: in the evidence; in another's, after that one's name. path: keys of its JSON text, names of items."""

    file: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.file}{': ' if self.path else ''}{' › '.join(self.path)}"


@dataclass(frozen=True)
class Row:
    """sources: where the value is from; none for what is not held."""

    label: str
    value: str = NOT_HELD
    sources: tuple[Source, ...] = ()

    @property
    def held(self) -> bool:
        return self.value != NOT_HELD

    @property
    def source(self) -> str:
        return "; ".join(map(str, self.sources))


@dataclass(frozen=True)
class Filing:
    """A table. told: what it is by, and what it is not."""

    title: str
    told: str
    rows: tuple[Row, ...]


def rxswin(facts: Facts) -> Filing:
    """In the order of UN R156, 7.1.2.1 to 7.1.2.5."""
    release = facts.provenance.release
    rows = [
        Row("Processes for software updates (7.1.2.1)"),
        Row("RXSWIN, as the manufacturer assigned it (2.2, 7.1.2.3)"),
        _release("Software that the RXSWIN stands for: name and version", facts),
        Row("Its integrity validation data (SHA-256 of name, version, code and lock)", release.digest, (_about("release"),)),
        _before("Software before the update", facts),
        *_parts(facts),
        Row("Hardware of the type-approved systems (7.1.2.2)"),
        *_parameters(facts),
        _model("Target vehicles: model (7.1.2.4)", facts),
        Row("Target vehicles: which ones"),
        Row("Compatibility with their last known configuration (7.1.2.4)"),
        Row("Purpose of the update (7.1.2.5 a)"),
        _changed("Systems and functions the update may affect, by what changed (7.1.2.5 b)", facts),
        Row("Which of these are type-approved (7.1.2.5 c)"),
        _verdicts("Whether requirements are still fulfilled, as far as was driven (7.1.2.5 d)", facts),
        _measure("By what that was judged", facts),
        Row("Whether parameters of a type approval are affected (7.1.2.5 e)"),
        Row("Whether an approval was sought (7.1.2.5 f)"),
        Row("How, and under what conditions, the update is executed (7.1.2.5 g)"),
        Row("Confirmation that it is executed safely and securely (7.1.2.5 h)"),
        *_verified("Verification and validation (7.1.2.5 i)", facts),
        *_signed(facts),
    ]
    return Filing(
        "Software update record, after UN R156 (RXSWIN)",
        "Items of UN Regulation No. 156, 7.1.2, as far as evidence of driving in simulation can fill them. The manufacturer assigns the "
        "RXSWIN and answers for the rest.",
        tuple(rows),
    )


def ccam(facts: Facts) -> Filing:
    """In the order in which the notice and the practice of filing name them: enterprise, models and functions, activity, proof."""
    rows = [
        Row("Enterprise's management capability (企业管理能力)"),
        _model("Vehicle model (车型)", facts),
        _release("Function and its version (功能)", facts),
        Row("Level of driving automation, GB/T 40429 (驾驶自动化等级)"),
        _domain("System boundary: design domain (系统边界)", facts),
        Row("Safety response when it is left (安全响应措施)"),
        Row("Driver monitoring (驾驶员监测)"),
        Row("Purpose of the upgrade (升级目的)"),
        _before("Version before (升级前版本)", facts),
        _changed("Content of the upgrade, by what changed (升级内容)", facts),
        *_parts(facts),
        Row("ECU hardware versions (硬件版本)"),
        Row("Vehicles concerned: number and range (升级范围)"),
        _technical("Main technical parameters (产品主要技术参数)", facts),
        Row("Class of the upgrade, which those decide (分类管理)"),
        Row("Whether it removes a defect, as a recall (召回)"),
        _effects("Effect on what was shown before (升级影响)", facts),
        Row("Duration, precautions and notice to users (告知)"),
        Row("Servers: addresses and domains (IP、域名)"),
        *_verified("Tests and verification (测试验证)", facts),
        _measure("By what it was judged (评价准则)", facts),
        _verdicts("Result by cell of the design domain (验证结果)", facts),
        _suites(facts),
        Row("Reports of incidents and accidents (事件事故报告)"),
        *_signed(facts),
    ]
    return Filing(
        "OTA upgrade filing, after notice [2025] No. 45 (工信部联通装〔2025〕45号)",
        "Items that the notice of MIIT and SAMR and the practice of filing name, as far as evidence of driving in simulation can fill "
        "them. The form that is filed is the authorities' own.",
        tuple(rows),
    )


def _ran(*path: str) -> Source:
    return Source(archive.PROVENANCE, path)


def _about(note: str) -> Source:
    """A note on the runs, which are the provenance's subject."""
    return _ran("subject", archive.RUNS, "annotations", note)


def _ruled(*path: str) -> Source:
    return Source(archive.POLICY, path)


def _concluded(*path: str) -> Source:
    return Source(archive.SUMMARY, ("predicate", *path))


def _release(label: str, facts: Facts) -> Row:
    release = facts.provenance.release
    value = f"{release.name} {release.version} ({release.uri})"
    return Row(label, value, (_ran("predicate", "buildDefinition", "externalParameters", "release"),))


def _model(label: str, facts: Facts) -> Row:
    return Row(label, facts.provenance.model, (_ran("predicate", "buildDefinition", "externalParameters", "model"),))


def _then(before: BaselineFacts, *path: str) -> Source:
    return Source(f"{before.file} › {archive.PROVENANCE}", path)


def _before(label: str, facts: Facts) -> Row:
    if (before := facts.baseline) is None:
        return Row(label)
    release = before.provenance.release
    return Row(
        label,
        f"{release.name} {release.version} ({release.uri}), SHA-256 {release.digest}",
        (
            _then(before, "predicate", "buildDefinition", "externalParameters", "release"),
            _then(before, "subject", archive.RUNS, "annotations", "release"),
        ),
    )


def _parts(facts: Facts) -> Iterable[Row]:
    """Each package of code and each lock: its digest, and the one before where it was another."""
    changes = {one.name: one for one in facts.changes}
    for one in facts.provenance.inputs:
        if one.kind in _SOFTWARE:
            changed = changes.get(one.name)
            yield Row(f"Software part {one.name}: SHA-256", f"{one.digest}{_was(changed, facts)}", _places(one.name, changed, facts))
    for change in facts.changes:
        if change.kind in _SOFTWARE and not change.after and facts.baseline is not None:
            yield Row(f"Software part {change.name}", f"no more; before: {change.before}", (_then(facts.baseline, *_INPUTS, change.name),))


def _was(change: Change | None, facts: Facts) -> str:
    if facts.baseline is None:
        return ""
    if change is None:
        return "; the same before"
    return f"; before: {change.before}" if change.before else "; new"


def _places(name: str, change: Change | None, facts: Facts) -> tuple[Source, ...]:
    then = (_then(facts.baseline, *_INPUTS, name),) if facts.baseline is not None and change is not None and change.before else ()
    return (_ran(*_INPUTS, name), *then)


def _parameters(facts: Facts) -> Iterable[Row]:
    for one in facts.provenance.inputs:
        if one.kind == "model":
            yield Row(f"Vehicle parameters {one.name}: SHA-256 (7.1.2.2)", one.digest, (_ran(*_INPUTS, one.name),))


def _changed(label: str, facts: Facts) -> Row:
    if (before := facts.baseline) is None:
        return Row(label)
    told = [f"{one.name} ({'new' if not one.before else 'gone' if not one.after else 'changed'})" for one in facts.changes]
    return Row(label, "; ".join(told) or "no input of the runs has changed", (_ran(*_INPUTS), _then(before, *_INPUTS)))


def _technical(label: str, facts: Facts) -> Row:
    """What the evidence knows of the vehicle; whether a parameter is a main one, the authority says."""
    if (before := facts.baseline) is None:
        return Row(label)
    changed = [one.name for one in facts.changes if one.kind == "model"]
    told = f"changed in this evidence: {listed(changed)}" if changed else "the vehicle's parameters in this evidence are those of before"
    return Row(label, told, (_ran(*_INPUTS), _then(before, *_INPUTS)))


def _domain(label: str, facts: Facts) -> Row:
    cells = []
    for cell, limit in sorted(facts.rules.limits.items()):
        known = next((one for one in facts.claimed if one.cell == cell), None)
        terms = "; ".join(f"{attribute}: {term}" for attribute, term in known.odd.items()) if known is not None else ""
        cells.append(f"{cell}{f' ({terms})' if terms else ''}, limit {percent(limit)}")
    outside = f". Outside: {listed(facts.rules.outside)}" if facts.rules.outside else ""
    suites = [one.name for one in facts.provenance.inputs if one.kind == "suite"] if any(one.odd for one in facts.claimed) else []
    places = (_ruled("rules", "limits"), _ruled("rules", "outside"), *(Source(one, ("cells",)) for one in suites))
    return Row(label, f"{'; '.join(cells)}{outside}", places)


def _verdicts(label: str, facts: Facts) -> Row:
    told = "; ".join(f"{one.cell}: {one.answer}" for one in facts.summary.verdicts)
    return Row(label, told, (_concluded(VERDICTS, "verdicts"),))


def _effects(label: str, facts: Facts) -> Row:
    if facts.baseline is None:
        return Row(label)
    told = [f"{one.cell}: {one.before or 'no verdict'} before, {one.answer} now{_pairs(one.baseline)}" for one in facts.cells]
    then = Source(f"{facts.baseline.file} › {archive.SUMMARY}", ("predicate", VERDICTS, "verdicts"))
    return Row(label, "; ".join(told), (_concluded(VERDICTS, "verdicts"), then, Source(archive.RUNS)))


def _pairs(paired: Paired | None) -> str:
    if paired is None:
        return ""
    return f" ({paired.worse:,} of {counted(paired.pairs, 'case')} failed only now, {paired.better:,} only before)"


def _measure(label: str, facts: Facts) -> Row:
    rules = facts.rules
    value = f"reference driver {rules.reference}; {100.0 * rules.confidence:g} % confidence over all cells together"
    return Row(label, value, (_ruled("rules", "reference"), _ruled("rules", "confidence")))


def _suites(facts: Facts) -> Row:
    suites = [one for one in facts.provenance.inputs if one.kind == "suite"]
    told = [f"{one.name} {one.digest}{' (hidden until the run)' if one.salt else ''}" for one in suites]
    return Row("Suites of scenarios: SHA-256 (测试场景)", "; ".join(told), tuple(_ran(*_INPUTS, one.name) for one in suites))


def _verified(label: str, facts: Facts) -> Sequence[Row]:
    summary, counts = facts.summary, facts.test_result.counts
    told = "; ".join(f"{cell}: {_outcomes(found)}" for cell, found in sorted(counts.items()))
    return (
        Row(f"{label}: result", "PASSED" if summary.passed else "FAILED", (_concluded("verificationResult"),)),
        Row(
            f"{label}: runs in simulation",
            f"{counted(summary.runs.lines, 'run')}; {told}",
            (Source(archive.TEST_RESULT, ("predicate", RUNS, "lines")), Source(archive.TEST_RESULT, ("predicate", RUNS, "counts"))),
        ),
        Row(
            f"{label}: when driven",
            f"{day(facts.provenance.started)} to {day(facts.provenance.finished)}, by {facts.provenance.runner}",
            tuple(_ran("predicate", "runDetails", *path) for path in _WHEN),
        ),
    )


def _outcomes(found: Mapping[str, int]) -> str:
    return listed(f"{number:,} {outcome}" for outcome, number in sorted(found.items()))


def _signed(facts: Facts) -> Sequence[Row]:
    summary = facts.summary
    rows = [
        Row("Evidence file: SHA-256", facts.evidence, (Source(facts.verified.file),)),
        Row("Runs: SHA-256 of runs.jsonl", summary.runs.sha256, (_concluded(VERDICTS, "runs", "sha256"),)),
        Row("Policy: SHA-256", facts.policy.digest, (_concluded("policy", "digest", "sha256"),)),
        Row(
            "Verdict: number, day, and until when it counts",
            f"number {summary.sequence}, {day(summary.verified)}, until {day(summary.expires)}",
            (_concluded(VERDICTS, "sequence"), _concluded("timeVerified"), _concluded(VERDICTS, "expires")),
        ),
    ]
    for name in archive.ENVELOPES:
        people = facts.verified.signers.get(name, {})
        told = listed(f"{organisation} (person {person})" for organisation, person in sorted(people.items()))
        rows.append(Row(f"Signed: {name.removesuffix('.dsse.json')}", told, (Source(name, ("signatures",)),)))
    return rows
