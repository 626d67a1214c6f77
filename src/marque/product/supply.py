"""Technology supply: one catalogue of modules, and the programmes of several carmakers that are given versions of them.

The catalogue is its supplier's alone. A programme gets a module by a revision of the part of its name in the area of software supply, put
forward by the supplier and in force by the assent of those who decide there. The revision carries the module whole. So what a programme
sees of the catalogue is what its agreement lets it see of that area; what it keeps when the mode changes is what the transition says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from marque.alliance import people
from marque.alliance.audit import append
from marque.common import Denied, Missing, Refusal, ok
from marque.foundation import Transaction
from marque.product import checks, revisions
from marque.product.rules import LONGEST_TEXT, Draft, Effectivity, Kind, Revision
from marque.product.store import modules as store
from marque.product.store import revisions as revision_store
from marque.product.store.modules import Binding, Row

_NAME, _VERSION = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,119}"), re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,59}")
MOST_HARDWARE, LONGEST_LINE = 100, 200


class ModuleKind(StrEnum):
    SENSOR_SUITE = "sensor-suite"
    COMPUTE = "compute"
    SOFTWARE_FEATURE = "software-feature"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Module:
    """A version of a module. name: the namespace under which its UVL text is imported. hardware: what it runs on or replaces, in words.

    requires, provides: what its features need and give, as their attributes `requires_…` and `provides_…` say; read off the text.
    """

    name: str
    version: str
    kind: ModuleKind
    title: str
    text: str
    hardware: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    digest: str = ""
    created_at: datetime | None = None

    @property
    def about(self) -> dict[str, object]:
        """What a programme is told with the text."""
        told = {"version": self.version, "kind": str(self.kind), "title": self.title}
        return told | {name: list(getattr(self, name)) for name in ("hardware", "requires", "provides")}


def publish(tx: Transaction, module: Module) -> Module:
    """A new version in the catalogue of the acting organisation. Nobody else learns of it.

    Raises Denied without the duty of an engineer or product person, InputError for a text that is no feature model, Refused.
    """
    _require_makers(tx)
    ok(_fit(module))
    facts = checks.module_facts(module.text, module.name)
    made = replace(module, title=module.title.strip(), requires=facts.requires, provides=facts.provides, created_at=tx.now)
    if not store.insert(tx, made):
        ok(Refusal("there is this version already, and a version never changes", {"version": module.version}))
    tx.emit("product.module-published", {"module": module.name, "version": module.version})
    append(tx, {tx.actor.organisation}, "product-module-published", {"module": module.name, "version": module.version})
    return one(tx, module.name, module.version)


def one(tx: Transaction, name: str, version: str) -> Module:
    """Of the acting organisation's catalogue. Raises Missing."""
    if (row := store.by_version(tx, name, version)) is None:
        raise Missing("module")
    return _module(row)


def catalogue(tx: Transaction) -> list[Module]:
    """Every version of every module of the acting organisation, without texts, by name, the newest first."""
    return [_module(row) for row in store.catalogue(tx)]


def offer(
    tx: Transaction, lead: str, programme: UUID, name: str, version: str, *, note: str = "", effectivity: Effectivity | None = None
) -> Revision:
    """Put a version of one's module forward for a programme, whatever its mode. Raises as `revisions.propose`."""
    module = one(tx, name, version)
    draft = Draft(
        kind=Kind.MODULE, part=name, text=module.text, base=_base(tx, lead, programme, name), note=note,
        effectivity=effectivity or Effectivity(), about=module.about,
    )  # fmt: skip
    return revisions.propose(tx, lead, programme, draft)


def withdraw(tx: Transaction, lead: str, programme: UUID, name: str, *, note: str = "", effectivity: Effectivity | None = None) -> Revision:
    """Put forward that a programme no longer has a module. It has it until those who decide there have assented. Raises as `offer`."""
    base = _base(tx, lead, programme, name)
    draft = Draft(kind=Kind.MODULE, part=name, text="", base=base, note=note, effectivity=effectivity or Effectivity())
    return revisions.propose(tx, lead, programme, draft)


def bindings(tx: Transaction) -> list[Binding]:
    """Which programmes were offered which versions of the acting organisation's modules: the last word of each first.

    Of a programme in which its revisions were taken away or given to another side, none are listed: they are not its own any more.
    """
    return store.bindings(tx)


def _module(row: Row) -> Module:
    return Module(
        name=row.name, version=row.version, kind=ModuleKind(row.kind), title=row.title, text=row.text, hardware=tuple(row.hardware),
        requires=tuple(row.requires), provides=tuple(row.provides), digest=row.digest, created_at=row.created_at,
    )  # fmt: skip


def _base(tx: Transaction, lead: str, programme: UUID, name: str) -> str:
    last = revision_store.last(tx, lead, programme, Kind.MODULE, name)
    return last.digest if last else ""


def _fit(module: Module) -> Refusal | None:
    if not _NAME.fullmatch(module.name) or not _VERSION.fullmatch(module.version):
        return Refusal("a module has a name, as UVL imports it, and a version of letters, digits, dots, dashes and pluses")
    if not 0 < len(module.title.strip()) <= LONGEST_LINE or "\0" in module.title:
        return Refusal("a module has a title of at most 200 characters")
    if len(module.hardware) > MOST_HARDWARE or any(not 0 < len(one) <= LONGEST_LINE or "\0" in one for one in module.hardware):
        return Refusal("supported hardware is named in at most 100 lines of at most 200 characters")
    if not module.text or len(module.text.encode()) > LONGEST_TEXT or "\0" in module.text:
        return Refusal("a module has a text of at most 4 MB, without NUL characters")
    return None


def _require_makers(tx: Transaction) -> None:
    if tx.actor.person is None or not {"engineer", "product"} & set(people.me(tx).duties):
        raise Denied("To put a module into the catalogue takes the duty of an engineer or of a product person.")
