"""OpenSCENARIO documents: elements with their parameters put in, catalogs followed, and nothing passed over in silence.

A `Node` remembers which of its attributes and children were asked for. `Node.refuse_unread` names what nobody asked for, so that what this
reader does not know is refused, never ignored. Source: ASAM OpenSCENARIO XML 1.0–1.3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from lxml import etree

from marque.common import InputError
from marque.driving.importers.xml import read_root
from marque.simulation.openscenario.expressions import ExpressionError, resolve

_UNKNOWN = "It is no part of OpenSCENARIO 1.0–1.3 that Marque runs. Take it out, or say the same with another element."
_DEEPEST = 200
_CATALOGS = (
    "VehicleCatalog", "ControllerCatalog", "PedestrianCatalog", "MiscObjectCatalog", "EnvironmentCatalog", "ManeuverCatalog",
    "TrajectoryCatalog", "RouteCatalog",
)  # fmt: skip


class Node:
    """One element of a document, read strictly; every fault is an InputError that names file, element and line."""

    def __init__(self, document: Document, element: etree._Element, scope: Mapping[str, str], depth: int = 0) -> None:
        self.document, self.element, self.scope, self.depth = document, element, scope, depth
        if depth > _DEEPEST:
            raise self.fault("elements or references are nested too deeply")
        self._asked: set[str] = set()
        self._children: list[Node] | None = None
        self._followed: Node | None = None

    @property
    def tag(self) -> str:
        return str(self.element.tag)

    def fault(self, problem: str, remedy: str = "") -> InputError:
        name = self.element.get("name") or self.element.get("entityRef") or self.element.get("parameterRef")
        line = f" (line {self.element.sourceline})" if self.element.sourceline else ""
        return InputError(self.document.path.name, self.tag + (f' "{name}"' if name else "") + line, problem, remedy)

    def unsupported(self, remedy: str = _UNKNOWN) -> InputError:
        return self.fault("it is not supported", remedy)

    # Attributes

    def has(self, name: str) -> bool:
        return name in self.element.attrib

    def text(self, name: str, default: str | None = None) -> str:
        self._asked.add(name)
        value = self.element.get(name)
        if value is None:
            if default is None:
                raise self.fault(f'the attribute "{name}" is missing')
            return default
        try:
            return resolve(value, self.scope)
        except ExpressionError as error:
            raise self.fault(f'"{name}" is "{value[:80]}": {error}') from None

    def number(self, name: str, default: float | None = None) -> float:
        value = self.text(name, None if default is None else str(default))
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if math.isnan(number):
            raise self.fault(f'"{name}" is "{value[:40]}", a number is expected')
        return number

    def whole(self, name: str, default: int | None = None) -> int:
        number = self.number(name, default)
        if not number.is_integer():
            raise self.fault(f'"{name}" is {number:g}, a whole number is expected')
        return int(number)

    def flag(self, name: str, default: bool | None = None) -> bool:
        value = self.text(name, None if default is None else str(default).lower())
        if value not in ("true", "false", "1", "0"):
            raise self.fault(f'"{name}" is "{value[:40]}", true or false is expected')
        return value in ("true", "1")

    def choice(self, name: str, options: Sequence[str], default: str | None = None) -> str:
        value = self.text(name, default)
        if value not in options:
            raise self.fault(f'"{name}" is "{value[:40]}", which is not supported; {", ".join(options)} can be read')
        return value

    # Children

    def children(self) -> list[Node]:
        """All children; those that are not asked for by name still have to be read."""
        if self._children is None:
            declared = self.element.find("ParameterDeclarations")
            scope = self.scope
            if declared is not None and self.tag != "OpenSCENARIO":
                scope = {**scope, **self.document.declared(declared, scope, {})}
            self._children = [Node(self.document, child, scope, self.depth + 1) for child in self.element if isinstance(child.tag, str)]
        return self._children

    def each(self, *tags: str) -> list[Node]:
        found = [child for child in self.children() if child.tag in tags]
        self._asked.update(f"<{tag}>" for tag in tags)
        return found

    def maybe(self, *tags: str) -> Node | None:
        found = self.each(*tags)
        if len(found) > 1:
            raise found[1].fault(f"one <{found[1].tag}> is expected in <{self.tag}>")
        return found[0] if found else None

    def one(self, *tags: str) -> Node:
        found = self.maybe(*tags)
        if found is None:
            raise self.fault(f"<{' or '.join(tags)}> is missing")
        return found

    def only(self) -> Node:
        """The one child of a choice; None of its names is known beforehand."""
        found = [child for child in self.children() if child.tag != "ParameterDeclarations"]
        if len(found) != 1:
            raise self.fault(f"one element is expected in it, there are {len(found)}")
        self._asked.add(f"<{found[0].tag}>")
        return found[0]

    def pass_over(self, *names: str) -> None:
        """What says nothing about how anything moves: `name` an attribute, `<name>` a child with all it holds."""
        self._asked.update(names)
        for child in self.children():
            if f"<{child.tag}>" in names:
                child._asked.add("*")

    def followed(self) -> Node:
        """The catalog's entry, where this is a reference to one; else itself."""
        if self.tag != "CatalogReference":
            return self
        if self._followed is None:
            self._followed = self.document.entry(self)
        return self._followed

    def refuse_unread(self) -> None:
        """Raises InputError for the first attribute or element below this that nobody asked for."""
        if "*" in self._asked:
            return
        for attribute in map(str, self.element.attrib):
            if not attribute.startswith("{") and attribute not in self._asked:
                raise self.fault(f'the attribute "{attribute}" is not supported', _UNKNOWN)
        for child in self.children():
            if child.tag == "ParameterDeclarations":
                self._asked.add(f"<{child.tag}>")
                child._asked.update(f"<{part.tag}>" for part in child.children())
                for part in child.children():
                    part._asked.add("*")  # read, and refused where that is due, when they were declared
            if f"<{child.tag}>" not in self._asked:
                raise child.unsupported()
            child.refuse_unread()
        if self._followed is not None:
            self._followed.refuse_unread()


