"""OpenSCENARIO XML 1.0–1.3: scenario files read, their variations expanded, played with the pilot as the ego, and judged."""

from __future__ import annotations

from marque.simulation.openscenario.play import Contact, Played, observe, play
from marque.simulation.openscenario.results import CASES, StoryResult, as_scenario, drive_stories, is_scenario
from marque.simulation.openscenario.scenario import Story, read_story
from marque.simulation.openscenario.variations import Variation, read_variation

__all__ = [
    "CASES",
    "Contact",
    "Played",
    "Story",
    "StoryResult",
    "Variation",
    "as_scenario",
    "drive_stories",
    "is_scenario",
    "observe",
    "play",
    "read_story",
    "read_variation",
]
