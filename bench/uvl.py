"""How long reading a feature model takes, and what becomes of faulty ones, ours and uvllang's: bench/uvl.py FILE.uvl… [--times N]

For each file the CPU seconds of the best of N readings, ours to a model whose names, types and levels are checked, the peer's with each of
its back ends to the names of its features; then their ratio. For the faulty texts of the tests: how many are read without a word, and how
many are refused with a line and a column. bench/peers/make uvl makes the peer's environment.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from marque.common import InputError
from marque.product import uvl

HERE = Path(__file__).parent
PEER = HERE / "peers" / ".venv-uvl" / "bin" / "python"
BACK_ENDS = ("zig", "lark", "antlr")
PLACE = re.compile(r"line \d+(:|, column )\d+")

sys.path.insert(0, str(HERE.parent / "tests" / "product" / "uvl"))


def best(path: Path, times: int) -> tuple[int, float]:
    """Features, and CPU seconds."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        model = uvl.read(path)
        seconds.append(time.process_time() - start)
    return len(model.features), min(seconds)


def ours(text: str) -> str | None:
    """The refusal of a text."""
    try:
        uvl.parse(text)
    except InputError as refused:
        return str(refused)
    return None


def peer(back_end: str, **asked: Any) -> Any:
    """What the peer answers; None where it did not end well."""
    done = subprocess.run(
        [PEER, HERE / "peers" / "uvl_reading.py", back_end], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE.uvl")
    parser.add_argument("--times", type=int, default=3, metavar="N")
    asked = parser.parse_args()
    for path in asked.files:
        features, seconds = best(path, asked.times)
        print(f"{path.name}: {features} features, ours {seconds:.3f} s")
        for back_end in BACK_ENDS:
            answer = peer(back_end, file=str(path.resolve()), times=asked.times)
            told = (
                f"{answer['features']} features, {answer['seconds']:.3f} s, {answer['seconds'] / seconds:.1f} × ours"
                if answer
                else "failed"
            )
            print(f"  uvllang {back_end}: {told}")
    from test_faulty_files import FAULTS

    texts = [text for text, _, _ in FAULTS.values()]
    answers = {"ours": [ours(text) for text in texts]} | {f"uvllang {each}": peer(each, texts=texts) for each in BACK_ENDS}
    for name, refusals in answers.items():
        read = sum(refusal is None for refusal in refusals or texts)
        placed = sum(refusal is not None and PLACE.search(refusal) is not None for refusal in refusals or ())
        print(f"{name}: of {len(texts)} faulty texts {read} read, {placed} refused with line and column" if refusals else f"{name}: failed")


if __name__ == "__main__":
    main()
