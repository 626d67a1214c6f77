"""What the companies' rooms stand on: database and tenant, policy gate, outbox, jobs, blobs, compute, clock."""

from marque.foundation.clock import Clock, SetClock, SystemClock
from marque.foundation.database import NOBODY, Actor, Database, Transaction

__all__ = ["NOBODY", "Actor", "Clock", "Database", "SetClock", "SystemClock", "Transaction"]
