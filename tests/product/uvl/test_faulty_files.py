"""Every fault is refused with line and column, and in words that help."""

from __future__ import annotations

import re

import pytest

from marque.common import InputError
from marque.product.uvl import parse

FAULTS = {
    "nothing at all": ("", "1:1", "no section “features”"),
    "only a comment": ("// nothing here\n", "1:1", "no section “features”"),
    "no features in it": ("features\nconstraints\n\tA\n", "1:1", "holds no feature"),
    "no tree": ("namespace A\n", "1:12", "no section “features”"),
    "a misspelt section": ("featurs\n\tA\n", "1:1", "Did you mean “features”?"),
    "an indented section": ("  features\n    A\n", "1:3", "a section was expected"),
    "a second section": ("features\n\tA\nfeatures\n\tB\n", "3:1", "the first is in line 1"),
    "sections in the wrong order": ("features\n\tA\nimports\n\tb\n", "3:1", "behind “features”"),
    "constraints first": ("constraints\n\tA\nfeatures\n\tA\n", "1:1", "before “features”"),
    "text behind a section": ("features A\n\tB\n", "1:10", "indented below it"),
    "a namespace without a name": ("namespace\nfeatures\n\tA\n", "1:10", "a name was expected"),
    "a namespace that is a word": ("namespace 7\nfeatures\n\tA\n", "1:11", "a name was expected"),
    "a group beside its feature": ("features\n\tA\n\tmandatory\n\t\t\tB\n", "3:2", "one level deeper than its feature"),
    "a feature where a group belongs": ("features\n\tA\n\t\tB\n", "3:3", "a group was expected below “A”"),
    "a misspelt group": ("features\n\tA\n\t\tmandatry\n\t\t\tB\n", "3:3", "Did you mean “mandatory”?"),
    "a group without features": ("features\n\tA\n\t\toptional\n\t\tor\n\t\t\tB\n", "3:3", "no feature below it"),
    "two roots": ("features\n\tA\n\tB\n", "3:2", "a model has one root"),
    "a name twice": ("features\n\tA\n\t\toptional\n\t\t\tB\n\t\t\tB\n", "5:4", "the first is in line 4"),
    "the root's name below it": ("features\n\tA\n\t\toptional\n\t\t\tA\n", "4:4", "the first is in line 2"),
    "a word of the language as a name": ("features\n\tcardinality\n", "2:2", "double quotes"),
    "a name with a dash": ("features\n\tRAM-module\n", "2:5", "double quotes"),
    "a name that begins with a digit": ("features\n\t4x4\n", "2:2", "a name was expected"),
    "a full stop in a name": ('features\n\t"Fun.Fun"\n', "2:2", "holds a full stop"),
    "an empty name": ('features\n\t""\n', "2:2", "a name was expected"),
    "two names in a line": ("features\n\tA B\n", "2:4", "behind the feature"),
    "a feature of nothing imported": ("features\n\tA\n\t\toptional\n\t\t\tb.C\n", "4:4", "which is not imported"),
    "tabs, then blanks": ("features\n\tA\n\t\tor\n            B\n", "4:1", "mixes tabs and blanks"),
    "blanks, then a tab": ("features\n  A\n    or\n\t  B\n", "4:1", "mixes tabs and blanks"),
    "indented between two levels": ("features\n    A\n        or\n            B\n      C\n", "5:7", "not as far as any line above"),
    "a constraint too deep": ("features\n\tA\nconstraints\n\tA\n\t\tA\n", "5:3", "indented deeper"),
    "least above most": ("features\n\tA\n\t\t[3..1]\n\t\t\tB\n", "3:3", "Write [1..3]."),
    "more wanted than there are": ("features\n\tA\n\t\t[2..3]\n\t\t\tB\n", "3:3", "wants at least 2 of 1"),
    "a cardinality of half": ("features\n\tA\n\t\t[0.5]\n\t\t\tB\n", "3:4", "a whole number"),
    "a negative cardinality": ("features\n\tA\n\t\t[-1..2]\n\t\t\tB\n", "3:4", "a whole number"),
    "a cardinality without an end": ("features\n\tA\n\t\t[1..]\n\t\t\tB\n", "3:7", "a whole number"),
    "a star first": ("features\n\tA\n\t\t[*..2]\n\t\t\tB\n", "3:4", "a whole number"),
    "an enormous cardinality": ("features\n\tA cardinality [1..99999999999]\n", "2:20", "1,000,000"),
    "a cardinality without brackets": ("features\n\tA cardinality 3\n", "2:16", "It is written [n..m]"),
    "an attribute twice": ("features\n\tA {x 1, x 2}\n", "2:10", "is there twice"),
    "an attribute without a name": ("features\n\tA {'x'}\n", "2:5", "name of an attribute"),
    "attributes without a comma": ("features\n\tA {x 1 y 2}\n", "2:9", "“,” or “}” was expected"),
    "a comma too much": ("features\n\tA {x 1,}\n", "2:9", "name of an attribute"),
    "a text without quotes": ("features\n\tA {x red}\n", "2:7", "'texts'"),
    "a list without a comma": ("features\n\tA {x [1 2]}\n", "2:10", "in the list"),
    "an open list": ("features\n\tA {x [1, 2}\n", "2:12", "closes “[”"),
    "an attribute with a leading zero": ("features\n\tA {x 007}\n", "2:7", "neither a number nor a name"),
    "a number too long": (f"features\n\tA {{x {'9' * 5000}}}\n", "2:7", "5000 characters"),
    "a number too large": (f"features\n\tA {{x {'9' * 350}.0}}\n", "2:7", "too large"),
    "an open bracket": ("features\n\tA {x 1\n\t\tor\n\t\t\tB\n", "2:4", "never closed"),
    "a closed bracket too much": ("features\n\tA\nconstraints\n\tA)\n", "4:3", "closes nothing"),
    "the wrong bracket": ("features\n\tA\nconstraints\n\t(A]\n", "4:4", "closes “(” of line 4, column 2"),
    "an open text": ("features\n\tA {x 'red}\n", "2:7", "not closed on its line"),
    "an open name": ('features\n\t"A\n', "2:2", "not closed on its line"),
    "an open comment": ("features\n\tA\n/* and then\n", "3:1", "never closed"),
    "a NUL": ("features\n\tA\0\n", "2:3", "U+0000"),
    "a form feed": ("features\n\tA\n\f\n", "3:1", "U+000C"),
    "half a surrogate pair": ('features\n\t"A\ud800"\n', "2:4", "U+D800"),
    "a character that turns the line around": ("features\n\tA // \u202e\n", "2:7", "U+202E"),
    "a sign that is none": ("features\n\tA$\n", "2:3", "no meaning here"),
    "one equals sign": ("features\n\tA {x 1}\nconstraints\n\tA.x = 1\n", "4:6", "Write == to compare"),
    "an unknown feature": ("features\n\tTowbar\nconstraints\n\tTowbra\n", "4:2", "Did you mean “Towbar”?"),
    "a feature in other letters": ("features\n\tTowbar\nconstraints\n\t!TOWBAR\n", "4:3", "Did you mean “Towbar”?"),
    "an unknown attribute": ("features\n\tA {price 1}\nconstraints\n\tA.prize > 1\n", "4:2", "Did you mean “price”?"),
    "an attribute of none": ("features\n\tA\nconstraints\n\tA.price > 1\n", "4:2", "It has no attributes."),
    "an attribute without its feature": ("features\n\tA {price 1}\nconstraints\n\tprice > 1\n", "4:2", "sum(price)"),
    "an attribute as a condition": ("features\n\tA {price 1}\nconstraints\n\tA.price\n", "4:2", "Compare it"),
    "a sum of nothing": ("features\n\tA {price 1}\nconstraints\n\tsum(prize) > 1\n", "4:2", "Did you mean “price”?"),
    "a sum of texts": ("features\n\tA {price 'much'}\nconstraints\n\tsum(price) > 1\n", "4:2", "is none"),
    "a sum below nothing": ("features\n\tA {x 1}\n\t\tor\n\t\t\tB\nconstraints\n\tsum(x, B) > 1\n", "6:2", "below “B”"),
    "a sum of a sum": ("features\n\tA {x 1}\nconstraints\n\tsum(sum(x)) > 1\n", "4:9", "“)” was expected"),
    "a sum of three": ("features\n\tA {x 1}\nconstraints\n\tsum(x, A, A) > 1\n", "4:10", "“)” was expected"),
    "a Boolean feature as a number": ("features\n\tA\nconstraints\n\tA + 1 > 1\n", "4:2", "has no value of its own"),
    "a text as a number": ("features\n\tA {x 'a'}\nconstraints\n\tA.x + 1 > 1\n", "4:2", "which takes numbers"),
    "a text against a number": ("features\n\tA {x 'a'}\nconstraints\n\tA.x == 1\n", "4:9", "which takes texts"),
    "texts by size": ("features\n\tA {x 'a'}\nconstraints\n\tA.x < 'b'\n", "4:2", "which takes numbers"),
    "the length of a number": ("features\n\tA {x 1}\nconstraints\n\tlen(A.x) == 1\n", "4:6", "which takes texts"),
    "a list as a number": ("features\n\tA {x [1]}\nconstraints\n\tA.x > 1\n", "4:2", "it is a list"),
    "nothing as a number": ("features\n\tA {x}\nconstraints\n\tA.x > 1\n", "4:2", "it has no value"),
    "a number as a condition": ("features\n\tA\nconstraints\n\tA & 1\n", "4:6", "where a condition was expected"),
    "a comparison of comparisons": ("features\n\tA {x 1}\nconstraints\n\t1 < A.x < 3\n", "4:2", "a condition cannot be used with “<”"),
    "nothing on the right": ("features\n\tA\nconstraints\n\tA =>\n", "4:6", "found the end of the text"),
    "nothing on the left": ("features\n\tA\nconstraints\n\t=> A\n", "4:2", "found “=>”"),
    "an operator twice": ("features\n\tA\nconstraints\n\tA && A\n", "4:5", "written once"),
    "a word for an operator": ("features\n\tA\nconstraints\n\tA and A\n", "4:4", "Write & for “and”."),
    "empty brackets": ("features\n\tA\nconstraints\n\tA | ()\n", "4:7", "found “)”"),
    "a name without its end": ("features\n\tA\nconstraints\n\tA.\n", "4:4", "a name was expected"),
    "an unknown level": ("include\n\tBoolaen\nfeatures\n\tA\n", "2:2", "Did you mean “Boolean”"),
    "a level twice": ("include\n\tType\n\tType\nfeatures\n\tA\n", "3:2", "included twice"),
    "an import of nothing": ("imports\n\tb as\nfeatures\n\tA\n", "2:6", "a name was expected"),
    "an import in other words": ("imports\n\tb called c\nfeatures\n\tA\n", "2:4", "“as” or the end of the line"),
    "an import twice": ("imports\n\tb\n\tc as b\nfeatures\n\tA\n", "3:2", "already in line 2"),
    "a constraint attribute of nothing": ("features\n\tA {constraint}\n", "2:15", "a constraint was expected"),
    "constraint attributes without a list": ("features\n\tA {constraints A}\n", "2:17", "“[” was expected"),
    "an unknown feature in an attribute": ("features\n\tA {constraint A => B}\n", "2:21", "no feature “B”"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_refused_at_its_line_and_column(name: str) -> None:
    text, at, told = FAULTS[name]
    with pytest.raises(InputError) as refused:
        parse(text, "car.uvl")
    assert refused.value.source == "car.uvl"
    assert refused.value.place == "line {}, column {}".format(*at.split(":"))
    assert told in str(refused.value)
    assert re.fullmatch(r"car\.uvl, line \d+, column \d+: [^\n]*\.(\n  [^\n]*[.?])?", str(refused.value))


LEVELS = {
    "Boolean.group-cardinality": ("features\n\tA\n\t\t[1..2]\n\t\t\tB\n\t\t\tC\n", "3:3"),
    "Arithmetic": ("features\n\tA {x 1}\nconstraints\n\tA.x > 0\n", "4:6"),
    "Arithmetic.feature-cardinality": ("features\n\tA\n\t\toptional\n\t\t\tB cardinality [0..2]\n", "4:6"),
    "Arithmetic.aggregate-function": ("features\n\tA {x 1}\nconstraints\n\tsum(x) > 0\n", "4:2"),
    "Type": ("features\n\tA\n\t\toptional\n\t\t\tInteger B\n", "4:4"),
    "Type.string-constraints": ("features\n\tA {x 'a'}\nconstraints\n\tA.x == 'a'\n", "4:6"),
}


@pytest.mark.parametrize("level", LEVELS)
def test_what_the_file_does_not_include_is_refused_by_the_name_of_its_level(level: str) -> None:
    text, at = LEVELS[level]
    parse(text)
    major = level.partition(".")[0]
    below = {"Boolean": "Boolean", "Arithmetic": "Boolean", "Type": "Arithmetic"}[major] if "." not in level else major
    line, column = (int(each) for each in at.split(":"))
    with pytest.raises(InputError, match=re.escape(f"line {line + 2}, column {column}: this is of the language level “{level}”")):
        parse(f"include\n\t{below}\n{text}")
    parse(f"include\n\t{level}\n{text}")
    parse(f"include\n\t{major}.*\n{text}")
