"""Traffic that drives by itself on any road map."""

from marque.simulation.traffic.guests import GuestStates, no_guests
from marque.simulation.traffic.traffic import Traffic
from marque.simulation.traffic.worlds import WorldResult, run_worlds

__all__ = ["GuestStates", "Traffic", "WorldResult", "no_guests", "run_worlds"]
