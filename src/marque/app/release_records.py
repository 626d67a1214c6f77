"""`marque release rollout …`, `records`, `verify-record`: plans checked before they are drafted, roll-outs watched, records of updates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import typer

from marque.app.release_client import Installation
from marque.app.settings import read_settings
from marque.app.small_files import read_small
from marque.car.tuf.model import Key
from marque.common import InputError, ok
from marque.release.online_keys import OnlineKeys
from marque.release.repository.keys import key_of
from marque.release.rollouts import plans, records, rules
from marque.release.rollouts.model import Group

_MOST_PLAN, _MOST_RECORD, _MOST_KEYS = 1 << 22, 1 << 22, 1 << 16


def check_plan(file: Path) -> None:
    """Say what a plan means, or what is wrong with it. Raises InputError, Refused."""
    plan = ok(rules.planned(plans.read(read_small(file, _MOST_PLAN), file.name)))
    typer.echo(f"{plan.name}: release {plan.release}, {len(plan.groups)} groups")
    for group in plan.groups:
        typer.echo(f"  {group.name}: {_who(group)}")
        limits, road = group.thresholds, group.road
        typer.echo(
            f"    halts above {limits.error:.2%} failed; passes from {limits.success:.1%} of the answers, {limits.reported:.0%} of the"
            f" cars and at least {limits.least} of them, {group.soak} open"
        )
        if road.least_km:
            rates = {"disengagements": road.disengagements, "minimal-risk manoeuvres": road.minimal_risk}
            said = ", ".join(f"{limit:g} {name}" for name, limit in rates.items() if limit is not None)
            typer.echo(f"    after {road.least_km:,.0f} km" + (f"; halts above {said} per 1,000 km" if said else ""))


def list_rollouts(at: Installation, lead: str, programme: UUID, *, as_json: bool) -> None:
    """Prints a programme's roll-outs, the newest first."""
    found = at.ask("GET", f"/programmes/{lead}/{programme}/rollouts")
    if as_json:
        return typer.echo(json.dumps(found, indent=2))
    for one in found:
        passed = sum(group["state"] == "passed" for group in one["groups"])
        typer.echo(
            f"{one['id']}  {one['name']}  {one['release_name']} {one['counter']}  {one['state']}  {passed} of {len(one['groups'])} passed"
        )
    if not found:
        typer.echo("There is no roll-out yet.")
    return None


def show_rollout(at: Installation, rollout: UUID, *, as_json: bool) -> None:
    """Prints how far one is, and why it stands where it stands."""
    found = at.ask("GET", f"/rollouts/{rollout}")
    if as_json:
        return typer.echo(json.dumps(found, indent=2))
    one = found["rollout"]
    typer.echo(f"{one['name']}: {one['release_name']} {one['counter']} for {one['model']}, {one['state']} since {one['since']}")
    if one["reason"]:
        typer.echo(f"  {_told(one['reason'], one['details'])}")
    for group in one["groups"]:
        counts = group["counts"]
        typer.echo(
            f"  {group['state']:<8} {group['group']['name']}: {counts['done']:,} of {counts['cars']:,} cars done,"
            f" {counts['offered']:,} hold it, {counts['retry'] + counts['failed']:,} failed, {group['road']['km']:,.0f} km"
        )
    for wait in found["waits"]:
        typer.echo(f"  waits: {_told(wait['cause'], wait['details'])}")
    if found["waits_for"]:
        typer.echo(f"  waits for {', '.join(found['waits_for'])}")
    return None


def fetch_records(at: Installation, lead: str, programme: UUID, vehicle: str, out: Path) -> None:
    """Writes a car's records into a new folder, one file for each update."""
    found = at.ask("GET", f"/programmes/{lead}/{programme}/cars/{vehicle}/records")
    try:
        out.mkdir(parents=True)
    except OSError as fault:
        raise InputError(out.name, "", f"it cannot be made: {fault.strerror}", "Name a folder that is not there yet.") from fault
    for one in found:
        (out / f"{vehicle}-{one['counter']}.record.json").write_bytes(one["envelope"].encode())
    typer.echo(f"{len(found)} records into {out}")


def show_key() -> None:
    """Prints the public key with which this installation signs records: what a verifier needs, in hexadecimal."""
    typer.echo(OnlineKeys(read_settings().keys_folder).records.key.public)


def verify_record(file: Path, keys: Path, *, as_json: bool) -> bool:
    """Whether a record holds; says what it says, or everything that is wrong. Reads these two files and nothing else. Raises InputError."""
    checked = records.verify(read_small(file, _MOST_RECORD), _keys(keys))
    if as_json:
        typer.echo(json.dumps({"holds": checked.ok, "findings": checked.findings, "key": checked.key, "record": checked.said}, indent=2))
        return checked.ok
    if checked.ok:
        _tell(checked.said)
    for finding in checked.findings:
        typer.echo(f"wrong     {finding}")
    typer.echo(f"holds, signed by {checked.key[:16]}" if checked.ok else "DOES NOT HOLD: nothing it says may be relied on")
    return checked.ok


def _tell(said: Mapping[str, Any]) -> None:
    release, outcome = said["release"], said["outcome"]
    typer.echo(f"car       {said['vehicle']}, manifest {said['manifest']['counter']}")
    typer.echo(f"release   {release['name']} {release['version']} (counter {release['counter']}), evidence {said['evidence'][:16]}")
    typer.echo(
        f"ended     {outcome['ended']}" + (f": {outcome['problem']} ({outcome['attack'] or outcome['told']})" if outcome["problem"] else "")
    )
    for side in ("before", "after"):
        named = ", ".join(f"{regulation} {' '.join(each)}" for regulation, each in said["rxswin"][side].items())
        typer.echo(f"{side:<9} " + (f"RXSWIN {named}" if named else "no type-approved software of this programme"))
    typer.echo(f"signed    {_each(said['signatures'], 'organisation')}")
    typer.echo(f"approved  {_each(said['approvals'], 'organisation')}")
    filing = said["filing"]
    typer.echo(f"filing    {filing['market']}: {filing.get('state', 'not-filed')} {filing.get('reference', '')}".rstrip())
    consent = said["consent"]
    typer.echo(f"consent   {consent['at'] or ('not told' if consent['needed'] else 'not needed')}")


def _each(listed: Sequence[Mapping[str, Any]], name: str) -> str:
    counted: dict[str, int] = {}
    for one in listed:
        counted[one[name]] = counted.get(one[name], 0) + 1
    return ", ".join(f"{one} ({many})" for one, many in counted.items()) or "by nobody"


def _keys(file: Path) -> list[Key]:
    """One Ed25519 public key a line, in hexadecimal."""
    lines = [line.split("#")[0].strip() for line in read_small(file, _MOST_KEYS).decode("utf-8", "replace").splitlines()]
    try:
        return [key_of(bytes.fromhex(line)) for line in lines if line]
    except ValueError as fault:
        raise InputError(file.name, "", "a line is no public key in hexadecimal", "`marque release record-key` prints one.") from fault


def _who(group: Group) -> str:
    chosen = [f"{name} {', '.join(getattr(group, name))}" for name in ("models", "markets", "features") if getattr(group, name)]
    named = [f"{len(group.cars)} cars by name"] if group.cars else []
    return ", ".join([f"up to {group.percent:g} % of the cars", *chosen, *named])


def _told(reason: str, details: Mapping[str, str]) -> str:
    return reason + (f" ({', '.join(f'{name}: {value}' for name, value in details.items())})" if details else "")
