"""The ALKS cut-in on its road, with the behaviours of Scenic's own library, and cars with throttle, brake and steering.

Parameters: map, ego_mps, other_mps, gap_m (from bumper to bumper, at which the other changes lane) and lead_m, by which the other begins
ahead of the ego. The ego keeps its lane and brakes fully when anybody is within 10 m, which is what the library has.
"""

param render = False

model scenic.simulators.newtonian.driving_model

AT_M = 5.0
LANES = sorted((lane for lane in network.lanes if lane.sections[0].isForward), key=lambda lane: lane.centerline[0].y)
case = globalParameters


behavior ComesIn(lane):
    do FollowLaneBehavior(target_speed=case.other_mps) until self.position.x - ego.position.x - self.length < case.gap_m
    do LaneChangeBehavior(lane.sections[0], target_speed=case.other_mps)
    do FollowLaneBehavior(target_speed=case.other_mps)


ego = new Car at LANES[1].centerline.pointAlongBy(AT_M), with velocity (case.ego_mps, 0),
    with behavior DriveAvoidingCollisions(target_speed=case.ego_mps, avoidance_threshold=10)
other = new Car at LANES[0].centerline.pointAlongBy(AT_M + case.lead_m), with velocity (case.other_mps, 0),
    with requireVisible False, with behavior ComesIn(LANES[1])
