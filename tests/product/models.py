"""Small feature models of every shape, for property tests: `feature_models()`; and `placeless`, to compare what was written and read."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from marque.product.model import (
    Aggregate,
    And,
    Arithmetic,
    Attribute,
    Compare,
    Constant,
    Constraint,
    Feature,
    FeatureModel,
    FeatureType,
    Formula,
    Group,
    GroupKind,
    Iff,
    Implies,
    Name,
    Not,
    Or,
    Place,
    Term,
    Value,
)
from marque.product.uvl import formula_text

NOWHERE = Place("", 1, 1)
_SHAPES = ["{}", "{}", "{}", "Wheels {}″", "RAM-module-{}", "été {}", "{} // none", "or{}", "sum{}"]
_KEYS = ["price", "mass", "requires_tops", "tow hook"]
_COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="\"'"), max_size=8)


def placeless(model: FeatureModel) -> FeatureModel:
    """The model as if nobody knew where it was written; texts of constraints go too, since spaces and brackets are no matter."""
    features = {
        name: replace(feature, place=NOWHERE, groups=tuple(replace(group, place=NOWHERE) for group in feature.groups))
        for name, feature in model.features.items()
    }
    constraints = tuple(replace(constraint, place=NOWHERE, text="") for constraint in model.constraints)
    return replace(model, features=features, constraints=constraints)


def formulas(names: list[str], conditions: st.SearchStrategy[Formula] | None = None, most: int = 8) -> st.SearchStrategy[Formula]:
    """Over features and, where given, further conditions such as comparisons; of up to `most` leaves."""
    leaves: st.SearchStrategy[Formula] = st.sampled_from(names).map(Name)
    if conditions is not None:
        leaves = st.one_of(leaves, conditions)

    def wider(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.one_of(inner.map(Not), several.map(And), several.map(Or), st.builds(Implies, inner, inner), st.builds(Iff, inner, inner))

    return st.recursive(leaves, wider, max_leaves=most)


@st.composite
def feature_models(draw: st.DrawFn, *, most: int = 8, constraints: int = 3, arithmetic: bool = False, types: bool = False) -> FeatureModel:
    """Models of 1 to `most` features and up to `constraints` constraints; Boolean, with group cardinalities and attributes.

    arithmetic: constraints compare attributes too, and sums of them. types: some features are Integer, Real or String, some have
    a cardinality of their own, and attributes have values of every kind.
    """
    count = draw(st.integers(1, most))
    parents = [draw(st.integers(0, number - 1)) for number in range(1, count)]
    names = [draw(st.sampled_from(_SHAPES)).format(f"F{number}") for number in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for child, parent in enumerate(parents, 1):
        below[parent].append(child)
    features: dict[str, Feature] = {}
    waiting = [0]
    while waiting:
        number = waiting.pop()
        groups = draw(_groups([names[child] for child in below[number]]))
        parent = names[parents[number - 1]] if number else ""
        feature = Feature(names[number], parent, groups, NOWHERE, attributes=draw(_attributes(types)))
        features[feature.name] = draw(_typed(feature)) if types else feature
        waiting.extend(reversed(below[number]))
    conditions = _conditions(features, types=types) if arithmetic else None
    wanted = draw(st.lists(formulas(list(features), conditions), max_size=constraints))
    rules = tuple(Constraint(formula, formula_text(formula), NOWHERE) for formula in wanted)
    return FeatureModel(next(iter(features)), features, rules)


@st.composite
def _groups(draw: st.DrawFn, children: list[str]) -> tuple[Group, ...]:
    """The children in their order, cut into groups."""
    groups = []
    while children:
        size = draw(st.integers(1, len(children)))
        kind = draw(st.sampled_from(GroupKind))
        least, most = {
            GroupKind.MANDATORY: (size, size),
            GroupKind.OPTIONAL: (0, None),
            GroupKind.OR: (1, None),
            GroupKind.ALTERNATIVE: (1, 1),
            GroupKind.CARDINALITY: (draw(st.integers(0, size)), None),
        }[kind]
        if kind is GroupKind.CARDINALITY:
            most = draw(st.one_of(st.none(), st.integers(max(least, 1), size)))
        groups.append(Group(kind, tuple(children[:size]), least, most, NOWHERE))
        children = children[size:]
    return tuple(groups)


def _attributes(types: bool) -> st.SearchStrategy[dict[str, Value]]:
    numbers: st.SearchStrategy[Value] = st.integers(0, 9)
    if not types:
        return st.dictionaries(st.sampled_from(_KEYS), numbers, max_size=2)
    single = st.one_of(st.booleans(), numbers, st.floats(-1e6, 1e6), _TEXTS)
    nested: st.SearchStrategy[Value] = st.recursive(
        single,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(tuple),
            st.dictionaries(st.sampled_from(["from", "until", "doc"]), st.one_of(inner, st.none()), max_size=2),
        ),
        max_leaves=4,
    )
    return st.builds(
        lambda known, more: {**known, **more},
        st.dictionaries(st.sampled_from(_KEYS), numbers, max_size=2),
        st.dictionaries(st.sampled_from(["abstract", "until", "Notes, more"]), st.one_of(st.none(), nested), max_size=2),
    )


@st.composite
def _typed(draw: st.DrawFn, feature: Feature) -> Feature:
    kind = draw(st.sampled_from([FeatureType.BOOLEAN, *FeatureType]))
    least = draw(st.sampled_from([1, 1, 1, 0, 2]))
    most = 1 if least == 1 else draw(st.one_of(st.none(), st.integers(least, 4)))
    return replace(feature, type=kind, least=least, most=most)


def _conditions(features: dict[str, Feature], *, types: bool) -> st.SearchStrategy[Formula]:
    """Comparisons of what there is: attributes that are numbers, sums over them, values of typed features."""
    terms: list[st.SearchStrategy[Term]] = [st.integers(-3, 20).map(Constant)]
    held = [Attribute(name, key) for name, feature in features.items() for key in _KEYS if key in feature.attributes]
    if held:
        functions = st.sampled_from(["sum", "avg", "min", "max"])
        terms += [st.sampled_from(held), st.builds(Aggregate, functions, st.sampled_from([each.name for each in held]))]
    numbers = [name for name, feature in features.items() if feature.type in (FeatureType.INTEGER, FeatureType.REAL)]
    if types and numbers:
        terms.append(st.sampled_from(numbers).map(Name))
    term = st.recursive(
        st.one_of(terms), lambda inner: st.builds(Arithmetic, st.sampled_from("+-*" if not types else "+-*/"), inner, inner), max_leaves=4
    )
    if types:
        term = st.one_of(term, st.builds(lambda name, inner: Aggregate(name, operand=inner), st.sampled_from(["floor", "ceil"]), term))
    compared: st.SearchStrategy[Formula] = st.builds(Compare, st.sampled_from(_COMPARISONS), term, term)
    texts = [name for name, feature in features.items() if feature.type is FeatureType.STRING]
    if texts:
        named = st.sampled_from(texts).map(Name)
        text = st.builds(Compare, st.sampled_from(["==", "!="]), named, _TEXTS.map(Constant))
        length = st.builds(lambda name, number: Compare("<", Aggregate("len", operand=name), Constant(number)), named, st.integers(0, 9))
        return st.one_of(compared, text, length)
    return compared
