"""What the companies' rooms stand on: database and tenant, policy gate, outbox, jobs, blobs, compute, clock."""

from marque.foundation.clock import Clock, SetClock, SystemClock
from marque.foundation.database import NOBODY, Actor, Database, Transaction
from marque.foundation.registry import Event, Job, Registry, Retry

__all__ = ["NOBODY", "Actor", "Clock", "Database", "Event", "Job", "Registry", "Retry", "SetClock", "SystemClock", "Transaction"]
