// The road map as two static meshes: surfaces, and the markings on them (which fade out where they would only flicker).
import { DoubleSide, Group, type Mesh, MeshBasicMaterial } from "three";
import type { Numbers, Parcel } from "../data/parcel.ts";
import { GROUND } from "./palette.ts";
import { beside, Layer } from "./strips.ts";

const Road = { CAR: 1, BUS: 2, BICYCLE: 4, PEDESTRIAN: 8, RAIL: 16, TRUCK: 32 };
const DRIVING = Road.CAR | Road.BUS | Road.TRUCK;
const Bar = { SIGNAL: 0, STOP: 1, YIELD: 2 };
const KERB_M = 0.35;
const SEAM_M = 0.06; // neighbours overlap, so that no gap shines between them
const MARKINGS_NEAR_M = 250;
const MARKINGS_FAR_M = 700;

/** The lanes of a ground parcel: where each one's points lie and what it is. */
export class Lanes {
  readonly count: number;
  private readonly first: Int32Array;

  constructor(readonly columns: Record<string, Numbers>) {
    const counts = columns["lane_point_count"]!;
    this.count = counts.length;
    this.first = new Int32Array(this.count + 1);
    for (let lane = 0; lane < this.count; lane++) this.first[lane + 1] = this.first[lane]! + counts[lane]!;
  }

  /** Points of a lane's "centre", "left" or "right" line: x, y, x, y … */
  line(which: "centre" | "left" | "right", lane: number): Numbers {
    return this.columns[which]!.subarray(2 * this.first[lane]!, 2 * this.first[lane + 1]!);
  }

  value(name: string, lane: number): number {
    return this.columns[`lane_${name}`]![lane]!;
  }

  drives(lane: number): boolean {
    return (this.value("road", lane) & DRIVING) !== 0;
  }
}

export class Ground {
  readonly group = new Group();
  readonly lanes: Lanes;
  /** Half the extent of the map, m, and its middle. */
  readonly radius: number;
  readonly middle: [number, number];
  private readonly markings = new MeshBasicMaterial({ vertexColors: true, depthTest: false, depthWrite: false, transparent: true });

  constructor(parcel: Parcel) {
    this.lanes = new Lanes(parcel.columns);
    const solid = new MeshBasicMaterial({ vertexColors: true, depthTest: false, depthWrite: false, side: DoubleSide });
    this.markings.side = DoubleSide;
    const surfaces = [drawPaths(this.lanes), drawKerbs(this.lanes), drawAsphalt(this.lanes)];
    surfaces.forEach((layer, order) => this.add(layer.meshes(solid, order)));
    this.add(drawMarkings(this.lanes, parcel.columns).meshes(this.markings, surfaces.length));
    const box = extent(this.lanes);
    this.middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    this.radius = Math.max(30, Math.hypot(box[2] - box[0], box[3] - box[1]) / 2);
  }

  /** Fade the markings by how far the camera is from what it looks at. */
  fade(distance: number): void {
    this.markings.opacity = Math.max(0, Math.min(0.9, (MARKINGS_FAR_M - distance) / (MARKINGS_FAR_M - MARKINGS_NEAR_M)));
    this.markings.visible = this.markings.opacity > 0;
  }

  private add(meshes: Mesh[]): void {
    for (const mesh of meshes) this.group.add(mesh);
  }
}

/** Where people walk, cycle and trams run, beside the carriageways. */
function drawPaths(lanes: Lanes): Layer {
  const layer = new Layer();
  const kinds = [[Road.PEDESTRIAN, GROUND.footpath], [Road.BICYCLE, GROUND.cycleway], [Road.RAIL, GROUND.rail]] as const;
  for (const [users, colour] of kinds) {
    for (let lane = 0; lane < lanes.count; lane++) {
      if (!lanes.drives(lane) && lanes.value("road", lane) & users) layer.strip(lanes.line("left", lane), lanes.line("right", lane), colour);
    }
  }
  for (let lane = 0; lane < lanes.count; lane++) {
    if (lanes.value("road", lane) === Road.RAIL) drawRails(layer, lanes.line("centre", lane));
  }
  return layer;
}

function drawKerbs(lanes: Lanes): Layer {
  const layer = new Layer();
  for (const polygon of outlines(lanes.columns)) {
    const closed = [...polygon, ...polygon.subarray(0, 2)];
    if (polygon.length) layer.line(closed, 2 * KERB_M, GROUND.kerb);
  }
  for (let lane = 0; lane < lanes.count; lane++) {
    if (lanes.drives(lane)) layer.strip(beside(lanes.line("left", lane), KERB_M), beside(lanes.line("right", lane), -KERB_M), GROUND.kerb);
  }
  return layer;
}

