"""Traffic that drives by itself on any road map."""

from marque.simulation.traffic.guests import GuestStates, no_guests
from marque.simulation.traffic.traffic import Traffic

__all__ = ["GuestStates", "Traffic", "no_guests"]
