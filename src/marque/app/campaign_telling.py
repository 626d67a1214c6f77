"""What a campaign's page says, in the reader's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marque.app.words import Words
from marque.proof.campaign.watch import Progress, Watch
from marque.proof.evidence.statements import FAILURES, OUTCOMES, SILENT
from marque.proof.statistics import intervals

CONFIDENCE = 0.95
QUIET_S = 60.0
"""After so long without a run the page says so: perhaps nobody drives any more."""
_ALWAYS = ("passed", "failed")


@dataclass(frozen=True)
class CellRow:
    """counts: of the outcomes that are shown, in their order; share: of those that say something, with its exact interval."""

    cell: str
    runs: int
    counts: tuple[int, ...]
    share: str
    interval: str


@dataclass(frozen=True)
class RunRow:
    """A run in a list. parameters, measures: (name, value)."""

    case: int
    scenario: str
    cell: str
    outcome: str
    outcome_word: str
    why: str
    parameters: tuple[tuple[str, str], ...]
    measures: tuple[tuple[str, str], ...]
    preventable: tuple[tuple[str, str], ...]
    trace: str
    seed: int


def plan_facts(words: Words, watch: Watch) -> list[tuple[str, str]]:
    """(label, value) of what is driven."""
    plan = watch.plan
    suites = [plan["suite"], *(words("campaign.hidden", name=name) for name in plan.get("hidden", ()))]
    facts = [
        ("suite", words("list.comma").join(suites)),
        ("vehicle", plan["vehicle"]),
        ("release", plan["release"]),
        ("seed", str(plan["seed"])),
        ("sees", words("campaign.sees.perfect" if plan["perfect"] else "campaign.sees.sensors")),
        ("begun", f"{watch.started:%Y-%m-%d %H:%M} UTC"),
    ]
    return [(words(f"campaign.{name}"), value) for name, value in facts]


def state(progress: Progress) -> str:
    """A key `campaign.state.*`."""
    if progress.ended:
        return "ended"
    return "driving" if progress.quiet_s < QUIET_S else "quiet"


def progress_told(words: Words, progress: Progress) -> list[str]:
    """One clause each: how far, how fast, how long still."""
    share = 100.0 * progress.done / progress.cases if progress.cases else 100.0
    told = [words("campaign.done", done=f"{progress.done:,}", cases=f"{progress.cases:,}", share=f"{share:.1f}")]
    if progress.ended:
        silent = progress.cases - progress.done
        return [*told, words("campaign.not-needed", number=f"{silent:,}")] if silent else told
    if progress.quiet_s >= QUIET_S:
        return [*told, words("campaign.quiet", time=duration(words, progress.quiet_s))]
    if progress.rate_hz is not None and progress.left_s is not None:
        rate = f"{progress.rate_hz:.1f}" if progress.rate_hz >= 0.1 else f"{progress.rate_hz:.2f}"
        return [*told, words("campaign.rate", rate=rate), words("campaign.left", time=duration(words, progress.left_s))]
    return [*told, words("campaign.rate.unknown")]


def duration(words: Words, seconds: float) -> str:
    """To two units at most; of what is short, in seconds."""
    whole = round(seconds)
    if whole < 120:
        return words("campaign.s", s=whole)
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return words("campaign.min", min=minutes)
    return words("campaign.h", h=hours, min=minutes)


def outcomes_shown(cells: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Those that came to be, and always passed and failed."""
    total = sum((Counter(counts) for counts in cells.values()), Counter[str]())
    return [one for one in OUTCOMES if one in _ALWAYS or total[one]]


def cell_rows(cells: Mapping[str, Mapping[str, int]]) -> list[CellRow]:
    """With the exact (Clopper–Pearson) interval of the share that fails."""
    shown = outcomes_shown(cells)
    return [_cell_row(cell, counts, shown) for cell, counts in cells.items()]


def _cell_row(cell: str, counts: Mapping[str, int], shown: Sequence[str]) -> CellRow:
    failed = sum(counts.get(one, 0) for one in FAILURES)
    within = sum(count for one, count in counts.items() if one not in SILENT)
    share = interval = ""
    if within:
        found = intervals.binomial(failed, within, CONFIDENCE)
        share, interval = _percent(failed / within), f"{_percent(float(found.low))}–{_percent(float(found.high))} %"
    return CellRow(cell, sum(counts.values()), tuple(counts.get(one, 0) for one in shown), share and f"{share} %", interval)


def _percent(share: float) -> str:
    percent = 100.0 * share
    return f"{percent:.2f}" if percent < 10.0 else f"{percent:.1f}"


def run_row(words: Words, said: Mapping[str, Any]) -> RunRow:
    """A run as its line says it."""
    return RunRow(
        case=said["case"], scenario=said["scenario"], cell=said["cell"], outcome=said["outcome"],
        outcome_word=words(f"campaign.outcome.{said['outcome']}"), why=said["why"],
        parameters=tuple((name, _value(value)) for name, value in sorted(said["parameters"].items())),
        measures=tuple(_measure(words, name, value) for name, value in sorted(said["measures"].items())),
        preventable=tuple(
            (words.messages.get(f"campaign.driver.{name}", name), words("replays.yes" if avoided else "replays.no"))
            for name, avoided in sorted(said["preventable"].items())
        ),
        trace=said["trace"], seed=said["seed"],
    )  # fmt: skip


def _measure(words: Words, name: str, value: float) -> tuple[str, str]:
    """Known ones by their words and units, others by the names that they have."""
    known = words.messages.get(f"campaign.measure.{name}")
    if known is None:
        return name, f"{value:.4g}"
    unit = next(unit for suffix, unit in _UNITS if name.endswith(suffix))
    return known, f"{value:.4g} {unit}"


_UNITS = (("_mps2", "m/s²"), ("_mps", "m/s"), ("_m", "m"), ("_s", "s"))


def _value(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
