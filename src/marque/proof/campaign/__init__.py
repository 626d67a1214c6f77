"""Campaigns: every case of a suite driven and judged, once and for all; a campaign that was killed goes on where it was."""

from marque.proof.campaign.campaign import Campaign, Plan, Tally
from marque.proof.campaign.drive import REFERENCE, Task, drive
from marque.proof.campaign.run import OUTCOMES, Run

__all__ = ["OUTCOMES", "REFERENCE", "Campaign", "Plan", "Run", "Tally", "Task", "drive"]
