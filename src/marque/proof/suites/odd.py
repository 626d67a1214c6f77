"""Terms of the operational design domain: attributes of ISO 34503 that the car's own monitor watches (`driving.odd`), and their bins.

A term of a numeric attribute is a bin; its bounds are the same as the domain's where that ends.
"""

from __future__ import annotations

from collections.abc import Mapping

from marque.driving.odd import Area, Attribute

TERMS: Mapping[str, tuple[Attribute, Mapping[str, str]]] = {
    "drivable area": (Attribute.AREA, {
        "motorway": "one direction only, faster than 75 km/h",
        "road": "faster than 60 km/h, with oncoming traffic",
        "street": "a street between junctions",
        "junction": "a junction without lights",
        "signals": "a junction with lights",
        "roundabout": "a roundabout"}),
    "speed limit": (Attribute.SPEED_LIMIT, {
        "up to 30 km/h": "8.4 m/s", "up to 50 km/h": "13.9 m/s", "up to 80 km/h": "22.3 m/s", "up to 130 km/h": "36.2 m/s"}),
    "rain": (Attribute.RAIN, {"none": "below 0.1 mm/h", "light": "to 2.5 mm/h", "moderate": "to 7.6 mm/h", "heavy": "to 15 mm/h"}),
    "visibility": (Attribute.VISIBILITY, {"clear": "from 1000 m", "mist": "250 to 1000 m", "fog": "80 to 250 m"}),
    "light": (Attribute.LIGHT, {"day": "from 1000 lx", "lit night": "1 to 1000 lx", "unlit night": "0.05 to 1 lx"}),
    "grip": (Attribute.GRIP, {"dry": "from 0.85", "wet": "0.6 to 0.85", "slippery": "0.35 to 0.6"}),
    "temperature": (Attribute.TEMPERATURE, {"frost": "below 0 °C", "mild": "0 to 30 °C", "hot": "above 30 °C"}),
    "connectivity": (Attribute.CONNECTION, {"connected": "within 10 s", "disconnected": "for longer"}),
    "map age": (Attribute.MAP_AGE, {"current": "up to 90 days", "old": "older"}),
    "localisation": (Attribute.LOCALISATION, {"exact": "to 0.5 m", "inexact": "worse"}),
    "sensors": (Attribute.SENSORS, {"working": "all of them", "impaired": "one or more are not"}),
}  # fmt: skip
"""By attribute: what of the monitor it is, and its terms with what they mean."""

assert {area.name.lower() for area in Area if area.name} == set(TERMS["drivable area"][1])


def fault_of(attribute: str, term: str) -> str | None:
    """What is wrong with a term, and what there is instead; None where nothing is."""
    if attribute not in TERMS:
        return f'"{attribute}" is no attribute of the domain; there are {", ".join(TERMS)}'
    known = TERMS[attribute][1]
    return None if term in known else f'{attribute} is one of {", ".join(known)}, not "{term}"'
