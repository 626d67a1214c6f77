"""Whatever the alliance answers with is said in the reader's language: the code itself is read for everything it can say."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest

from marque import alliance
from marque.alliance import access
from marque.alliance.decisions import Kind
from marque.app.reasons import told
from marque.app.words import LANGUAGES, words_of
from marque.common import Denied, Either, InputError, Missing, Refusal, Refused, Sentence, Unavailable

ROOM = Path(alliance.__file__).parent
ONLY_ON_A_COMMAND_LINE = {
    "history.py", "installation.py", "key_files.py", "modes.py", "reqif.py", "reqif_read.py", "reqif_sides.py", "sign_in.py",
    "audit/verify.py", "audit/witness.py",
}  # fmt: skip
"""Where input is a file or an option of a command; what these refuse, deny or miss counts like everything else."""
MADE_ELSEWHERE = {
    ("audit/log.py", "str(fault)"): "a witness's answer, handed in by a command",
    ("audit/witness.py", "str(fault)"): "a witness's state, read by a command",
    ("access.py", "_WORDS[type(resource)]"): "told below",
    ("access.py", "_why(tx, action, resource, answers[-1])"): "two patterns, told below",
    ("agreements.py", "what"): "the argument of _missing",
    ("documents.py", "*said"): "the arguments of Reader.fault",
    ("documents.py", "_CODES"): "a pattern, told below",
    ("tokens.py", "problem"): "two patterns, told below",
    ("tokens.py", "remedy"): "a pattern, told below",
}
"""Arguments that are no text and no Sentence: where what they hold is found instead."""
ARGUMENTS = {"Refusal": (0,), "Denied": (0,), "Missing": (0,), "Unavailable": (0,), "InputError": (2, 3), "fault": (1, 2), "_missing": (0,)}
DEFINED_IN = {"fault": "documents.py", "_missing": "agreements.py"}
SAYING = {"SignInRefused": (0,), "Sentence": (0,), "Entitlement": (2,)} | ARGUMENTS
PREFIX = {"Missing": "missing", "_missing": "missing"}


def texts(node):
    """Every text that an expression can be, as its pattern; None for what is neither text nor Sentence."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.Call(func=ast.Name(id="Sentence"), args=[first, *_]):
            return texts(first)
        case ast.IfExp(body=one, orelse=other):
            found = [texts(one), texts(other)]
            return None if None in found else found[0] + found[1]
        case _:
            return None


def name_of(call):
    return call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""


def calls():
    for file in [*sorted(ROOM.rglob("*.py")), ROOM.parent / "foundation/database.py"]:
        here = str(file.relative_to(ROOM if file.is_relative_to(ROOM) else ROOM.parent))
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield here, node


def said():
    """(key, where) of everything that the room's code can answer with; and (file, expression) of what cannot be read off it."""
    found, unread = {}, set()
    for here, call in calls():
        name = name_of(call)
        if here != DEFINED_IN.get(name, here) or (name == "InputError" and here in ONLY_ON_A_COMMAND_LINE):
            continue
        for at in ARGUMENTS.get(name, ()):
            if at >= len(call.args):
                continue
            patterns = texts(call.args[at])
            if patterns is None:
                unread.add((here, ast.unparse(call.args[at])))
            for pattern in patterns or ():
                if pattern:
                    found[f"{PREFIX.get(name, 'reason')}.{pattern}"] = f"{here}:{call.lineno}"
        if name == "Sentence" and here not in ONLY_ON_A_COMMAND_LINE and (patterns := texts(call.args[0])):
            found |= {f"reason.{pattern}": f"{here}:{call.lineno}" for pattern in patterns if not pattern.startswith("{field}, ")}
    assigned = {"pattern", "problem", "remedy", "_CODES"}
    for file in ("access.py", "tokens.py", "documents.py"):
        for node in ast.walk(ast.parse((ROOM / file).read_text("utf-8"))):
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in assigned:
                found |= {f"reason.{pattern}": file for pattern in texts(node.value) or ()}
    found |= {f"missing.{what}": "access.py" for what in access._WORDS.values()}
    return found, unread


def details():
    """The names of every detail a refusal gives, where its code writes them down."""
    found = set()
    for file in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            assigned = isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in {"details", "place", "sizes", "since"}
            if assigned or (isinstance(node, ast.Call) and name_of(node) == "Refusal"):
                for one in ast.walk(node):
                    if isinstance(one, ast.Dict):
                        found |= {key.value for key in one.keys if isinstance(key, ast.Constant)}
    return found


