"""What a worker of any backend does: load a function, call it, answer in bytes."""

from __future__ import annotations

import pickle
import time
import traceback
from collections.abc import Callable
from typing import Any

from marque.foundation.compute import Failure


def load(job: bytes) -> tuple[Callable[[Any], Any] | None, bytes]:
    """The function, and the answer: a pickled None, or the Failure to load it."""
    try:
        return pickle.loads(job), pickle.dumps(None)  # noqa: S301  from the process that started this one
    except BaseException as error:
        return None, pickle.dumps(_raised(error))


def call(function: Callable[[Any], Any], item: bytes) -> bytes:
    """The answer: pickled (seconds it took, value or Failure)."""
    began = time.monotonic()
    try:
        value = function(pickle.loads(item))  # noqa: S301  from the process that started this one
    except BaseException as error:
        value = _raised(error)
    took_s = time.monotonic() - began
    try:
        return pickle.dumps((took_s, value), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        return pickle.dumps((took_s, Failure("raised", f"the value cannot be sent back: {type(error).__name__}: {error}")))


def _raised(error: BaseException) -> Failure:
    text = "".join(traceback.format_exception_only(error)).strip()
    return Failure("raised", text, "".join(traceback.format_exception(error)))