function drawAsphalt(lanes: Lanes): Layer {
  const layer = new Layer();
  for (const polygon of outlines(lanes.columns)) layer.polygon(polygon, GROUND.asphalt);
  for (let lane = 0; lane < lanes.count; lane++) {
    if (lanes.drives(lane)) layer.strip(beside(lanes.line("left", lane), SEAM_M), beside(lanes.line("right", lane), -SEAM_M), GROUND.asphalt);
  }
  return layer;
}

/** The paved area of each junction as a polygon: x, y, x, y … */
function outlines(columns: Record<string, Numbers>): Numbers[] {
  const [counts, corners] = [columns["outline_point_count"]!, columns["outline"]!];
  let first = 0;
  return Array.from(counts, (count) => corners.subarray(2 * first, 2 * (first += count)));
}

function drawMarkings(lanes: Lanes, columns: Record<string, Numbers>): Layer {
  const layer = new Layer();
  for (let lane = 0; lane < lanes.count; lane++) {
    const road = lanes.value("road", lane);
    const inside = lanes.value("junction", lane) >= 0;
    if (road === Road.RAIL && inside) drawRails(layer, lanes.line("centre", lane));
    if (!lanes.drives(lane) || inside) continue;
    drawBorder(layer, lanes, lane, "left", 1);
    drawBorder(layer, lanes, lane, "right", 2);
  }
  drawCrossings(layer, columns);
  drawBars(layer, columns);
  return layer;
}

function drawBorder(layer: Layer, lanes: Lanes, lane: number, side: "left" | "right", mayChange: number): void {
  const neighbour = lanes.value(side, lane);
  const line = lanes.line(side, lane);
  if (neighbour >= 0 && lanes.drives(neighbour)) {
    if (side === "left") layer.line(line, 0.14, GROUND.dash, lanes.value("may_change", lane) & mayChange ? 3 : 0, 6);
  } else if (side === "left" && lanes.value("oncoming", lane) >= 0) {
    if (lane < lanes.value("oncoming", lane)) layer.line(line, 0.14, GROUND.centre, 4, 4);
  } else layer.line(line, 0.13, GROUND.edge);
}

/** Outside junctions rails lie under the carriageways that cross them by a bridge; inside, on top. */
function drawRails(layer: Layer, centre: Numbers): void {
  const gauge = 1.435 / 2;
  for (const offset of [gauge, -gauge]) layer.line(beside(centre, offset), 0.18, GROUND.railLine);
}

function drawCrossings(layer: Layer, columns: Record<string, Numbers>): void {
  const [axis, width] = [columns["crossing_axis"]!, columns["crossing_width"]!];
  for (let i = 0; i < width.length; i++) {
    const [x0, y0, x1, y1] = axis.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    const length = Math.hypot(x1 - x0, y1 - y0);
    const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length];
    const half = width[i]! / 2;
    for (let s = 0.5; s + 0.5 <= length; s += 1) {
      const [x, y] = [x0 + s * ux, y0 + s * uy];
      layer.line([x - uy * half, y + ux * half, x + uy * half, y - ux * half], 0.5, GROUND.zebra);
    }
  }
}

function drawBars(layer: Layer, columns: Record<string, Numbers>): void {
  const [lines, kinds] = [columns["bar_line"]!, columns["bar_kind"]!];
  for (let i = 0; i < kinds.length; i++) {
    const line = Array.from(lines.subarray(4 * i, 4 * i + 4));
    if (kinds[i] === Bar.YIELD) layer.line(line, 0.35, GROUND.bar, 0.5, 0.35);
    else if (kinds[i] === Bar.STOP) layer.line(line, 0.45, GROUND.bar);
  }
}

function extent(lanes: Lanes): [number, number, number, number] {
  const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let lane = 0; lane < lanes.count; lane++) {
    if (!lanes.drives(lane)) continue;
    const line = lanes.line("centre", lane);
    for (let i = 0; i < line.length; i += 2) {
      box[0] = Math.min(box[0], line[i]!);
      box[1] = Math.min(box[1], line[i + 1]!);
      box[2] = Math.max(box[2], line[i]!);
      box[3] = Math.max(box[3], line[i + 1]!);
    }
  }
  return Number.isFinite(box[0]) ? box : [-50, -50, 50, 50];
}
