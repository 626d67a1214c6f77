"""Whatever releases, roll-outs and cars are refused, missing or told of is said in the reader's language, as the alliance's is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from test_product_reasons import keys
from test_reasons import ARGUMENTS, PREFIX, name_of, texts

from marque import release
from marque.app import console
from marque.app.words import LANGUAGES, words_of
from marque.car.attacks import Attack
from marque.car.uptane.reports import State as CarState
from marque.release.model import Purpose, Stage, What
from marque.release.model import State as ChangeState
from marque.release.rollouts.model import Act, Filing, GroupState, State
from marque.release.rollouts.rules import Cause

ROOM, PAGES = Path(release.__file__).parent, Path(console.__file__).parent
BESIDE_THE_PAGES = (
    "repository/ceremony.py", "repository/checking.py", "repository/director.py", "repository/folder.py", "repository/keys.py",
    "repository/requests.py", "repository/root.py", "repository/tokens.py", "devices/ddi.py", "devices/ddi_service.py",
    "devices/ddi_web.py", "devices/deltas.py", "devices/web.py", "rollouts/jobs.py", "rollouts/plans.py", "rollouts/records.py",
    "online_keys.py", "jobs.py", "web.py",
)  # fmt: skip
"""What only commands, programs and the worker ask of: their faults are told in English."""
OF_PAGES = ("ceremony_pages.py", "device_pages.py", "release_forms.py", "release_pages.py", "release_words.py", "rollout_pages.py")
MADE_ELSEWHERE = {
    "_EXAMPLES[name]": "told below", "reason": "a sentence of rules, or a person's own words", "wrong.reason": "of a rule, read there",
    "f'it has {len(party.keys)} of at least {needed} keys'": "of a ceremony; the console asks for enough keys before",
}  # fmt: skip


REASONS = {"reason", "_NOT_AGREED", "WITHDRAWN"}
"""Names that sentences are given before they are said."""


def files():
    for file in sorted(ROOM.rglob("*.py")):
        if str(file.relative_to(ROOM)) not in BESIDE_THE_PAGES:
            yield file
    yield from (PAGES / name for name in OF_PAGES)


def said():
    """(key → where, expressions that cannot be read off the code, names of details)."""
    found, unread, details = {}, set(), set()
    for file in files():
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = name_of(node)
                for at in ARGUMENTS.get(name, ()) if name not in {"fault", "_missing"} else ():
                    if at < len(node.args):
                        patterns = texts(node.args[at])
                        if patterns is None:
                            unread.add(ast.unparse(node.args[at]))
                        found |= {f"{PREFIX.get(name, 'reason')}.{one}": file.name for one in patterns or () if one}
                if name in {"Refusal", "Wait"}:
                    details |= keys(node)
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in {"details", "told"} and file.name == "rules.py":
                details |= keys(node)
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in REASONS and file.name not in {"roles.py", "model.py"}:
                found |= {f"reason.{one}": file.name for one in texts(node.value) or ()}
            if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "_EXAMPLES":
                found |= {f"reason.{one.value}": file.name for one in node.value.values}
    return found, unread, details


def kinds():
    """Of entries that the room writes into the audit log."""
    found = set()
    for file in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                written = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                if name_of(node) in {"record", "into_audit_log", "_tell"}:
                    found |= {one for one in written if one.startswith("release-")}
                if name_of(node) == "told" and "acts" in ast.unparse(node.func):
                    found |= {f"release-{one}" for one in written}
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_releases_can_answer_with_has_a_sentence(language):
    found, unread, details = said()
    messages = words_of(language).messages
    assert len(found) > 110, "the code is read"
    assert {key: where for key, where in found.items() if key not in messages} == {}
    assert unread <= MADE_ELSEWHERE.keys()
    assert sorted(one for one in details if f"detail.{one}" not in messages) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_act_of_a_release_has_a_name_in_the_audit_log(language):
    assert {"release-drafted", "release-proven", "release-filed"} <= kinds()
    assert sorted(one for one in kinds() if f"audit.kind.{one}" not in words_of(language).messages) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_values_has_a_word_of_the_readers(language):
    """Attacks with what they mean; stages, states, acts, causes: none is shown as the code has it."""
    messages = words_of(language).messages
    named = {
        "attack.{}": Attack, "attack.{}.means": Attack, "stage.{}": Stage, "waiting.{}": What, "waiting.do.{}": What,
        "ceremony.purpose.{}": Purpose, "ceremony.purpose.{}.means": Purpose, "ceremony.state.{}": ChangeState,
        "rollout.state.{}": State, "rollout.group.state.{}": GroupState, "rollout.act.{}": Act, "rollout.wait.{}": Cause,
        "filing.state.{}": Filing, "car.state.{}": CarState,
    }  # fmt: skip
    assert [key.format(one) for key, words in named.items() for one in words if key.format(one) not in messages] == []
