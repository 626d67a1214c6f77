"""OpenSCENARIO XML 1.0–1.3: scenario files read, their variations expanded, played with the pilot as the ego, and judged."""

from __future__ import annotations

from marque.simulation.openscenario.careful_driver import CarefulDriver
from marque.simulation.openscenario.document import Document
from marque.simulation.openscenario.expressions import holds
from marque.simulation.openscenario.play import Contact, Played, observe, play
from marque.simulation.openscenario.results import CASES, StoryResult, as_scenario, drive_stories, is_scenario
from marque.simulation.openscenario.scenario import Story, read_story
from marque.simulation.openscenario.variations import Variation, files_of, read_variation, variation_of

__all__ = [
    "CASES",
    "CarefulDriver",
    "Contact",
    "Document",
    "Played",
    "Story",
    "StoryResult",
    "Variation",
    "as_scenario",
    "drive_stories",
    "files_of",
    "holds",
    "is_scenario",
    "observe",
    "play",
    "read_story",
    "read_variation",
    "variation_of",
]
