"""Decisions about releases: what may be drafted, which evidence counts, what is signable, where a release stands. No clock, no database."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marque.alliance.signing import PersonKey
from marque.common import Refusal
from marque.proof.evidence import Report
from marque.release.model import Cell, Change, Draft, Purpose, Release, Repository, Stage, State
from marque.release.repository.roles import EACH, KEEP

SPARE = 1
"""Keys of a party beyond those that have to sign: one can be lost, and nothing stops."""
MOST_KEYS = 16
MOST_IMAGES = 64
MOST_NAMES = 100
LONGEST_NOTE = 4_000
_RELEASE = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_MODEL = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_LARGEST = 2**31 - 1


def draft(given: Draft, known: Iterable[tuple[str, str, str]]) -> Refusal | None:
    """Whether this may be drafted. known: name, version and model of every release that is there."""
    if not _RELEASE.fullmatch(given.name) or not _RELEASE.fullmatch(given.version):
        return Refusal("a release's name and version are of lower-case letters, digits, dots, underscores and hyphens, 80 at most")
    if not _MODEL.fullmatch(given.model):
        return Refusal("a vehicle model is named in lower-case letters, digits, dots, underscores and hyphens, 40 at most")
    if not _DIGEST.fullmatch(given.digest):
        return Refusal("the release's digest is 64 lower-case hexadecimal digits, as its evidence names it")
    if not given.markets or not _names(given.markets):
        return Refusal("a release names at least one market, each once, in letters, digits, dots, underscores and hyphens")
    if not _rxswin(given.rxswin):
        return Refusal("an RXSWIN stands beside the regulation that it is for, each in at most 200 characters")
    spans = given.conflicts.values()
    if not _names([*given.requires]) or not _names([*given.conflicts]) or not all(1 <= one <= _LARGEST for one in given.requires.values()):
        return Refusal("what a release requires or conflicts with is named with counters: whole numbers from 1 on")
    if not all(0 <= first <= last <= _LARGEST for first, last in spans):
        return Refusal("a conflict is with counters from a first to a last one")
    if given.entitlement and not _WORD.fullmatch(given.entitlement):
        return Refusal("an entitlement is named in at most 200 characters")
    if len(given.note) > LONGEST_NOTE or "\0" in given.note:
        return Refusal("a note has at most 4,000 characters")
    if (given.name, given.version, given.model) in set(known):
        details = {"release": f"{given.name} {given.version}", "model": given.model}
        return Refusal("there is this version already for this model, and a version never changes", details)
    return None


def unsettled(release: Release) -> bool:
    """Whether images and evidence may still change: nobody was asked to sign them, or the asking was dropped."""
    return release.change is None


def path_of(release: Release, file: str) -> str:
    """Of an image as a target: `MODEL/RELEASE-VERSION/FILE`, within what the model's roles are trusted for."""
    return f"{release.model}/{release.name}-{release.version}/{file}"


def image(release: Release, file: str, role: str, hardware: Sequence[str], repository: Repository | None = None) -> Refusal | None:
    """Whether a file may be added. repository: where the model is delegated already, its ECUs' hardware ids are known."""
    if not unsettled(release):
        return Refusal("images change only before signatures are asked for", {"stage": release.stage})
    if not _FILE.fullmatch(file):
        return Refusal("an image's name has letters, digits, dots, underscores and hyphens, 120 at most")
    if not _NAME.fullmatch(role) or not hardware or not _names(hardware):
        return Refusal("an image is for one ECU role and at least one hardware id, in letters, digits, dots, underscores and hyphens")
    if len(release.images) >= MOST_IMAGES:
        return Refusal("a release has at most 64 images")
    path = path_of(release, file)
    if any(one.path == path or (one.role == role and set(one.hardware) & set(hardware)) for one in release.images):
        return Refusal(
            "there is an image with this name, or for this ECU role and hardware; take it away first", {"role": role, "path": path}
        )
    known = repository.models.get(release.model) if repository is not None and repository.begun else None
    if known and not set(hardware) <= set(known):
        details = {"unknown": ", ".join(sorted(set(hardware) - set(known))), "delegated": ", ".join(known)}
        return Refusal("the model's roles are not trusted for this hardware; a new root has to name it first", details)
    return None


def evidence(release: Release, report: Report, parties: Sequence[str], withdrawn: Collection[str], sha256: str) -> Refusal | None:
    """Whether verified evidence proves this release.

    parties: whose verdict it has to be, at least. withdrawn: evidence that counts no longer.
    """
    if not unsettled(release):
        return Refusal("evidence changes only before signatures are asked for", {"stage": release.stage})
    if not report.ok:
        told = {f"finding {number}": f"{one.file}: {one.problem}" for number, one in enumerate(report.findings[:20], 1)}
        return Refusal("the evidence does not hold", told)
    if sha256 in withdrawn:
        return Refusal("this evidence was withdrawn", {"evidence": sha256})
    assert report.release is not None
    assert report.policy is not None
    if (report.release.name, report.release.version) != (release.name, release.version):
        details = {"evidence": f"{report.release.name} {report.release.version}", "release": f"{release.name} {release.version}"}
        return Refusal("the evidence is of another release", details)
    if report.release.digest != release.digest:
        return Refusal("the evidence is of other code than the release", {"evidence": report.release.digest, "release": release.digest})
    if report.model != release.model:
        return Refusal("the evidence is of another vehicle model", {"evidence": report.model, "release": release.model})
    if not set(parties) <= set(report.policy.parties):
        details = {"evidence": ", ".join(report.policy.parties), "agreement": ", ".join(parties)}
        return Refusal("not all who sign releases have judged this evidence", details)
    return passed([Cell(one.model, one.cell, one.answer, one.reasons) for one in report.verdicts], release.model)


