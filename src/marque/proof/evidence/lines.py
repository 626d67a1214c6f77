"""The lines of runs.jsonl: their form, what they count to, and their hashes, in one pass over the mapped file.

A line is a run as canonical JSON (RFC 8785) with an end of line. Usual lines are matched by an expression that lets through nothing else:
flat objects, names in plain ASCII, numbers without an exponent; and the order of names is looked at beside it. Any other line is read by a
JSON parser and written again, which says the same and takes ten times as long. One thing is left to the thorough look that lines get when
they are sealed: that of numbers with 16 and 17 digits no shorter one means the same double.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import mmap
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from marque.alliance.audit.tree import HASH_BYTES, Frontier, leaf_hash
from marque.proof.evidence import reading
from marque.proof.evidence.statements import OUTCOMES, Counts, Runs

MOST_LINE_BYTES = 1 << 20
_CHUNK = 1 << 20
_PLAIN = rb'[^"\\\x00-\x1f]*+'
_TEXT = b'"' + _PLAIN + rb'(?:\\(?:["\\bfnrt]|u00(?:0[0-7be-f]|1[0-9a-f]))' + _PLAIN + b')*+"'
_NUMBER = rb"(?:-(?!0[,}]))?+(?!0\.0{6})(?:0|[1-9]\d{0,14}+)(?:\.\d{0,24}[1-9])?+"
_SHORT = rb"(?!-?[\d.]{17})" + _NUMBER
_COUNT = rb"(?:0|[1-9]\d{0,14}+|[1-8]\d{15})"


def _object(value: bytes) -> bytes:
    """The expression of a flat object with such values, and names without escapes."""
    pair = b'"' + _PLAIN + b'":(?:' + value + b"|true|false|null)"
    return rb"(\{(?:" + pair + b"(?:," + pair + rb")*+)?+\})"


_RUN = re.compile(
    b"".join(
        (
            rb'(\{"case":(', _COUNT, rb'),"cell":(', _TEXT, rb'),"collision":(?:true|false|null),"measures":', _object(_NUMBER),
            rb',"outcome":"(', "|".join(OUTCOMES).encode(), rb')","parameters":', _object(_TEXT + b"|" + _SHORT),
            rb',"preventable":', _object(_SHORT), rb',"scenario":', _TEXT, rb',"seed":', _COUNT,
            rb'(?:,"suite":', _TEXT, rb')?+,"trace":"(?:[0-9a-f]{64})?","weight":', _SHORT, rb',"why":', _TEXT, rb"\})\n",
        )
    )
)  # fmt: skip
_NOTHING = re.compile(rb"(?!)")
_NAMES = re.compile(rb'"([^"\\]*+)":')
_OTHERWISE = re.compile(rb"[:,\[]-?\d(?:\d{15}|[\d.]*e|\d*\.0[,}\]]|[\d.]{19})|NaN|Infinity")


@dataclass(frozen=True)
class Scan:
    """What the lines are. leaves: the leaf hash of each, one after another.

    problem: number (from 1) and fault of the first line that is no run; lines after it are hashed and not counted.
    """

    runs: Runs
    counts: Counts
    leaves: bytes
    problem: tuple[int, str] | None = None


def scan(data: mmap.mmap | bytes, start: int, end: int, *, thorough: bool = False) -> Scan:
    """Bytes [start, end) as runs. Case n has to stand on line n + 1. thorough: every line is parsed and written again."""
    hashes: list[bytes] = []
    found: list[tuple[bytes, bytes]] = []
    problem: tuple[int, str] | None = None
    at, case, usual, match = start, 0, _Usual(), _NOTHING.match if thorough else _RUN.match
    while at < end:
        run = match(data, at, end)
        body, number, cell, measures, outcome, parameters, preventable = run.groups() if run is not None else (b"",) * 7
        if number == b"%d" % case and usual.in_order(measures, parameters, preventable):
            found.append((cell, outcome))
            at += len(body) + 1
        else:
            line = _line(data, at, end)
            try:
                found.extend([_read(line, case)] if problem is None else [])
            except ValueError as fault:
                problem = (case + 1, str(fault))
            body = line.removesuffix(b"\n")
            at += len(line)
        hashes.append(leaf_hash(body))
        case += 1
    whole = hashlib.sha256(memoryview(data)[start:end]).hexdigest()
    counted = Counter(found)
    problem = problem or _fault_of_text(data, start, end, found, {cell for cell, _ in counted})
    return Scan(Runs(len(hashes), root(hashes).hex(), whole), _counts(counted), b"".join(hashes), problem)


class _Usual:
    """What the expression cannot see, told quickly: the names of a campaign's runs are few, and remembered. False means: look closer."""

    def __init__(self) -> None:
        self._known: set[tuple[bytes, ...]] = set()
        self._preventable: set[bytes] = set()

    def in_order(self, measures: bytes, parameters: bytes, preventable: bytes) -> bool:
        """Whether the names in these objects are: measures and preventable of numbers and truth values, parameters of texts as well."""
        if preventable not in self._preventable:
            if not self._ascending(tuple(preventable.split(b'"')[1::2])):
                return False
            self._preventable.add(preventable)
        return self._ascending(tuple(measures.split(b'"')[1::2])) and self._ascending(tuple(_NAMES.findall(parameters)))

    def _ascending(self, names: tuple[bytes, ...]) -> bool:
        if names in self._known:
            return True
        ordered = list(names) == sorted(set(names)) and all(name.isascii() for name in names)
        if ordered:
            self._known.add(names)
        return ordered


