"""Offline verification of an evidence file: every link of the chain, and which one is broken.

policy (both partners, before the run) ← provenance and test result (who ran it) ← verification summary (both partners) ← the reader's
release, time and newest verdict; the runs hang on all three statements by their Merkle root. Needs the file, the directories of keys and
the present; no server, no database, no network. What follows from a broken link is not told as a further one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from marque.proof.evidence import archive, envelopes, runs_check, trust
from marque.proof.evidence.archive import ENVELOPES, POLICY, PROVENANCE, SUMMARY, TEST_RESULT, Archive, Broken
from marque.proof.evidence.envelopes import Signed
from marque.proof.evidence.findings import Finding, Latest, Link, Report
from marque.proof.evidence.lines import Scan, scan
from marque.proof.evidence.policy import PROOF_POLICY, Policy, opens, read_policy
from marque.proof.evidence.statements import (
    IN_TOTO,
    Provenance,
    Summary,
    TestResult,
    read_provenance,
    read_summary,
    read_test_result,
    release_digest,
)
from marque.proof.evidence.trust import Trusted

_AGAIN = "Get the evidence again from whoever sealed it; if it comes like this, have it sealed again from the campaign's own files."
_SWAPPED = "Seal the evidence with the very files that both partners signed the summary on."
_RERUN = "Run the campaign again under a policy that both partners signed before it began."
_LINKS: Mapping[str, Link] = {POLICY: "policy", PROVENANCE: "provenance", TEST_RESULT: "test result", SUMMARY: "summary"}


def verify(
    file: Path,
    directories: Mapping[str, bytes],
    *,
    now: datetime,
    release: str | None = None,
    latest: Latest | None = None,
    inputs: Mapping[str, str] | None = None,
    opened: Mapping[str, str] | None = None,
) -> Report:
    """Check an evidence file. Raises OSError when it cannot be opened; everything wrong with it is a finding.

    directories: each partner's directory of keys, by organisation, as it came from that organisation itself. now: UTC.
    release: the digest of the release in hand; latest: the newest verdict seen on this product and model; inputs: digests of inputs that
    the reader knows, by name (`model/vela`); opened: by SHA-256 of a hidden suite or commitment to one that the reader has seen opened, the
    digest of the release that it was opened for. Each is checked when given.
    """
    known = trust.trusted(directories)
    if not isinstance(known, Trusted):
        return Report(file.name, tuple(known))
    try:
        with archive.opened(file, known.organisations) as held:
            check = _Check(held, known)
            check.parts()
            check.chain()
            check.runs()
            check.conclusions()
            check.outside(now, release, latest, inputs or {})
            check.used(opened or {})
            return check.report(file.name)
    except Broken as fault:
        return Report(file.name, (Finding("archive", fault.file or file.name, fault.problem, _AGAIN),))


class _Check:
    """One file on its way through. What could not be read is None, and what hangs on it is not asked."""

    def __init__(self, file: Archive, known: Trusted) -> None:
        self.file, self.known = file, known
        self.found: list[Finding] = []
        self.signed: dict[str, Signed] = {}
        self.policy: Policy | None = None
        self.provenance: Provenance | None = None
        self.result: TestResult | None = None
        self.summary: Summary | None = None
        self.scan: Scan | None = None

    def tell(self, link: Link, file: str, problem: str, remedy: str, line: int | None = None, organisation: str | None = None) -> None:
        self.found.append(Finding(link, file, problem, remedy, line, organisation))

    def parts(self) -> None:
        """Each envelope by itself: its form, its signatures, its text, and that those have signed it who have to."""
        parties = self.known.organisations
        for name in ENVELOPES:
            answer = envelopes.opened(name, self.file[name], PROOF_POLICY if name == POLICY else IN_TOTO, self.known.keys)
            if isinstance(answer, Signed):
                self._read(name, answer)
            else:
                self.found.extend(answer)
        if self.policy is not None:
            if self.policy.parties != parties:
                self.tell(
                    "policy", POLICY, f"its parties are {', '.join(self.policy.parties)}, not {', '.join(parties)}",
                    "Give the directories of keys of exactly the policy's parties.",
                )  # fmt: skip
            self.found.extend(envelopes.by_all_of(self.signed[POLICY], parties, self.policy.issued))
        if self.provenance is not None:
            ran, at = (self.provenance.runner,), self.provenance.finished
            self.found.extend(envelopes.by_all_of(self.signed[PROVENANCE], ran, at))
            if self.result is not None:
                self.found.extend(envelopes.by_all_of(self.signed[TEST_RESULT], ran, at))
        if self.summary is not None:
            self.found.extend(envelopes.by_all_of(self.signed[SUMMARY], parties, self.summary.verified))

    def _read(self, name: str, signed: Signed) -> None:
        try:
            if name == POLICY:
                self.policy = read_policy(signed.payload)
            elif name == PROVENANCE:
                self.provenance = read_provenance(signed.payload)
            elif name == TEST_RESULT:
                self.result = read_test_result(signed.payload)
            else:
                self.summary = read_summary(signed.payload)
        except ValueError as fault:
            self.tell(_LINKS[name], name, str(fault), "Whoever makes it has to make and sign it again.")
        else:
            self.signed[name] = signed

    def chain(self) -> None:
        """That the parts are those of each other."""
        self._keys()
        if self.summary is not None:
            self._attestations(self.summary)
        told = self._told()
        policy, provenance, result, summary = self.policy, self.provenance, self.result, self.summary
        if provenance is not None and PROVENANCE not in told:
            if release_digest(provenance.release.name, provenance.release.version, provenance.inputs) != provenance.release.digest:
                self.tell("release", PROVENANCE, "code and locks that were run are not those of the release", _RERUN)
            if policy is not None and POLICY not in told:
                self._inputs(policy, provenance)
        told = self._told()
        for name, one in ((TEST_RESULT, result), (SUMMARY, summary)):
            if one is None or name in told:
                continue
            if policy is not None and POLICY not in told and one.policy != policy.digest:
                self.tell("policy", name, "it is about another policy than the one in the evidence", _SWAPPED)
            if provenance is not None and PROVENANCE not in told and one.release != provenance.release:
                self.tell("release", name, "it is about another release than the one that was run", _SWAPPED)

    def _told(self) -> set[str]:
        """Files of which something is told already."""
        return {one.file for one in self.found}

    def _keys(self) -> None:
        for organisation in self.known.organisations:
            name = archive.keys_file(organisation)
            sealed = self.file[name]
            if self.summary is not None and self.summary.keys.get(organisation) != hashlib.sha256(sealed).hexdigest():
                self.tell("keys", name, "it is not the directory that the summary was signed with", _AGAIN, organisation=organisation)
            elif (fault := trust.continues(organisation, sealed, self.known.directories[organisation])) is not None:
                self.found.append(fault)

    def _attestations(self, summary: Summary) -> None:
        """Which of the other envelopes is not the one that both partners signed the summary on."""
        rested = ENVELOPES[:-1]
        if summary.attestations.keys() != set(rested) or summary.keys.keys() != set(self.known.organisations):
            self.tell("summary", SUMMARY, f"it does not rest on {', '.join(rested)} and both partners' keys", "Make and sign it again.")
            return
        told = self._told()
        other = [name for name in rested if hashlib.sha256(self.file[name]).hexdigest() != summary.attestations[name] and name not in told]
        of_one_run = self.provenance is not None and self.result is not None and self.provenance.runs == self.result.runs
        if {PROVENANCE, TEST_RESULT} <= set(other) and of_one_run:
            self.tell("summary", SUMMARY, "it was signed on other evidence: provenance and test result are of another campaign", _SWAPPED)
            return
        for name in other:
            self.tell(_LINKS[name], name, "it is not the one that both partners signed the summary on", _SWAPPED)

    def _inputs(self, policy: Policy, provenance: Provenance) -> None:
        """That what was run is what the policy asks for."""
        given = {one.name: one for one in provenance.inputs}
        ran = given.get("policy")
        if ran is None or ran.digest != policy.digest:
            self.tell("input", PROVENANCE, "it was run under another policy: policy", _RERUN)
        for name, digest in policy.suites.items():
            if f"suite/{name}" not in given or given[f"suite/{name}"].digest != digest:
                self.tell("input", PROVENANCE, f"it is not the suite of the policy that was run: suite/{name}", _RERUN)
        for name, committed in policy.hidden.items():
            one = given.get(f"suite/{name}")
            if one is None or not opens(committed, one.digest, one.salt):
                problem = f"the policy's commitment to a hidden suite is not opened: suite/{name}"
                self.tell("hidden suite", PROVENANCE, problem, "Whoever hid the suite has to give its digest and salt; then sign again.")
        expected = {f"suite/{name}" for name in (*policy.suites, *policy.hidden)}
        for name in sorted(one.name for one in provenance.inputs if one.kind == "suite" and one.name not in expected):
            self.tell("input", PROVENANCE, f"the policy names no such suite: {name}", _RERUN)

    def runs(self) -> None:
        """The lines, against the root that was signed, and against the leaves beside them, which tell where."""
        told = self._told()
        stated = {
            name: one.runs for name, one in ((SUMMARY, self.summary), (TEST_RESULT, self.result), (PROVENANCE, self.provenance)) if one
        }
        member = self.file.members[archive.RUNS]
        self.scan = scan(self.file.data, member.start, member.end)
        sound = {name: runs for name, runs in stated.items() if name not in told} or stated
        if not sound:
            return
        agreeing = next((name for name, runs in sound.items() if runs == self.scan.runs), next(iter(sound)))
        truth = sound[agreeing]
        for name, runs in sound.items():
            if runs != truth:
                self.tell(_LINKS[name], name, f"it is about other runs than {agreeing}", _SWAPPED)
        self.found.extend(runs_check.against(truth, self.scan, self.file[archive.LEAVES]))

    def conclusions(self) -> None:
        """That the counts are those of the lines, and that each cell has a verdict that it can have."""
        told = self._told()
        if self.scan is None or told & {archive.RUNS}:
            return
        if self.result is not None and TEST_RESULT not in told and self.result.counts != self.scan.counts:
            cell = runs_check.differing(self.result.counts, self.scan.counts)
            self.tell("test result", TEST_RESULT, f"its counts are not those of the runs: cell {cell}", "Count again, and sign again.")
        if self.summary is None or self.provenance is None or told & {SUMMARY, PROVENANCE}:
            return
        for problem in runs_check.verdicts(self.summary, self.provenance.model, self.scan.counts):
            self.tell("summary", SUMMARY, problem, "The gate has to judge again, and both partners to sign what it says.")

    def outside(self, now: datetime, release: str | None, latest: Latest | None, inputs: Mapping[str, str]) -> None:
        """What the reader knows from elsewhere."""
        self._times(now)
        if self.provenance is not None:
            if release is not None and self.provenance.release.digest != release:
                self.tell(
                    "release", PROVENANCE, "it is about another release than the one in hand", "Ask for the evidence of this release."
                )
            for name, digest in sorted(inputs.items()):
                one = self.provenance.input(name)
                if one is None or one.digest != digest:
                    self.tell("input", PROVENANCE, f"it was run with another input than the one in hand: {name}", _RERUN)
        seen = self._latest()
        if seen is not None and latest is not None:
            problem = _older(seen, latest)
            if problem:
                self.tell("replay", SUMMARY, problem, "Ask both partners for the newest evidence; this one was replaced.")

    def used(self, opened: Mapping[str, str]) -> None:
        """That no hidden suite was known already, from another release."""
        for name, digests in self._opened().items():
            if self.provenance is not None and any(
                opened.get(one, self.provenance.release.digest) != self.provenance.release.digest for one in digests
            ):
                self.tell("hidden suite", PROVENANCE, f"it had been opened before, for another release: suite/{name}", _RERUN)

    def _opened(self) -> Mapping[str, tuple[str, ...]]:
        if self.policy is None or self.provenance is None:
            return {}
        found = {name: (committed, self.provenance.input(f"suite/{name}")) for name, committed in self.policy.hidden.items()}
        return {name: (committed, one.digest) for name, (committed, one) in found.items() if one is not None}

    def _times(self, now: datetime) -> None:
        policy, provenance, summary = self.policy, self.provenance, self.summary
        if policy is not None and provenance is not None:
            if policy.issued >= provenance.started:
                self.tell("time", POLICY, "the policy was signed after the run began", _RERUN)
            if provenance.started >= policy.expires:
                self.tell("expiry", POLICY, "the policy had expired when the run began", _RERUN)
        if provenance is not None and provenance.finished < provenance.started:
            self.tell("time", PROVENANCE, "the run ended before it began", _RERUN)
        if summary is None:
            return
        if provenance is not None and summary.verified < provenance.finished:
            self.tell("time", SUMMARY, "it was concluded before the run had ended", "Judge again, and sign again.")
        if policy is not None and not summary.verified < summary.expires <= policy.expires:
            self.tell("time", SUMMARY, "it would count longer than the policy, or not at all", "Judge again, and sign again.")
        if now < summary.verified:
            self.tell("time", SUMMARY, f"it is of the future: {summary.verified:%Y-%m-%d %H:%M:%S} UTC", "Look at this machine's clock.")
        if now >= summary.expires:
            self.tell(
                "expiry",
                SUMMARY,
                f"it expired: {summary.expires:%Y-%m-%d %H:%M:%S} UTC",
                "Prove the release again under a policy in force.",
            )

    def _latest(self) -> Latest | None:
        if self.summary is None or self.provenance is None:
            return None
        digest = hashlib.sha256(self.signed[SUMMARY].payload).hexdigest()
        return Latest(self.summary.release.name, self.provenance.model, self.summary.sequence, self.summary.verified, digest)

    def report(self, file: str) -> Report:
        signers = {name: {key.organisation: str(key.person) for key in one.keys} for name, one in self.signed.items()}
        summary = self.summary
        return Report(
            file=file,
            findings=tuple(self.found),
            release=self.provenance.release if self.provenance else None,
            model=self.provenance.model if self.provenance else "",
            policy=self.policy,
            runs=self.scan.runs if self.scan else None,
            counts=self.scan.counts if self.scan else {},
            verdicts=summary.verdicts if summary else (),
            signers=signers,
            verified=summary.verified if summary else None,
            expires=summary.expires if summary else None,
            latest=self._latest(),
            opened=self._opened(),
        )


def _older(seen: Latest, newest: Latest) -> str:
    if (seen.product, seen.model) != (newest.product, newest.model):
        return f"it is about {seen.product} and {seen.model}, the newest verdict in hand about {newest.product} and {newest.model}"
    if seen.sequence < newest.sequence:
        return f"an older verdict is replayed: its number is {seen.sequence}, the newest is {newest.sequence}"
    if seen.sequence == newest.sequence and seen.summary != newest.summary:
        return f"there are two verdicts of one number, {seen.sequence}"
    if seen.sequence > newest.sequence and seen.verified < newest.verified:
        return "its number is newer than the newest, its time older"
    return ""
