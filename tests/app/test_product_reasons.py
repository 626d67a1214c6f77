"""Whatever the product's services refuse, miss or cannot use is said in the reader's language, as the alliance's is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from test_reasons import ARGUMENTS, PREFIX, name_of, texts

from marque import product
from marque.app.words import LANGUAGES, words_of

ROOM = Path(product.__file__).parent
SERVICES = (
    "archive.py", "checks.py", "documents.py", "entitlements.py", "lines.py", "revisions.py", "rules.py", "software.py", "storefront.py",
    "supply.py", "web.py",
)  # fmt: skip
"""What is asked by people at the console and by programs; elsewhere in the room input is a file, and faults name its lines."""
NOT_WRITTEN_HERE = {("documents.py", "said"), ("software.py", "why.reason")}
"""A Sentence, and the reason of an entitlement: both found by themselves."""


def called():
    for name in SERVICES:
        for node in ast.walk(ast.parse((ROOM / name).read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield name, node


def said():
    """(keys of everything the services answer with, what cannot be read off their code, names of details, kinds of audit entries)."""
    found, unread, details, kinds = set(), set(), set(), set()
    for file, call in called():
        name = name_of(call)
        for at in ARGUMENTS.get(name, ()) if name not in {"fault", "_missing"} else ():
            if at < len(call.args):
                patterns = texts(call.args[at])
                if patterns is None:
                    unread.add((file, ast.unparse(call.args[at])))
                found |= {f"{PREFIX.get(name, 'reason')}.{one}" for one in patterns or () if one}
        if name == "Entitlement" and len(call.args) > 2:
            found |= {f"reason.{one}" for one in texts(call.args[2])}
        if name == "Sentence":
            found |= {f"reason.{one}" for one in texts(call) or ()}
        if name == "Refusal":
            details |= keys(call)
        if name in {"record", "append"}:
            kinds |= {one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    for name in SERVICES:
        for node in ast.walk(ast.parse((ROOM / name).read_text("utf-8"))):
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "details":
                details |= keys(node)
    return found, unread, details, kinds


def keys(node):
    return {key.value for one in ast.walk(node) if isinstance(one, ast.Dict) for key in one.keys if isinstance(key, ast.Constant)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_the_product_can_answer_with_has_a_sentence(language):
    found, _, details, kinds = said()
    messages = words_of(language).messages
    assert len(found) > 40, "the code is read"
    assert kinds == {"product-revision-proposed", "product-module-published", "product-quote-issued", "product-car-event"}
    assert sorted(found - messages.keys()) == []
    assert sorted(one for one in details if f"detail.{one}" not in messages) == []
    assert sorted(one for one in kinds if f"audit.kind.{one}" not in messages) == []


def test_no_answer_of_the_product_is_made_so_that_it_cannot_be_told_in_another_language():
    assert said()[1] == NOT_WRITTEN_HERE
