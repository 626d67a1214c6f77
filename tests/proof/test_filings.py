"""Tables for authorities: each value is looked up again in the very field that it names, and what the evidence does not hold is said."""

from __future__ import annotations

import base64
import json
import re
import tarfile
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from argued_facts import CELLS, facts, world
from sealed_world import INPUTS, Input, packed, sha

from marque.proof.report.facts import Facts
from marque.proof.report.filings import NOT_HELD, Filing, Row, Source, ccam, rxswin

TABLES = (rxswin, ccam)
BEFORE: dict[int, str] = {6: "failed"}


def opened(world_: Any) -> dict[str, Any]:
    """By file, what it says: of an envelope what was signed, with its signatures."""
    found: dict[str, Any] = {}
    with tarfile.open(fileobj=BytesIO(packed(world_.parts()))) as archive:
        for name in archive.getnames():
            if name.endswith(".dsse.json"):
                envelope = json.load(archive.extractfile(name))
                found[name] = {**json.loads(base64.b64decode(envelope["payload"])), "signatures": envelope["signatures"]}
    return found


def looked_up(said: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        said = next(one for one in said if one.get("name") == name) if isinstance(said, list) else said[name]
    return said


def leaves(said: Any) -> list[Any]:
    if isinstance(said, dict):
        return [leaf for one in said.values() for leaf in leaves(one)]
    return [leaf for one in said for leaf in leaves(one)] if isinstance(said, list) else [said]


def told(leaf: Any, value: str) -> bool:
    """Whether a value says what stands in a field: instants to the minute, shares in percent, addresses by their end."""
    if isinstance(leaf, bool | int):
        return f"{leaf:,}" in value
    if isinstance(leaf, float):
        return f"{100 * leaf:.3g} %" in value
    if re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", leaf):
        return f"{datetime.fromisoformat(leaf):%Y-%m-%d %H:%M} UTC" in value
    return leaf in value or (leaf.startswith("https://") and leaf.rpartition("/")[2] in value)


NOW_SAID = opened(world(outcomes={0: "failed", 4: "lost"}))
THEN_SAID = opened(world(outcomes=BEFORE, version="1.1.0"))
TOLD = facts({0: "failed", 4: "lost"}, before=BEFORE)


def field(source: Source) -> Any:
    if source.file.startswith("then.evidence › "):
        return looked_up(THEN_SAID[source.file.removeprefix("then.evidence › ")], source.path)
    return looked_up(NOW_SAID[source.file], source.path)


def rows(table: Filing, *, held: bool) -> list[Row]:
    return [one for one in table.rows if one.held == held]


@pytest.mark.parametrize("table", TABLES)
def test_each_value_says_what_stands_in_the_fields_it_names(table):
    checked = 0
    for row in rows(table(TOLD), held=True):
        assert row.sources, row.label
        for source in row.sources:
            if not source.path:
                assert source.file in {"runs.jsonl", "now.evidence"}
            elif source.path[-1] == "verdicts":
                for one in field(source):
                    assert f"{one['cell']}: " in row.value
                    assert one["verdict"] in row.value
            elif source.path[-1] == "resolvedDependencies":
                assert field(source)
            elif source.path[-1] == "signatures":
                assert len(field(source)) == row.value.count("(person ")
            else:
                found = field(source)
                for leaf in leaves(found["digest"] if "resolvedDependencies" in source.path else found):
                    assert told(leaf, row.value), (row, source, leaf)
                    checked += 1
    assert checked > 20


@pytest.mark.parametrize("table", TABLES)
def test_what_the_evidence_does_not_hold_is_said_and_names_no_source(table):
    missing = rows(table(TOLD), held=False)
    assert len(missing) >= 8
    assert all(one.value == "not in this evidence" and not one.source for one in missing)
    assert all(NOT_HELD not in one.value for one in rows(table(TOLD), held=True))


def test_an_rxswin_a_purpose_and_an_approval_are_never_made_up():
    labels = " ".join(one.label for one in rows(rxswin(TOLD), held=False))
    for word in ("RXSWIN", "Purpose", "approval", "Hardware", "Compatibility", "executed safely", "Processes"):
        assert word in labels
    labels = " ".join(one.label for one in rows(ccam(TOLD), held=False))
    for word in ("企业管理能力", "驾驶自动化等级", "升级目的", "召回", "告知", "事件事故报告", "分类管理"):
        assert word in labels


@pytest.mark.parametrize("table", TABLES)
def test_without_a_baseline_nothing_is_said_of_what_was_before(table):
    alone = table(facts({0: "failed", 4: "lost"}))
    before = {one.label: one for one in table(TOLD).rows}
    gone = [one.label for one in rows(alone, held=False) if before[one.label].held]
    assert any("before" in label for label in gone)
    assert any("by what changed" in label for label in gone)
    assert not any("then.evidence" in one.source or "before" in one.value for one in alone.rows)


def value(table: Filing, beginning: str) -> str:
    (row,) = [one for one in table.rows if one.label.startswith(beginning)]
    return row.value


def with_changes() -> Facts:
    """What `gather` finds when a package changed, one is new, one is gone, and the vehicle is another."""
    from marque.proof.report.gather import _changes

    changed = [Input("code/driving", sha("new")), Input("code/new", sha("x")), Input("lock", sha("lock")), Input("model/vela", sha("y"))]
    rest = [one for one in TOLD.provenance.inputs if one.kind not in ("code", "lock", "model")]
    inputs = tuple(sorted([*changed, *rest], key=lambda one: one.name))
    now = replace(TOLD.provenance, inputs=inputs)
    assert TOLD.baseline is not None
    return replace(TOLD, provenance=now, changes=_changes(TOLD.baseline.provenance, now))


@pytest.mark.parametrize("table", TABLES)
def test_each_part_of_the_software_stands_with_its_digest_now_and_before(table):
    made = table(with_changes())
    assert value(made, "Software part code/driving") == f"{sha('new')}; before: {sha('code/driving')}"
    assert value(made, "Software part code/new") == f"{sha('x')}; new"
    assert value(made, "Software part code/vehicle") == f"no more; before: {sha('code/vehicle')}"
    assert value(made, "Software part lock") == f"{sha('lock')}; the same before"
    assert [one.name for one in INPUTS if one.kind == "code"] == ["code/driving", "code/vehicle"]


def test_what_changed_and_whether_the_vehicle_did_is_told():
    made = ccam(with_changes())
    assert value(made, "Content") == "code/driving (changed); code/new (new); code/vehicle (gone); model/vela (changed)"
    assert value(made, "Main technical") == "changed in this evidence: model/vela"
    assert value(ccam(TOLD), "Main technical") == "the vehicle's parameters in this evidence are those of before"
    assert value(ccam(TOLD), "Content") == "no input of the runs has changed"


def test_the_effect_of_the_upgrade_is_told_by_cell_and_case():
    assert f"{CELLS[0]}: PASSED before, PASSED now (1 of 20 cases failed only now, 1 only before)" in value(ccam(TOLD), "Effect")


def test_a_hidden_suite_is_told_as_one():
    assert value(ccam(TOLD), "Suites") == f"suite/alks {sha('suite/alks')}; suite/autumn {sha('hidden')} (hidden until the run)"


@pytest.mark.parametrize("table", TABLES)
def test_no_row_stands_twice(table):
    labels = [one.label for one in table(with_changes()).rows]
    assert len(set(labels)) == len(labels)
