"""How often a kernel is compiled, and which sources decide about its machine code: compared with what Python's parser says is imported."""

from __future__ import annotations

import ast
import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core import types

import marque
from marque.vehicle import kernel, lean
from marque.vehicle.kernel import _cache, _sources

PACKAGE = Path(marque.__file__).parent
MODULES = sorted(".".join(("marque", *path.relative_to(PACKAGE).with_suffix("").parts)) for path in PACKAGE.rglob("*.py"))


def file_of(module):
    place = PACKAGE.parent.joinpath(*module.split("."))
    return next((f for f in (place.with_suffix(".py"), place / "__init__.py") if module.startswith("marque") and f.is_file()), None)


def parsed(source):
    for node in ast.walk(ast.parse(source.read_bytes())):
        if isinstance(node, ast.ImportFrom):
            yield from (node.module, *(f"{node.module}.{name.name}" for name in node.names))
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@functools.cache
def imported(source):
    return tuple(map(file_of, parsed(source)))


def closure(module):
    found, waiting = set(), [file_of(module)]
    while waiting:
        if (source := waiting.pop()) is not None and source not in found:
            found.add(source)
            waiting += imported(source)
    return found


@pytest.mark.parametrize("module", [m for m in MODULES if not m.endswith("__init__")])
def test_every_module_of_ours_that_is_imported_directly_or_not_counts(module):
    assert _sources(module) == closure(module)


def test_the_pilot_depends_on_the_map_but_traffic_not_on_the_pilot():
    pilot, traffic = _sources("marque.driving.pilot"), _sources("marque.simulation.traffic.engine")
    assert PACKAGE / "driving/map/query.py" in pilot & traffic
    assert PACKAGE / "driving/plan.py" in pilot - traffic


@kernel
def twice(x):
    return 2 * x


@lean
def six_ways(small, large):
    return twice(small[0]) + twice(large[0]) + twice(3) + twice(-1) + twice(0.5) + twice(len(small))


def test_other_kernels_call_one_and_the_same_for_integers_of_any_width_and_for_constants():
    small, large = np.array([np.iinfo(np.int32).max], np.int32), np.array([2**40])
    assert six_ways(small, large) == 2.0 * (float(small[0]) + 2.0**40 + 3.0 - 1.0 + 0.5 + 1.0)
    for one in (types.int8, types.int32, types.int64, types.literal(3), types.literal(-1), types.float64):
        template, _, _, _ = twice.get_call_template((one,), {})
    assert {signature.args for signature in template.cases} == {(types.int64,), (types.float64,)}


@kernel
def root(x):
    if x < 0.0:
        raise ValueError("the root of what is below zero")
    return np.sqrt(x)


@kernel
def roots(x, y):
    return root(x) + root(y)


def test_what_a_kernel_raises_that_a_kernel_called_reaches_python():
    assert roots(4.0, 9.0) == 5.0
    with pytest.raises(ValueError, match="below zero"):
        roots(4.0, -1.0)


def test_what_only_kernels_call_is_kept_without_machine_code_and_linked_into_another_process_s_kernel(tmp_path):
    roots(4.0, 9.0)
    kept = {path: path.read_bytes() for path in (_cache(__name__) / "parts").rglob("test_kernel.root-*.nbc")}
    assert kept
    assert not any(b"\x7fELF" in code for code in kept.values())
    fresh = tmp_path / "fresh.py"
    fresh.write_text("import test_kernel as t\n\n@t.kernel\ndef anew(x):\n    return t.root(x) + 1.0\n\nprint(anew(16.0))\n")
    told = subprocess.run(
        [sys.executable, fresh], env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)}, capture_output=True, text=True, check=False
    )
    assert told.stdout == "5.0\n", told.stderr
    assert kept == {path: path.read_bytes() for path in (_cache(__name__) / "parts").rglob("test_kernel.root-*.nbc")}


def test_what_python_calls_and_what_kernels_call_is_compiled_and_kept_apart():
    """The second has no way in from Python: called by it, it would end the process."""
    assert (twice(np.int32(2)), twice(3), twice(0.25)) == (4, 6, 0.5)
    for_python, for_kernels = (
        {path.name.split("-")[0] for path in (_cache(__name__) / caller).rglob("*.nbi")} for caller in ("wholes", "parts")
    )
    assert for_python >= {"test_kernel.twice", "test_kernel.six_ways"}
    assert "test_kernel.twice" in for_kernels
    assert "test_kernel.six_ways" not in for_kernels
