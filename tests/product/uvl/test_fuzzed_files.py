"""Whatever is in a file, reading it ends with a model or with a fault that has a line and a column in that file."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

import pytest
from models import placeless

from marque.common import InputError
from marque.product.model import FeatureModel
from marque.product.uvl import parse, write
from marque.product.uvl.reading import decoded

SEEDS = (
    """namespace demo
include
	Boolean.*
	Arithmetic.*
	Type.*
features
	Car {abstract, from '2026-01-01', size {length 4.5, wide true}, codes [1, -2.5, 'x']}
		mandatory
			Wheels
				alternative
					"Wheels 20″" {price 900}
					"Wheels 21″" {price 1300, doc "it's wide"}
			Integer Seats
		optional
			String Name
			Towbar cardinality [0..2] {constraint Towbar => !"Wheels 21″"}
		[1..2]
			A
			B {x 4, constraints [A | B, B => Towbar]}
constraints
	Seats >= 2 & Seats <= (
		7
	)
	len(Name) < 10 & Name != 'none' // a comment
	sum(price) - B.x / 2 >= -3 => A /* another
	one */ | B
	avg(price, Wheels) > 1 <=> "Wheels 20″"
""",
    """features
  Root
    or
      A
      B
    alternative
      C
        mandatory
          D
      E
constraints
  A & !(B | C) => D <=> E
""",
    """// composed
namespace line
features
	Car
		mandatory
			"a.B" {w 1, constraints [
	a.B => a.C,
	sum(w, a.B) > 0
]}
				or
					"a.C" {w 2}
constraints
	Car & a.C
""",
)
LANGUAGE = """
features constraints imports include namespace mandatory optional or alternative cardinality as constraint Integer String Real Boolean
sum avg len
floor true false A B Car price ( ) [ ] { } , . .. ! & | => <=> == != < <= > >= + - * / 1 0 3.5 .5 '' 'x' // /* */ ' " "" \\ = $ ä 𝔘
"""
WORDS = [*LANGUAGE.split(), '"Wheels 20″"', "", " ", "\t", "\n", "\r", "\n\t\t\t", "\0", "\ufeff", "\u202e"]
Mutation = Callable[[Random, bytes], bytes]


def flip(random: Random, text: bytes) -> bytes:
    at = random.randrange(len(text))
    return text[:at] + bytes([text[at] ^ (1 << random.randrange(8))]) + text[at + 1 :]


def cut(random: Random, text: bytes) -> bytes:
    first, last = sorted(random.randrange(len(text) + 1) for _ in range(2))
    return text[:first] + text[min(last, first + random.choice((1, 4, 400))) :]


def stop(random: Random, text: bytes) -> bytes:
    return text[: random.randrange(len(text) + 1)]


def lines(random: Random, text: bytes) -> bytes:
    """One line is left out, said twice, put elsewhere, or indented in another way."""
    each = text.split(b"\n")
    at, other = random.randrange(len(each)), random.randrange(len(each))
    match random.randrange(4):
        case 0:
            del each[at]
        case 1:
            each.insert(other, each[at])
        case 2:
            each[at], each[other] = each[other], each[at]
        case _:
            each[at] = random.choice((b"\t", b" ", b"\t\t", b"")) + each[at].lstrip(b"\t " if random.random() < 0.5 else b"")
    return b"\n".join(each)


def words(random: Random, text: bytes) -> bytes:
    """One word or sign is replaced, left out, or another one is put before it."""
    found = list(re.finditer(rb"\w+|\s+|[^\w\s]+", text))
    if not found:
        return text
    at = random.choice(found)
    word = random.choice(WORDS).encode()
    return text[: at.start()] + word + text[random.choice((at.start(), at.end())) :]


MUTATIONS: tuple[Mutation, ...] = (flip, cut, stop, lines, words, words, words)


def mutated(number: int) -> bytes:
    random = Random(number)
    text = random.choice(SEEDS).encode()
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        text = random.choice(MUTATIONS)(random, text) if text else b"features"
    return text


def read_or_refused(content: bytes) -> FeatureModel | None:
    try:
        return parse(decoded(content, "car.uvl"), "car.uvl")
    except InputError as fault:
        refused = fault
    told = re.fullmatch(r"car\.uvl, line (\d+), column (\d+): [^\n]+\.(\n  [^\n]+[.?])?", str(refused))
    assert told, refused
    rows = re.split(r"\r\n?|\n", content.decode(errors="replace").removeprefix("\ufeff"))
    row, column = int(told[1]), int(told[2])
    assert 1 <= row <= len(rows), refused
    assert 1 <= column <= len(rows[row - 1]) + 1, refused
    return None


def drive(numbers: range) -> tuple[int, int]:
    """How many of the mutated files were read, and how many refused. What was read is a model that can be written and read again."""
    models = 0
    for number in numbers:
        content = mutated(number)
        try:
            model = read_or_refused(content)
        except Exception as failed:
            raise AssertionError(f"file {number}: {content!r}") from failed
        if model is not None:
            models += 1
            assert list(model.order.values()) == list(range(1, len(model.features) + 1))
            assert placeless(parse(write(model))) == placeless(model), number
    return models, len(numbers) - models


def test_four_thousand_mutated_files_are_read_or_refused_with_line_and_column() -> None:
    read_in, refused = drive(range(4_000))
    assert read_in > 200
    assert refused > 2_000


MODULES = {
    "car": """imports
	sensors.suite as s
	legal
features
	Car
		or
			s.Suite {x 1}
			legal.Rules
constraints
	s.Lidar => legal.Rules
""",
    "sensors.suite": """imports
	legal as l
features
	Suite
		or
			Lidar {x 2}
			l.Rules
constraints
	sum(x) > 1 & l.Rules
""",
    "legal": """features
	Rules {x 3}
""",
}


def test_mutated_files_that_import_each_other_are_read_or_refused_in_one_of_them() -> None:
    read_in = 0
    for number in range(2_000):
        random = Random(number)
        texts = dict(MODULES)
        for name in random.sample(list(texts), random.choice((1, 1, 2))):
            texts[name] = random.choice((cut, stop, lines, words, words))(random, texts[name].encode()).decode(errors="replace")

        def load(namespace: str, texts: dict[str, str] = texts) -> tuple[str, str]:
            return texts[namespace], f"{namespace}.uvl"

        try:
            model = parse(texts["car"], "car.uvl", load)
        except InputError as fault:
            refused = fault
        else:
            read_in += 1
            assert placeless(parse(write(model))) == placeless(model), number
            continue
        assert refused.source.removesuffix(".uvl") in texts, refused
        assert re.fullmatch(r"line \d+, column \d+", refused.place), refused
    assert read_in > 100


@pytest.mark.slow
def test_many_more_mutated_files_are_read_or_refused_with_line_and_column() -> None:
    drive(range(4_000, 60_000))