def root(hashes: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, of leaf hashes."""
    tree = Frontier()
    for one in hashes:
        tree.append(one)
    return tree.root()


def split(leaves: bytes) -> list[bytes]:
    return [leaves[at : at + HASH_BYTES] for at in range(0, len(leaves), HASH_BYTES)]


def iterate(data: mmap.mmap | bytes, start: int, end: int) -> Iterator[bytes]:
    """Each line, without its end."""
    while start < end:
        line = _line(data, start, end)
        yield line.removesuffix(b"\n")
        start += len(line)


def parsed(line: bytes) -> dict[str, Any]:
    """What a line says. Raises ValueError unless it is canonical.

    Python's own JSON, which is faster, writes the same but for numbers with an exponent, an empty fraction or beyond 2⁵³, and for the order
    of names that are not ASCII; a line with anything like that, or that it writes otherwise, is asked of the slower writer.
    """
    if line.isascii() and not _OTHERWISE.search(line):
        try:
            said = json.loads(line)
            again = json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        except (ValueError, RecursionError) as fault:
            raise ValueError("the run is not JSON in UTF-8") from fault
        if isinstance(said, dict) and again.encode() == line:
            return said
    return reading.canonical_object(line, "run")


def _line(data: mmap.mmap | bytes, at: int, end: int) -> bytes:
    newline = data.find(b"\n", at, end)
    return data[at : newline + 1 if newline >= 0 else end]


def _read(line: bytes, case: int) -> tuple[bytes, bytes]:
    """Cell and outcome of an unusual line, the cell as JSON. Raises ValueError."""
    if len(line) > MOST_LINE_BYTES:
        raise ValueError(f"it is longer than {MOST_LINE_BYTES} bytes")
    if not line.endswith(b"\n"):
        raise ValueError("it does not end with an end of line")
    said = parsed(line[:-1])
    if said.get("case") != case or type(said["case"]) is not int:
        raise ValueError(f"case {case} was expected, it is of case {str(said.get('case'))[:40]}")
    if said.get("outcome") not in OUTCOMES:
        raise ValueError(f"its outcome is not one of {', '.join(OUTCOMES)}")
    return reading.canonical(reading.text(said.get("cell"))), said["outcome"].encode()


def _counts(counted: Counter[tuple[bytes, bytes]]) -> Counts:
    counts: dict[str, dict[str, int]] = {}
    for (cell, outcome), number in sorted(counted.items()):
        counts.setdefault(_cell(cell), {})[outcome.decode()] = number
    return counts


def _cell(said: bytes) -> str:
    return str(json.loads(said.decode(errors="replace")))


def _fault_of_text(
    data: mmap.mmap | bytes, start: int, end: int, found: list[tuple[bytes, bytes]], cells: set[bytes]
) -> tuple[int, str] | None:
    """What the expression lets through: bytes that are not UTF-8, and cells that are no line of text."""
    if line := _not_unicode(data, start, end):
        return line, "it is not UTF-8"
    for cell in sorted(cells):
        try:
            reading.text(_cell(cell))
        except ValueError as fault:
            return [one for one, _ in found].index(cell) + 1, f"its cell: {fault}"
    return None


def _not_unicode(data: mmap.mmap | bytes, start: int, end: int) -> int:
    """The number of the first line that is not UTF-8; 0 when all are."""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    for at in range(start, end, _CHUNK):
        upto = min(at + _CHUNK, end)
        try:
            decode(data[at:upto], final=upto == end)
        except UnicodeDecodeError:
            return next(number for number, line in enumerate(iterate(data, start, end), 1) if not _is_unicode(line))
    return 0


def _is_unicode(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