def passed(cells: Sequence[Cell], model: str) -> Refusal | None:
    """The gate: no cell failed, and one of the model passed. What lies outside the design domain says nothing either way."""
    if failed := [one for one in cells if one.answer == "FAILED"]:
        return Refusal("the gate says FAILED", {one.cell: "; ".join(one.reasons) or "FAILED" for one in failed[:20]})
    if not any(one.answer == "PASSED" and one.model == model for one in cells):
        return Refusal("no cell of the design domain passed for this model", {"model": model})
    return None


def signable(release: Release, repository: Repository, published: int, open_: Sequence[Change], now: datetime) -> Refusal | None:
    """Whether its role files may be drafted. published: the highest counter published of this name and model; open_: changes under way."""
    if not unsettled(release):
        return Refusal("signatures were asked for already", {"stage": release.stage})
    if not release.images:
        return Refusal("a release has an image, and this one has none")
    if (unproven := holds(release, now)) is not None:
        return unproven
    if (closed := usable(repository)) is not None:
        return closed
    if release.model not in repository.models:
        return Refusal("the repository delegates nothing to this model; a new root has to name it first", {"model": release.model})
    known = repository.models[release.model]
    if unknown := sorted({one for image in release.images for one in image.hardware} - set(known)) if known else []:
        details = {"unknown": ", ".join(unknown), "delegated": ", ".join(known)}
        return Refusal("the model's roles are not trusted for this hardware; a new root has to name it first", details)
    if release.counter <= published:
        return Refusal(
            "a higher counter is published already; draft it again", {"counter": str(release.counter), "published": str(published)}
        )
    return undisturbed(open_)


def holds(release: Release, now: datetime) -> Refusal | None:
    """Whether its evidence proves it at this instant; asked again with every signature."""
    if release.evidence is None:
        return Refusal("nothing is signed without evidence that passed the gate; attach it first")
    if release.withdrawn is not None:
        return Refusal("this evidence was withdrawn", {"evidence": release.withdrawn.evidence})
    if not release.evidence.verified <= now < release.evidence.expires:
        return Refusal("the evidence has expired; prove the release again", {"expired": release.evidence.expires.isoformat()})
    return passed(release.evidence.cells, release.model)


def usable(repository: Repository) -> Refusal | None:
    """Whether anything can be signed in a repository as the agreement stands."""
    if not repository.begun:
        return Refusal("the repository is not begun; both partners name their keys and sign its first root")
    if repository.outdated:
        details = {"root": ", ".join(repository.parties), "agreement": ", ".join(repository.deciders)}
        return Refusal("others decide by the agreement than the root says; a new root has to be signed first", details)
    return None


def undisturbed(open_: Sequence[Change]) -> Refusal | None:
    """Two changes of the same files would overwrite each other; a list of withdrawals is a file of its own."""
    if standing := [one for one in open_ if one.state is State.OPEN and one.purpose is not Purpose.WITHDRAWAL]:
        return Refusal("another change waits for signatures; have it signed or drop it first", {"change": standing[0].title})
    return None


def keys(named: Sequence[PersonKey], now: datetime, each: int = EACH) -> Refusal | None:
    """Whether these may be an organisation's release keys: valid ones, each of another person, one more than have to sign."""
    if not each + SPARE <= len(named) <= MOST_KEYS:
        return Refusal(
            "name enough keys, so that one may be lost",
            {"at least": str(each + SPARE), "at most": str(MOST_KEYS), "named": str(len(named))},
        )
    if len({one.person for one in named}) < len(named) or len({one.id for one in named}) < len(named):
        return Refusal("each release key is of another person")
    if late := [one for one in named if not one.counts_at(now)]:
        return Refusal("a key that is revoked or not valid now cannot be named", {"key": late[0].id})
    return None


@dataclass(frozen=True)
class Standing:
    """What was done with a release, as rows tell. newer: published releases of its name and model with a higher counter, in that order."""

    proven: bool
    change: State | None = None
    withdrawn: bool = False
    newer: tuple[UUID, ...] = ()


def stage(done: Standing) -> Stage:
    """Where a release stands."""
    if done.withdrawn:
        return Stage.WITHDRAWN
    if done.change is State.IN_FORCE:
        return Stage.SUPERSEDED if done.newer else Stage.PUBLISHED
    if done.change is State.OPEN:
        return Stage.SIGNING
    return Stage.PROVEN if done.proven else Stage.DRAFT


def listed(done: Standing) -> bool:
    """Whether the repository still lists it: the newest of a name and model are, so many that cars on their way to one can arrive."""
    return len(done.newer) < KEEP


def withdrawal(reason: str, releases: Sequence[Release], evidence_: str, by: str) -> Refusal | None:
    """Whether evidence may be withdrawn. releases: those that rest on it."""
    if not releases:
        return Refusal("no release rests on this evidence", {"evidence": evidence_})
    if not 0 < len(reason.strip()) <= LONGEST_NOTE or "\0" in reason:
        return Refusal("a withdrawal has a reason of at most 4,000 characters")
    if any(one.withdrawn is not None and one.withdrawn.organisation == by for one in releases):
        return Refusal("your organisation has withdrawn this evidence already")
    return None


def _names(given: Collection[str]) -> bool:
    listed_ = list(given)
    return len(listed_) <= MOST_NAMES and len(set(listed_)) == len(listed_) and all(map(_NAME.fullmatch, listed_))


def _rxswin(given: Mapping[str, str]) -> bool:
    return len(given) <= MOST_NAMES and all(_WORD.fullmatch(one) for one in [*given, *given.values()])
