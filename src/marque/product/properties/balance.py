"""Mass, and what is left of what a car provides: computing power, memory, electric power, loads."""

from __future__ import annotations

from collections.abc import Set

from marque.product.model import FeatureModel
from marque.product.properties.attributes import total
from marque.product.properties.model import Property, not_claimed

METHOD = "sum of attributes 1"
_HEADROOM = {
    "tops": (
        "compute_headroom",
        "TOPS",
        "Computing power of the driving computer beyond what the chosen functions state they need, dense int8.",
    ),
    "memory_gb": ("memory_headroom", "GB", "Memory of the driving computer beyond what the chosen functions state they need."),
    "apps": ("cockpit_headroom", "apps", "Apps that the cockpit computer can still carry."),
    "lv_w": ("low_voltage_headroom", "W", "Power of the low-voltage net beyond what its consumers state at most."),
    "rear_load_kg": ("rear_load_left", "kg", "Load that the rear axle may still take, by the model's rule."),
    "roof_load_kg": ("roof_load_left", "kg", "Load that the roof may still take, by the model's rule."),
}
_MASS = "Mass ready to drive, without a driver: the sum over the features of this car. It is not a weighed mass."
_TOW = "Braked trailer that the tow bar is made for and the axles provide for, by the model's rule. It is no figure of type approval."


def mass(model: FeatureModel, car: Set[str]) -> Property:
    """Kg."""
    value = total(model, car, "mass_kg")
    if value is None:
        return not_claimed("mass", "kg", METHOD, ("mass_kg",))
    return Property("mass", value, "kg", METHOD, _MASS, _parts(model, car, "mass_kg"))


def headroom(model: FeatureModel, car: Set[str]) -> tuple[Property, ...]:
    """Provides − requires of each thing that features provide and require; not claimed where nothing provides it."""
    found = []
    for what, (name, unit, statement) in _HEADROOM.items():
        provided, required = (total(model, car, f"{word}_{what}") for word in ("provides", "requires"))
        if provided is None:
            found.append(not_claimed(name, unit, METHOD, (f"provides_{what}",)))
            continue
        inputs = {"provided": provided, "required": required or 0.0}
        found.append(Property(name, provided - (required or 0.0), unit, METHOD, statement, inputs))
    return tuple(found)


def towing(model: FeatureModel, car: Set[str]) -> Property:
    """kg; 0 where the car has no tow bar, that is, nothing that requires its axles to take a trailer."""
    provided, required = (total(model, car, f"{word}_tow_kg") for word in ("provides", "requires"))
    if required is None:
        return Property("towing", 0.0, "kg", METHOD, _TOW, {"requires_tow_kg": 0.0})
    if provided is None or provided < required:
        return not_claimed("towing", "kg", METHOD, (f"axles that provide {required:g} kg (provides_tow_kg)",))
    return Property("towing", required, "kg", METHOD, _TOW, {"provides_tow_kg": provided, "requires_tow_kg": required})


def _parts(model: FeatureModel, car: Set[str], attribute: str) -> dict[str, float | int | str | tuple[float, ...]]:
    found: dict[str, float | int | str | tuple[float, ...]] = {}
    for name, feature in model.features.items():
        value = feature.attributes.get(attribute)
        if name in car and isinstance(value, int | float) and not isinstance(value, bool):
            found[name] = float(value)
    return found