def kinds():
    """The kinds of entries that the room writes into the audit log."""
    found = set()
    for _, call in calls():
        if name_of(call) in {"append", "record", "record_for", "_tell", "emit"}:
            for one in call.args:
                match one:
                    case ast.Constant(value=str(kind)) if "-" in kind and " " not in kind:
                        found.add(kind.removeprefix("alliance."))
    return found | {f"decision-{past}" for past in ("approved", "rejected", "withdrawn", "reopened")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_the_alliance_can_answer_with_has_a_sentence(language):
    found, _ = said()
    assert len(found) > 150, "the code is read"
    assert {key: where for key, where in found.items() if key not in words_of(language).messages} == {}


def test_no_answer_is_made_so_that_it_cannot_be_told_in_another_language():
    _, unread = said()
    assert unread <= MADE_ELSEWHERE.keys()


def test_the_catalogue_holds_no_sentence_that_nobody_says():
    found, _ = said()
    catalogue = {key for key in words_of("en").messages if key.startswith(("reason.", "missing."))}
    assert catalogue - found.keys() - app_says() == set()


def app_says():
    """What the application's own pages and the other companies' rooms answer with."""
    found = set()
    rooms = ("app", "foundation", "product", "release")
    for file in [file for room in rooms for file in sorted((ROOM.parent / room).rglob("*.py"))]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and (name := name_of(node)) in SAYING:
                for at in SAYING[name]:
                    if at < len(node.args):
                        found |= {f"{PREFIX.get(name, 'reason')}.{pattern}" for pattern in texts(node.args[at]) or ()}
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in {"reason", "WITHDRAWN", "_NOT_AGREED"}:
                found |= {f"reason.{pattern}" for pattern in texts(node.value) or ()}
            if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "_EXAMPLES":
                found |= {f"reason.{one.value}" for one in node.value.values}
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_detail_of_a_refusal_and_every_kind_of_entry_has_a_name(language):
    messages = words_of(language).messages
    assert {name for name in details() if f"detail.{name}" not in messages} == set()
    assert {kind for kind in kinds() if f"audit.kind.{kind}" not in messages} == set()
    assert {kind for kind in get_args(Kind) if f"status.{kind}" not in messages} == set()


@pytest.mark.parametrize(
    ("error", "english", "chinese"),
    [
        (Missing("agreement"), "There is no such agreement, or it is not yours to see.", "没有这份协议，或您无权查看。"),
        (Refused(Refusal("a rejection has a reason")), "A rejection has a reason.", "拒绝须说明理由。"),
        (Unavailable("Somebody else is changing the same thing. Nothing was changed; try again."),
         "Somebody else is changing the same thing. Nothing was changed; try again.", "他人正在修改同一内容。没有任何更改，请重试。"),
        (Denied(Sentence("To {action} here takes another duty in {organisation} than yours: {duty}.", action="sign", organisation="gac",
                         duty=Either(["signatory", "administrator"]))),
         "To sign here takes another duty in gac than yours: Signatory or Administrator.",
         "在此签署需要 gac 的另一项职责：签署人或管理员。"),
        (Denied("What nobody has foreseen."), "What nobody has foreseen.", "What nobody has foreseen."),
    ],
)  # fmt: skip
def test_an_error_is_told_in_the_readers_language(error, english, chinese):
    assert told(words_of("en"), error).sentence == english
    assert told(words_of("zh"), error).sentence == chinese


def test_the_place_of_a_fault_is_called_as_the_form_calls_it():
    fault = InputError(
        "form", "$.matrix.sales.gac", Sentence("{given!r} is not one of {words}", given="x", words="leads"), "Choose one of these."
    )
    assert told(words_of("zh"), fault).place == "角色 · 销售 · gac"
    assert told(words_of("en"), fault).place == "Roles · Sales · gac"
    assert told(words_of("zh"), fault).remedy == "请从中选择一项。"


def test_details_have_names_and_values_are_in_words():
    refusal = Refusal(
        "the decision is no longer open", {"state": "taken", "at": "2026-02-03T04:05:06+00:00", "first in force": "2026-02-03"}
    )
    assert told(words_of("en"), Refused(refusal)).facts == (
        ("State", "Taken"), ("At", "2026-02-03 04:05 UTC"), ("First in force", "2026-02-03"),
    )  # fmt: skip
    assert told(words_of("zh"), Refused(refusal)).facts[0] == ("状态", "已决定")


def test_a_text_made_on_the_spot_is_seen():
    """Or the tests above could not fail."""

    def read(code):
        return texts(ast.parse(code, mode="eval").body)

    assert read("f'{code} is taken'") is None
    assert read("'it is taken' if one else f'{code}'") is None
    assert read("'it is taken' if one else Sentence('{code} is taken', code=code)") == ["it is taken", "{code} is taken"]
    assert "reason.nobody has written this sentence" not in words_of("zh").messages
