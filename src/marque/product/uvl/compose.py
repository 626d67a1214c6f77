"""Outlines → one feature model: imported submodels take the place of the references to them; names are looked up; levels are checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from marque.common import MarqueError
from marque.product.model import Constraint, Feature, FeatureModel, FeatureType, Group, Value
from marque.product.uvl.faults import shown
from marque.product.uvl.formulas import read_formula
from marque.product.uvl.levels import permitted
from marque.product.uvl.names import Directory
from marque.product.uvl.outline import Import, Node, Outline
from marque.product.uvl.sections import read_outline

Loader = Callable[[str, str], tuple[str, str]]
"""(namespace as it is written in `imports`, file that imports it) → (text, file). LookupError or OSError where there is none."""

_MOST_FEATURES = 250_000
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class _Module:
    """One file at one place of the composition. site: the reference that it stands for, in the outline of the module around it."""

    outline: Outline
    file: str
    prefix: str = ""
    """Of its names in the model, with the full stop."""
    around: _Module | None = None
    site: Node | None = None

    @property
    def root(self) -> str:
        return next(iter(self.outline.nodes))

    @property
    def chain(self) -> list[_Module]:
        """The module itself, the one around it, and so on."""
        chain = [self]
        while chain[-1].around:
            chain.append(chain[-1].around)
        return chain


@dataclass(slots=True)
class _Composition:
    load: Loader | None
    loaded: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)
    """Files, by who imports them and as what."""
    outlines: dict[str, Outline] = field(default_factory=dict)
    """By file."""
    features: dict[str, Feature] = field(default_factory=dict)
    modules: list[_Module] = field(default_factory=list)


def compose(text: str, file: str, load: Loader | None) -> FeatureModel:
    """The model of a text and of all that it imports. InputError names file, line and column of the first fault."""
    composition = _Composition(load)
    outline = read_outline(text, file)
    main = _Module(outline, file)
    _place(composition, main)
    directory = Directory(composition.features)
    constraints: list[Constraint] = []
    for module in composition.modules:
        constraints.extend(_constraints(module, directory))
    for module in composition.modules:
        _check_levels(module)
    return FeatureModel(outline.namespace or main.root, composition.features, tuple(constraints), tuple(outline.levels))


def _place(composition: _Composition, module: _Module) -> None:
    """Adds the features of a module and of those it imports, each where the reference to its root stands."""
    composition.modules.append(module)
    outline = module.outline
    source, features = outline.source, composition.features
    if len(features) + len(outline.nodes) > _MOST_FEATURES:
        raise source.fault(0, f"with this file the model has more than {_MOST_FEATURES:,} features")
    placed: set[str] = set()
    for node in outline.nodes.values():
        if node.alias:
            if node.alias in placed:
                raise source.fault(node.offset, f"the import {shown(node.alias)} already has its place in the tree")
            placed.add(node.alias)
            _place(composition, _imported(composition, module, node))
        else:
            feature = _feature(module, node)
            if feature.name in features:
                first = features[feature.name].place
                raise source.fault(node.offset, f"there is a second feature {shown(feature.name)}, the first is in {first}")
            features[feature.name] = feature
    for alias, imported in outline.imports.items():
        if alias not in placed:
            problem = f"the import {shown(alias)} has no place in the tree"
            raise source.fault(
                imported.offset, problem, f"Write {alias} and its root, with a full stop between them, where its features belong."
            )


def _feature(module: _Module, node: Node) -> Feature:
    """The root of a submodel has the parent of the reference to it, and what the reference adds: attributes, groups, a cardinality.

    Where the reference is a root itself, the reference to that one adds in turn.
    """
    groups, attributes, least, most = _groups(module, node), node.attributes, node.least, node.most
    kind = node.type or FeatureType.BOOLEAN
    here, around = node, module
    while not here.parent and around.around and around.site:
        here, around = around.site, around.around
        _check_addition(around, here, attributes, kind)
        attributes = {**attributes, **here.attributes}
        groups += _groups(around, here)
        if here.least is not None:
            least, most = here.least, here.most
    return Feature(
        module.prefix + node.name,
        around.prefix + here.parent if here.parent else "",
        groups,
        module.outline.source.place(node.offset),
        kind,
        attributes,
        1 if least is None else least,
        1 if least is None else most,
        node.name.rpartition(".")[0] if module.outline.composed else module.prefix[:-1],
    )


def _check_addition(around: _Module, reference: Node, attributes: Mapping[str, Value], kind: FeatureType) -> None:
    source = around.outline.source
    for key in reference.attributes:
        if key in attributes:
            raise source.fault(reference.offset, f"the submodel already has the attribute {shown(key)} at its root")
    if reference.type not in (None, kind):
        problem = f"{shown(reference.name)} is {kind} in its submodel, {reference.type} here"
        raise source.fault(reference.offset, problem, "Leave the type away.")


def _groups(module: _Module, node: Node) -> tuple[Group, ...]:
    place, prefix = module.outline.source.place, module.prefix
    return tuple(
        Group(group.kind, tuple(prefix + child for child in group.children), group.least, group.most, place(group.offset))
        for group in node.groups
    )


def _imported(composition: _Composition, module: _Module, node: Node) -> _Module:
    """The module that a reference stands for. Its file is read once, however often it is imported."""
    source, imported = module.outline.source, module.outline.imports[node.alias]
    key = (module.file, imported.parts)
    if key not in composition.loaded:
        text, file = _text(composition.load, module, imported)
        circle = [each.file for each in module.chain]
        if file in circle:
            told = " → ".join([*reversed(circle[: circle.index(file) + 1]), file])
            raise source.fault(imported.offset, f"the imports go in a circle: {told}")
        if file not in composition.outlines:
            composition.outlines[file] = read_outline(text, file)
        composition.loaded[key] = file
    file = composition.loaded[key]
    outline = composition.outlines[file]
    chain = module.chain
    if len(chain) >= _DEEPEST:
        raise source.fault(imported.offset, f"imports are nested deeper than {_DEEPEST} files")
    root = next(iter(outline.nodes))
    if node.name != f"{node.alias}.{root}":
        problem = f"{shown(node.name)} is not the root of {file}"
        raise source.fault(node.offset, problem, f"Write {node.alias}.{root}: the whole submodel takes this place.")
    return _Module(outline, file, f"{module.prefix}{node.alias}.", module, node)


def _text(load: Loader | None, module: _Module, imported: Import) -> tuple[str, str]:
    source, namespace = module.outline.source, ".".join(imported.parts)
    if load is None:
        raise source.fault(imported.offset, f"{shown(namespace)} cannot be imported into a text that is no file")
    try:
        return load(namespace, module.file)
    except MarqueError:
        raise
    except (LookupError, OSError, ValueError) as reason:
        problem = f"{shown(namespace)} cannot be imported: {reason.args[0] if reason.args and isinstance(reason, LookupError) else reason}"
        raise source.fault(imported.offset, problem, "") from reason


def _constraints(module: _Module, directory: Directory) -> list[Constraint]:
    outline, tokens = module.outline, module.outline.tokens
    source = outline.source
    root = module.prefix + module.root if module.prefix else ""
    scope = directory.scope(source, outline.use, module.prefix, root)
    found = []
    for first, last, owner in outline.formulas:
        formula = read_formula(tokens, first, last, scope)
        text = source.text[tokens.offsets[first] : tokens.ends[last - 1]]
        found.append(Constraint(formula, " ".join(text.split()), source.place(tokens.offsets[first]), owner or module.prefix[:-1]))
    return sorted(found, key=lambda each: each.owner != "") if outline.composed else found


def _check_levels(module: _Module) -> None:
    """What a module uses must be included by its own file and by every file around it."""
    inner = module
    for each in module.chain:
        allowed = permitted(each.outline.levels)
        for level, offset in module.outline.uses.items():
            if level not in allowed:
                remedy = f"Add {level} below “include”, or leave “include” away."
                if each is module:
                    raise each.outline.source.fault(
                        offset, f"this is of the language level “{level}”, which the file does not include", remedy
                    )
                assert inner.site is not None
                where = module.outline.source.place(offset)
                problem = (
                    f"the submodel {shown(inner.site.alias)} uses the language level “{level}” ({where}), which this file does not include"
                )
                raise each.outline.source.fault(each.outline.imports[inner.site.alias].offset, problem, remedy)
        inner = each
