"""uvllang, asked by bench/uvl.py: its back end by name; a file to read so many times, or texts whose refusals are wanted, as JSON."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time

from uvllang import UVL


def features(back_end: str, **source: str) -> int:
    return len(UVL(backend=back_end, **source).features)


def refusal(back_end: str, text: str) -> str | None:
    """Reading, and making a formula of it, which is where names of constraints are looked at."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            model = UVL(backend=back_end, from_str=text)
            len(model.features)
            model.to_cnf()
    except Exception as refused:
        return str(refused) or type(refused).__name__
    return None


def main() -> None:
    back_end, asked = sys.argv[1], json.load(sys.stdin)
    said = os.dup(1)
    os.dup2(2, 1)
    if "texts" in asked:
        answer: object = [refusal(back_end, text) for text in asked["texts"]]
    else:
        seconds = []
        for _ in range(asked["times"]):
            start = time.process_time()
            count = features(back_end, from_file=asked["file"])
            seconds.append(time.process_time() - start)
        answer = {"features": count, "seconds": min(seconds)}
    os.write(said, json.dumps(answer).encode())


if __name__ == "__main__":
    main()
