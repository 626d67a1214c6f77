"""Joint development before and after a change of the agreement, as each partner sees it."""

from __future__ import annotations

from datetime import date

from small_alliance import noon

from marque.alliance import requirements, transitions
from marque.alliance.requirements import Said
from marque.common import Missing

CHANGE, DAY = date(2022, 4, 1), noon(2022, 4, 1)


def filled(joint):
    """A requirement with a side of each, one of GAC alone, one of Huawei alone; a comment and a relation of Huawei."""
    with joint.acting("gac") as tx:
        transitions.apply_due(tx)
        both = requirements.found(tx, joint.area(), Said(title="Range", text="500 km")).id
        carmaker = requirements.found(tx, joint.area(), Said(title="Paint", text="Grey")).id
    with joint.acting("huawei") as tx:
        requirements.edit(tx, both, Said(title="Range", text="450 km"), 0)
        partner = requirements.found(tx, joint.area(), Said(title="Lidar", text="192 lines")).id
        requirements.comment(tx, both, "Which cycle?")
        requirements.relate(tx, partner, both, "refines")
    return both, carmaker, partner


def applied(joint, by="gac"):
    with joint.acting(by) as tx:
        return transitions.apply_due(tx)


def seen(joint, organisation):
    """Titles that an organisation sees, with whose side each is."""
    with joint.acting(organisation) as tx:
        try:
            return sorted((side.title, side.side) for one in requirements.page(tx, joint.area()) for side in one.sides)
        except Missing:
            return []


ALL = [("Lidar", "huawei"), ("Paint", "gac"), ("Range", "gac"), ("Range", "huawei")]
