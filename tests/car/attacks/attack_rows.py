"""The attacks, and what becomes of each. `ROWS` is the table of docs/attacks.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import attack_moves as moves
from attack_moves import EVIL, HOUR, TOO_FAR
from attack_world import BOTH, BRAKE, NOW, ONLINE, PEOPLE, PILOT, ROLES, THIEF, World, delegated, evidence_of, sha256

from marque.car.attacks import Attack
from marque.car.uptane.claims import Reach

LEFT = "the primary's to see"
"""A secondary cannot know: it concerns another ECU, or needs timestamp and snapshot. It would install what is right for itself."""
NOTHING = "nothing for it"
"""The attack leaves the secondary without anything to install."""


@dataclass(frozen=True)
class Row:
    """group: who attacks, or with what. change: the attack, on the world after the next release.

    full, partial: the refusal that has to come; partial None: the same. start: the release that the car has. before: what the
    world was like when the car got it. wire: "endless" or "slow", and what is served so: repository and part of the path.
    """

    name: str
    group: str
    change: Callable[[World], object]
    full: Attack
    partial: Attack | str | None = None
    start: int = 1
    before: Callable[[World], object] | None = None
    wire: str = ""

    @property
    def of_partial(self) -> Attack | str:
        return self.full if self.partial is None else self.partial


A = Attack
WIRE, D_KEY, D_ROOT = "who is on the network", "who has the director's online key", "who would change the director's root"
ONLINE_KEYS, ROOT = "who has the image repository's online keys", "who would change the image repository's root"
PARTNER, PEOPLE_ = "one partner alone, with every online key besides", "both partners, by mistake"
ROWS = (
    Row("the director's file signed by a stranger", WIRE, moves.direct(signers=(THIEF,)), A.ARBITRARY_SOFTWARE),
    Row("one byte of the director's file changed", WIRE, lambda w: moves.raw(w, lambda raw: raw.replace(b"pilot-2", b"pilot-3", 1)),
        A.ARBITRARY_SOFTWARE),
    Row("an older file of the director", WIRE, lambda w: w.director.update({"targets.json": w.history[0][0]}), A.ROLLBACK, start=2),
    Row("the director's file after its expiry", WIRE, moves.direct(expires=NOW - HOUR), A.FREEZE),
    Row("another vehicle's file of the director", WIRE, moves.direct(vehicle="LVELA000000000002"), A.WRONG_VEHICLE),
    Row("a field twice in the director's file", WIRE, lambda w: moves.raw(w, moves.doubled_field),
        A.MALFORMED),
    Row("a timestamp in the place of the director's file", WIRE, lambda w: moves.raw(w, lambda _: w.image["timestamp.json"]), A.WRONG_ROLE),
    Row("the director's file withheld", WIRE, moves.without("targets.json"), A.MISSING),
    Row("a director's file without end", WIRE, moves.nothing, A.ENDLESS_DATA, wire="endless director/targets.json"),
    Row("a director's file that trickles", WIRE, moves.nothing, A.SLOW_RETRIEVAL, wire="slow director/targets.json"),
    Row("an older timestamp", WIRE, lambda w: w.image.update({"timestamp.json": w.history[0][1]}), A.ROLLBACK, LEFT, start=2),
    Row("a timestamp after its expiry", WIRE, lambda w: w.stamp(expires=NOW - HOUR), A.FREEZE, LEFT),
    Row("older role files under the new snapshot", WIRE, moves.older(ROLES, listed=False), A.MIX_AND_MATCH, A.ARBITRARY_SOFTWARE),
    Row("one byte of a role's file changed", WIRE, moves.role_raw(lambda raw: raw.replace(b"pilot-2", b"pilot-3", 1)),
        A.MIX_AND_MATCH, A.ARBITRARY_SOFTWARE),
    Row("a role's file withheld", WIRE, moves.without("vela-huawei"), A.MISSING),
    Row("a new withdrawal withheld", WIRE, moves.withheld_withdrawal, A.MISSING),
    Row("a role's file without end", WIRE, moves.nothing, A.ENDLESS_DATA, wire="endless image/vela-gac"),
    Row("a role's file that trickles", WIRE, moves.nothing, A.SLOW_RETRIEVAL, wire="slow image/vela-gac"),
    Row("another image than was signed for", WIRE, moves.content(lambda raw: raw[:-1] + b"!"), A.ARBITRARY_SOFTWARE),
    Row("an image that is cut off", WIRE, moves.content(lambda raw: raw[:-1]), A.ARBITRARY_SOFTWARE),
    Row("an image longer than was signed for", WIRE, moves.content(lambda raw: raw + b"!"), A.ENDLESS_DATA),
    Row("an image withheld", WIRE, lambda w: w.files.clear(), A.MISSING),
    Row("an image without end", WIRE, moves.nothing, A.ENDLESS_DATA, wire="endless targets/vela/pilot"),
    Row("an image that trickles", WIRE, moves.nothing, A.SLOW_RETRIEVAL, wire="slow targets/vela/pilot"),

    Row("software that nobody released", D_KEY, moves.evil_wanted, A.ARBITRARY_SOFTWARE),
    Row("a release with other bytes", D_KEY, moves.wanted("pilot", hashes={"sha256": sha256(EVIL)}, length=len(EVIL)),
        A.MIX_AND_MATCH),
    Row("a release with another version number", D_KEY, moves.wanted("pilot", version="9.0"), A.MIX_AND_MATCH),
    Row("a release with other evidence", D_KEY, moves.wanted("pilot", evidence=evidence_of(7)), A.EVIDENCE_SWAPPED),
    Row("a release said to have passed elsewhere", D_KEY, moves.wanted("pilot", verdict="WAIVED"), A.EVIDENCE_SWAPPED),
    Row("a release without claims", D_KEY, moves.no_claims, A.EVIDENCE_MISSING),
    Row("an older release", D_KEY, lambda w: w.want(1), A.ROLLBACK, start=2),
    Row("one ECU twice", D_KEY, moves.wanted("brake", ecus={PILOT: "vela-brake"}), A.DOUBLED_ECU),
    Row("an ECU that is not in this vehicle", D_KEY, moves.wanted("pilot", ecus={"PILOT-9": "vela-pilot"}), A.WRONG_VEHICLE, NOTHING),
    Row("an ECU as other hardware than it is", D_KEY, moves.wanted("pilot", ecus={PILOT: "vela-brake"}), A.WRONG_HARDWARE),
    Row("the brake's image for the pilot", D_KEY, moves.only("brake", 2, PILOT, ecus={PILOT: "vela-pilot"}), A.WRONG_HARDWARE),
    Row("the brake's image for the pilot, said to fit", D_KEY,
        moves.only("brake", 2, PILOT, ecus={PILOT: "vela-pilot"}, hardware=("vela-brake", "vela-pilot")), A.WRONG_HARDWARE),
    Row("half a bundle, without what it requires", D_KEY, lambda w: w.want(2, (PILOT, BRAKE)), A.INCOMPATIBLE, LEFT),
    Row("two files of one version", D_KEY, moves.direct(version=1), A.MIX_AND_MATCH),
    Row("a version from which none can follow", D_KEY, moves.direct(version=TOO_FAR), A.FAST_FORWARD),
    Row("a file that is for any vehicle", D_KEY, moves.direct(vehicle=""), A.WRONG_VEHICLE),
    Row("a delegation to somebody else", D_KEY, moves.direct(delegations=delegated()), A.WRONG_ROLE),

    Row("the director's root signed by all keys of one partner", D_ROOT,
        moves.root("director", PEOPLE["gac"], **moves.thief_for("director", "targets")),
        A.ONE_PARTNER),
    Row("the director's root without the other partner", D_ROOT, moves.root("director", PEOPLE["gac"], **moves.alone("director")),
        A.ONE_PARTNER),
    Row("the director's root with one key under two ids", D_ROOT, moves.root("director", BOTH, **moves.two_ids("director")), A.DOUBLED_KEY),
    Row("the director's root of a version that is left out", D_ROOT, moves.root("director", BOTH, version=3), A.FAST_FORWARD),
    Row("the director's root of the same version once more", D_ROOT, moves.root("director", BOTH, version=1), A.ROLLBACK),
    Row("the director's root after its expiry", D_ROOT, moves.root("director", BOTH, expires=NOW - HOUR), A.FREEZE),

    Row("role files that the thief signed", ONLINE_KEYS, moves.evil({"gac": [THIEF], "huawei": [THIEF]}), A.ARBITRARY_SOFTWARE),
    Row("a snapshot that lists an older role file", ONLINE_KEYS, moves.older(ROLES, listed=True), A.ROLLBACK, start=2),
    Row("a timestamp from which none can follow", ONLINE_KEYS, lambda w: w.stamp(TOO_FAR), A.FAST_FORWARD, LEFT),
    Row("a timestamp in the place of a role's file", ONLINE_KEYS, moves.listed_raw(lambda w: w.image["timestamp.json"]), A.WRONG_ROLE),
    Row("the thief signs for withdrawals too, and the director", ONLINE_KEYS,
        lambda w: (moves.evil({"gac": [THIEF, ONLINE], "huawei": [THIEF, ONLINE]})(w), w.withdraw("gac", evidence_of(1), [THIEF])),
        A.ARBITRARY_SOFTWARE),

    Row("the root signed by all keys of one partner", ROOT, moves.root("image", PEOPLE["gac"], **moves.thief_for("image", "snapshot")),
        A.ONE_PARTNER),
    Row("the root without the other partner", ROOT, moves.root("image", PEOPLE["gac"], **moves.alone("image")), A.ONE_PARTNER),
    Row("the root with one key under two ids", ROOT, moves.root("image", BOTH, **moves.two_ids("image")), A.DOUBLED_KEY),
    Row("the root after its expiry", ROOT, moves.root("image", BOTH, expires=NOW - HOUR), A.FREEZE),

    Row("its three keys under the top-level targets", PARTNER, moves.top(PEOPLE["gac"]), A.ONE_PARTNER),
    Row("software in its own role alone", PARTNER, moves.evil({"gac": PEOPLE["gac"]}), A.ONE_PARTNER),
    Row("its three keys under the other's role", PARTNER, moves.evil({"gac": PEOPLE["gac"], "huawei": PEOPLE["gac"]}),
        A.ARBITRARY_SOFTWARE),
    Row("a single one of its people", PARTNER, moves.role("gac", PEOPLE["gac"][:1]), A.ARBITRARY_SOFTWARE),
    Row("a single one of its people, twice", PARTNER, moves.listed_raw(moves.doubled_signature), A.DOUBLED_KEY),
    Row("other evidence in its own role", PARTNER, moves.claim("pilot", codes=("gac",), evidence=evidence_of(7)),
        A.EVIDENCE_SWAPPED),
    Row("another reach in its own role", PARTNER, moves.claim("pilot", codes=("gac",), reach=(Reach("vela", "CN"), Reach("vela", "EU"))),
        A.MIX_AND_MATCH),
    Row("a diamond: its role delegates the other's", PARTNER,
        moves.role("gac", PEOPLE["gac"][:2], delegations=moves.delegating("vela-huawei")),
        A.WRONG_ROLE),
    Row("a cycle: its role delegates itself", PARTNER, moves.role("gac", PEOPLE["gac"][:2], delegations=moves.delegating("vela-gac")),
        A.WRONG_ROLE),
    Row("a version from which none can follow, in its role", PARTNER, moves.role("gac", PEOPLE["gac"][:2], version=TOO_FAR),
        A.FAST_FORWARD),
    Row("a withdrawal taken back", PARTNER, moves.withdraw_shorter, A.ROLLBACK, before=lambda w: w.withdraw("gac", evidence_of(7))),
    Row("a withdrawal in the other's name", PARTNER, lambda w: w.withdraw("huawei", evidence_of(2), PEOPLE["gac"]),
        A.ARBITRARY_SOFTWARE),

    Row("one key under two ids in a role", PEOPLE_, moves.twin_in_role, A.DOUBLED_KEY),
    Row("a role's file after its expiry", PEOPLE_, moves.role("huawei", PEOPLE["huawei"][:2], expires=NOW - HOUR), A.FREEZE),
    Row("a release that did not pass", PEOPLE_, moves.claim("pilot", verdict="FAILED"), A.EVIDENCE_MISSING),
    Row("a release whose evidence one partner withdrew", PEOPLE_, lambda w: w.withdraw("gac", evidence_of(2)), A.EVIDENCE_WITHDRAWN),
    Row("a release whose evidence the other withdrew", PEOPLE_, lambda w: w.withdraw("huawei", evidence_of(2)),
        A.EVIDENCE_WITHDRAWN),
    Row("a release for another vehicle model", PEOPLE_, moves.claim("pilot", reach=(Reach("lyra", "CN", ("motorway", "city")),)),
        A.EVIDENCE_REACH),
    Row("a release for another market", PEOPLE_, moves.claim("pilot", reach=(Reach("vela", "EU", ("motorway", "city")),)),
        A.EVIDENCE_REACH),
    Row("a release proven on motorways alone", PEOPLE_, moves.claim("pilot", reach=(Reach("vela", "CN", ("motorway",)),)),
        A.EVIDENCE_REACH),
    Row("hardware that the delegation does not name", PEOPLE_, moves.claim("pilot", hardware=("vela-pilot", "vela-lidar")),
        A.WRONG_HARDWARE),
    Row("a release that the owner is not entitled to", PEOPLE_, moves.claim("pilot", entitlement="night-pilot"), A.NOT_ENTITLED),
    Row("a release that requires a newer gateway", PEOPLE_, moves.claim("pilot", requires={"gateway": 3}), A.INCOMPATIBLE, LEFT),
    Row("a release that conflicts with the brake's", PEOPLE_, moves.claim("pilot", conflicts={"brake": (2, 5)}), A.INCOMPATIBLE, LEFT),
)  # fmt: skip
