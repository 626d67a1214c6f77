"""The compute port on Ray; run by test_compute.py in the environment that bench/peers/make ray makes."""

from __future__ import annotations

import pytest
from compute_conformance import ComputeConformance

from marque.foundation.compute_ray import RayCluster


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """Four processors, whatever this machine has, from the first test to the last."""
    with RayCluster(workers=4):
        yield


@pytest.fixture(scope="module")
def two():
    with RayCluster(workers=2) as two:
        yield two


class TestRay(ComputeConformance):
    @pytest.fixture
    def make(self):
        made = []

        def make(workers):
            made.append(RayCluster(workers=workers))
            return made[-1]

        yield make
        for one in made:
            one.close()
