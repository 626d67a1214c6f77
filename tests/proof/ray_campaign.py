"""A campaign on a Ray cluster of this machine; run by test_campaign_on_ray.py in the environment that bench/peers/make ray makes.

ray_campaign.py FOLDER SUITE
"""

from __future__ import annotations

import sys
from pathlib import Path

from marque.foundation.compute_ray import RayCluster
from marque.proof.campaign import Campaign, Task

if __name__ == "__main__":
    folder, suite = (Path(word) for word in sys.argv[1:])
    with RayCluster(workers=2) as cluster:
        Campaign(folder, Task(suite, "vela", 1), "r1").run(cluster, 300.0)
