"""Campaigns: every case of a suite driven and judged, once and for all; a campaign that was killed goes on where it was."""

from marque.proof.campaign.campaign import Campaign, Plan, Schedule, Tally
from marque.proof.campaign.drive import REFERENCE, Hidden, Task, drive
from marque.proof.campaign.inputs import inputs_of, seeds_digest
from marque.proof.campaign.joined import joined_cases, suites_of
from marque.proof.campaign.run import Run

__all__ = [
    "REFERENCE",
    "Campaign",
    "Hidden",
    "Plan",
    "Run",
    "Schedule",
    "Tally",
    "Task",
    "drive",
    "inputs_of",
    "joined_cases",
    "seeds_digest",
    "suites_of",
]
