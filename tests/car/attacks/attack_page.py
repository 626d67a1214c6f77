"""Writes docs/attacks.md from the rows and from what stock python-tuf does:

.venv/bin/python tests/car/attacks/attack_page.py
"""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

import attack_stock
from attack_besides import BESIDES
from attack_rows import LEFT, NOTHING, ROWS

PAGE = Path(__file__).parents[3] / "docs" / "attacks.md"
HEAD = """\
# Attacks on a car, and what becomes of them

This page is written by `tests/car/attacks/attack_page.py` from the table that the tests play; a test fails when it is not what they give.
Each attack is played against a car with one release installed, while the next release of both companies is waiting. *Full* is what the
primary does (`marque.car.uptane.full`), *partial* what a secondary does by itself (`marque.car.uptane.partial`). What stands there is the
attack that the refusal names; in every such case the car's folder and what it runs are the same afterwards, byte for byte, and the next
honest update goes in. The whole updater (`marque.car.updater`) is put through the same rows: it names the same attack, and reports it.

Stock python-tuf {tuf} stands beside it: its `Updater` on the image repository, and on the director's, around which the director's key
signs the snapshot and the timestamp that python-tuf asks for. It knows neither two companies, nor vehicles and ECUs, nor evidence: where it
accepts one of those, it was never asked to refuse it.

A secondary sees the director's file and the role files that the primary hands on, both companies' signatures among them, but no snapshot
and no timestamp. *{left}* means that it would install what is right for itself, since the attack concerns other ECUs or only
a snapshot shows it; the primary refuses it. *{nothing}* means that the attack leaves it without an update.
"""
FOOT = """
## The clock and the reports

| Attack | Refused by | As |
| --- | --- | --- |
{besides}

## The public Uptane vectors

The 42 vectors of `../shared/data/tuf/uptane_vectors` and one made here for each of the 86 classes of their generator
(advancedtelematic/tuf-test-vectors) go through the same verification, and come out as they were meant, with the repository at fault and the
attack named. Any folder of such vectors can be run:

```
.venv/bin/python tests/car/uptane/uptane_vectors.py ../shared/data/tuf/uptane_vectors
```

## What is not refused

- Whoever has two keys of each company signs as both: that is what two of three each means.
- A network that lets nothing through. A car that hears nothing keeps what it has, and says so; metadata that it holds expires.
- The image repository held at its present state, until the timestamp expires: a day.
- A secondary whose primary hands on what is signed and current, but not the newest withdrawals: it notices when what it holds expires.
- A wrong release that both companies signed on evidence that both accepted. Either can withdraw the evidence.
"""


def line(row, stock):
    """The row of the table. stock: as `attack_stock.outcome` says it."""
    partial = row.of_partial if row.of_partial in (LEFT, NOTHING) else row.of_partial.value
    return f"| {row.name} | {row.full.value} | {partial} | {stock} |"


def page(lines):
    """The whole page. lines: of the rows, in their order."""
    told = [HEAD.format(tuf=version("tuf"), left=LEFT, nothing=NOTHING)]
    by_row = dict(zip(ROWS, lines, strict=True))
    for group, rows in groupby(ROWS, key=lambda row: row.group):
        told.append(f"\n## {group[0].upper()}{group[1:]}\n\n| Attack | Full | Partial | Stock python-tuf |\n| --- | --- | --- | --- |\n")
        told += [f"{by_row[row]}\n" for row in rows]
    told.append(FOOT.format(besides="\n".join(f"| {one.name} | {one.by} | {one.attack.value} |" for one in BESIDES)))
    return "".join(told)


def measured(row):
    with tempfile.TemporaryDirectory() as folder:
        return line(row, attack_stock.outcome(row, Path(folder)))


if __name__ == "__main__":
    PAGE.write_text(page([measured(row) for row in ROWS]), encoding="utf-8")
