"""A drive that kills its process, raises, or never ends, depending on the case; to be imported by workers."""

from __future__ import annotations

import os
import signal
import time

from marque.proof.campaign import drive as sound


def drive(task, case):
    if case.index == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if case.index == 1:
        raise ZeroDivisionError("no")
    if case.index == 2:
        time.sleep(600.0)
    return sound(task, case)
