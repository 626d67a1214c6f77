"""The order of vehicles on a lane: one doubly linked list per lane, by s, last vehicle first."""

from __future__ import annotations

from marque.common import Records
from marque.vehicle import inlined


@inlined
def insert(nodes: Records, queues: Records, n: int, lane: int) -> None:
    """Puts a node into the queue of a lane at its s; newcomers enter at the rear, so the search starts there."""
    queue = queues[lane]
    s = nodes[n].s
    behind, ahead = -1, queue.last
    while ahead >= 0 and nodes[ahead].s < s:
        behind, ahead = ahead, nodes[ahead].ahead
    nodes[n].lane, nodes[n].ahead, nodes[n].behind = lane, ahead, behind
    if ahead >= 0:
        nodes[ahead].behind = n
    else:
        queue.first = n
    if behind >= 0:
        nodes[behind].ahead = n
    else:
        queue.last = n


@inlined
def remove(nodes: Records, queues: Records, n: int) -> None:
    """Takes a node out of its queue; nothing happens to one that is in none."""
    node = nodes[n]
    if node.lane < 0:
        return
    ahead, behind = node.ahead, node.behind
    if ahead >= 0:
        nodes[ahead].behind = behind
    else:
        queues[node.lane].first = behind
    if behind >= 0:
        nodes[behind].ahead = ahead
    else:
        queues[node.lane].last = ahead
    node.lane = node.ahead = node.behind = -1


@inlined
def keep_order(nodes: Records, queues: Records, n: int) -> None:
    """Moves a node forward in its queue where it has passed another (guests only: vehicles do not pass within a lane)."""
    ahead = nodes[n].ahead
    if ahead >= 0 and nodes[ahead].s < nodes[n].s:
        lane = nodes[n].lane
        remove(nodes, queues, n)
        insert(nodes, queues, n, lane)