class Document:
    """One file: its root, its parameters, its catalogs."""

    def __init__(self, path: Path, parameters: Mapping[str, str] | None = None) -> None:
        """parameters: values that replace those declared. Raises InputError for what cannot be read."""
        self.path = path
        root = read_root(path)
        if root.tag != "OpenSCENARIO":
            raise InputError(
                path.name, f"line {root.sourceline or 1}", f"<{str(root.tag)[:60]}> is not the beginning of an OpenSCENARIO file"
            )
        header = root.find("FileHeader")
        if header is None or header.get("revMajor") != "1":
            raise InputError(path.name, "FileHeader", "OpenSCENARIO XML 1.0 to 1.3 is expected (revMajor 1)")
        declared = root.find("ParameterDeclarations")
        given = dict(parameters or {})
        self.parameters = {} if declared is None else self.declared(declared, {}, given)
        unknown = sorted(given.keys() - self.parameters.keys())
        if unknown:
            raise InputError(path.name, "ParameterDeclarations", f'a variation sets "{unknown[0]}", which is not declared here')
        self.root = Node(self, root, self.parameters)
        self._catalogs: dict[str, tuple[Document, etree._Element]] | None = None

    def allows(self, parameters: Mapping[str, str]) -> bool:
        """Whether the types and constraints of its parameters allow these values."""
        declared = self.root.element.find("ParameterDeclarations")
        try:
            return declared is None or parameters.keys() <= self.declared(declared, {}, parameters).keys()
        except InputError:
            return False

    def declared(self, element: etree._Element, scope: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
        """The values of a ParameterDeclarations element, those in `given` in place of the declared ones. Checks their constraints."""
        values = dict(scope)
        nodes = [Node(self, child, values) for child in element if isinstance(child.tag, str)]
        for node in nodes:
            if node.tag != "ParameterDeclaration":
                raise node.unsupported()
            name = node.text("name")
            declared = node.text("value")
            values[name] = given.get(name, declared)
            _check_type(node, values[name])
        for node in nodes:
            _check_constraints(node, values[node.text("name")])
            node.refuse_unread()
        return {node.text("name"): values[node.text("name")] for node in nodes}

    def catalogs(self) -> dict[str, tuple[Document, etree._Element]]:
        """The catalogs in the folders of CatalogLocations, by name. What they refer to themselves lies in the same folders."""
        if self._catalogs is None:
            self._catalogs = {}
            locations = self.root.maybe("CatalogLocations")
            for location in locations.each(*_CATALOGS) if locations else ():
                folder = self.path.parent / location.one("Directory").text("path").replace("\\", "/")
                for path in sorted(folder.glob("*.xosc")) if folder.is_dir() else ():
                    document = Document(path)
                    document._catalogs = self._catalogs
                    catalog = document.root.element.find("Catalog")
                    if catalog is not None:
                        self._catalogs[str(catalog.get("name"))] = document, catalog
        return self._catalogs

    def entry(self, reference: Node) -> Node:
        """The entry of a catalog that a CatalogReference names, with its parameters assigned."""
        catalogs = self.catalogs()
        catalog, name = reference.text("catalogName"), reference.text("entryName")
        if catalog not in catalogs:
            raise reference.fault(f'no catalog "{catalog}" lies in the folders of CatalogLocations')
        document, element = catalogs[catalog]
        found = next((child for child in element if child.get("name") == name), None)
        if found is None:
            raise reference.fault(f'the catalog "{catalog}" has no entry "{name}"')
        assigned = reference.maybe("ParameterAssignments")
        given = {node.text("parameterRef"): node.text("value") for node in (assigned.each("ParameterAssignment") if assigned else ())}
        declared = found.find("ParameterDeclarations")
        scope = {} if declared is None else document.declared(declared, {}, given)
        unknown = sorted(given.keys() - scope.keys())
        if unknown:
            raise reference.fault(f'"{unknown[0]}" is assigned, which "{name}" does not declare')
        entry = _Entry(document, found, scope, reference.depth + 1)
        entry.pass_over("name")
        return entry


class _Entry(Node):
    """An entry of a catalog: its parameters are those of its reference, not those it declares."""

    def children(self) -> list[Node]:
        if self._children is None:
            self._children = [
                Node(self.document, child, self.scope, self.depth + 1) for child in self.element if isinstance(child.tag, str)
            ]
        return self._children


_KINDS = ("string", "double", "boolean", "dateTime", "int", "integer", "unsignedInt", "unsignedShort")


def _check_type(node: Node, value: str) -> None:
    kind = node.choice("parameterType", _KINDS, "string")
    if kind in ("string", "dateTime"):
        return
    if kind == "boolean":
        right = value in ("true", "false", "1", "0")
    else:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        right = not math.isnan(number) and (kind == "double" or number.is_integer())
    if not right:
        raise node.fault(f'its value is "{value[:40]}", which is no {kind}')


def _check_constraints(node: Node, value: str) -> None:
    """All constraints of one group hold, or the value is none the scenario is meant for (1.3, ConstraintGroup)."""
    groups = [
        [compare(value, c.choice("rule", RULES), c.text("value")) for c in group.each("ValueConstraint")]
        for group in node.each("ConstraintGroup")
    ]
    if groups and not any(all(group) for group in groups):
        remedy = "Choose another value in the file or its variation."
        raise node.fault(f'its value is "{value[:40]}", which its constraints do not allow', remedy)


RULES = ("equalTo", "greaterThan", "lessThan", "greaterOrEqual", "lessOrEqual", "notEqualTo")


def compare(value: str, rule: str, bound: str) -> bool:
    """Two texts under a rule: as numbers where both are, else as words."""
    try:
        a, b = float(value), float(bound)
    except ValueError:
        return {"equalTo": value == bound, "notEqualTo": value != bound}.get(rule, False)
    return holds(a, rule, b)


def holds(a: float, rule: str, b: float) -> bool:
    return {
        "equalTo": a == b,
        "notEqualTo": a != b,
        "greaterThan": a > b,
        "lessThan": a < b,
        "greaterOrEqual": a >= b,
        "lessOrEqual": a <= b,
    }[rule]
