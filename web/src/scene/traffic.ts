// Everybody on the road: one mesh per shape. Poses are turned in the shader, so a picture costs one small upload.
import { type BufferGeometry, Group, Mesh, ShaderMaterial } from "three";
import type { Crowd } from "../data/crowd.ts";
import { Flag, Kind } from "../data/wire.ts";
import * as bodies from "./bodies.ts";
import { Instances, Quads } from "./instances.ts";
import { ACCENT, PAINT, PERSON, type Rgb } from "./palette.ts";

const VERTEX = /* glsl */ `
  attribute float part;
  attribute vec3 pose;
  attribute vec3 size;
  attribute vec3 tint;
  attribute float lamps;
  uniform float blink;
  varying vec3 shade;
  bool lit(float bit) { return mod(floor(lamps / bit + 0.01), 2.0) > 0.5; }
  void main() {
    float c = cos(pose.z), s = sin(pose.z);
    vec3 p = position * size;
    vec3 n = normalize(normal / size);
    n = vec3(c * n.x - s * n.y, s * n.x + c * n.y, n.z);
    float light = 0.5 + 0.35 * max(n.z, 0.0) + 0.28 * dot(n, vec3(-0.45, 0.55, 0.25));
    if (part < 0.5) shade = tint * light;
    else if (part < 1.5) shade = vec3(0.05, 0.07, 0.10) + 0.10 * light;
    else if (part < 2.5) shade = lit(${Flag.BRAKING}.0) ? vec3(1.0, 0.16, 0.14) : vec3(0.36, 0.07, 0.08);
    else if (part < 4.5) shade = blink * (lit(part < 3.5 ? ${Flag.LEFT}.0 : ${Flag.RIGHT}.0) ? 1.0 : 0.0) > 0.5 ? vec3(1.0, 0.66, 0.13) : tint * 0.8;
    else if (part < 5.5) shade = vec3(1.0, 0.97, 0.9);
    else shade = vec3(0.10, 0.12, 0.15) * (0.6 + light);
    gl_Position = projectionMatrix * viewMatrix * vec4(pose.x + c * p.x - s * p.y, pose.y + s * p.x + c * p.y, p.z, 1.0);
  }`;
const FRAGMENT = /* glsl */ `
  varying vec3 shade;
  void main() { gl_FragColor = vec4(shade, 1.0); }`;

const BLINK_HZ = 1.5;

const LAYOUT = { pose: 3, size: 3, tint: 3, lamps: 1 };

/** From afar a body is a few pixels: its roof is enough. */
const ROOF_VERTEX = /* glsl */ `
  attribute vec3 pose;
  attribute vec3 size;
  attribute vec3 tint;
  varying vec3 shade;
  void main() {
    vec2 p = 0.5 * position.xy * size.xy;
    float c = cos(pose.z), s = sin(pose.z);
    shade = tint;
    gl_Position = projectionMatrix * viewMatrix * vec4(pose.x + c * p.x - s * p.y, pose.y + s * p.x + c * p.y, size.z, 1.0);
  }`;

/** Those who share one shape. */
class Fleet {
  readonly mesh: Mesh<BufferGeometry, ShaderMaterial>;

  constructor(readonly members: Instances | Quads, material: ShaderMaterial) {
    this.mesh = new Mesh(members.geometry as BufferGeometry, material);
    this.mesh.frustumCulled = false;
    this.mesh.renderOrder = 10;
  }

  add(x: number, y: number, heading: number, length: number, width: number, height: number, tint: Rgb, lamps: number): void {
    const at = this.members.next();
    const values = this.members.values;
    values[at] = x;
    values[at + 1] = y;
    values[at + 2] = heading;
    values[at + 3] = length;
    values[at + 4] = width;
    values[at + 5] = height;
    values[at + 6] = tint[0];
    values[at + 7] = tint[1];
    values[at + 8] = tint[2];
    values[at + 9] = lamps;
  }
}

const HEIGHT: Record<number, number> = {
  [Kind.CAR]: 1.5, [Kind.TRUCK]: 3.2, [Kind.BUS]: 3.1, [Kind.MOTORCYCLE]: 1.6, [Kind.BICYCLE]: 1.75, [Kind.PEDESTRIAN]: 1.75,
  [Kind.TRAM]: 3.4, [Kind.STATIC]: 1.4, [Kind.UNKNOWN]: 1.5,
};
/** Beyond this distance bodies are a few pixels: only roofs are drawn, a little larger than life. */
const ROOFS_FROM_M = 620;
const CAR_LENGTH_MAX_M = 6.5;

export class Traffic {
  readonly group = new Group();
  // Transparent by name only: bodies are sorted among the lights and ribbons that lie under them.
  private readonly material = new ShaderMaterial({ vertexShader: VERTEX, fragmentShader: FRAGMENT, transparent: true, uniforms: { blink: { value: 1 } } });
  private readonly cars = new Fleet(new Instances(bodies.car(), LAYOUT), this.material);
  private readonly boxes = new Fleet(new Instances(bodies.box(), LAYOUT), this.material);
  private readonly bikes = new Fleet(new Instances(bodies.bike(), LAYOUT), this.material);
  private readonly people = new Fleet(new Instances(bodies.person(), LAYOUT), this.material);
  private readonly roofs = new Fleet(
    new Quads(LAYOUT, 1024),
    new ShaderMaterial({ vertexShader: ROOF_VERTEX, fragmentShader: FRAGMENT, transparent: true }),
  );
  private readonly fleets = [this.cars, this.boxes, this.bikes, this.people, this.roofs];

  constructor() {
    for (const fleet of this.fleets) this.group.add(fleet.mesh);
  }

  /** distance: of the camera, m; seen: whether a place is in the picture. */
  show(crowd: Crowd, distance: number, seen: (x: number, y: number) => boolean): void {
    const moment = crowd.moment;
    if (!moment) return;
    for (const fleet of this.fleets) fleet.members.count = 0;
    for (let i = 0; i < crowd.count; i++) {
      if (!seen(crowd.x[i]!, crowd.y[i]!)) continue;
      const [kind, flags, length] = [moment.kinds[i]!, moment.flags[i]!, moment.length[i]!];
      const widen = distance > ROOFS_FROM_M ? Math.sqrt(distance / ROOFS_FROM_M) : 1;
      (widen > 1 ? this.roofs : this.fleet(kind, length)).add(
        crowd.x[i]!, crowd.y[i]!, crowd.heading[i]!, length * widen, moment.width[i]! * widen, HEIGHT[kind] ?? 1.5,
        flags & Flag.PILOT ? ACCENT : kind === Kind.PEDESTRIAN ? PERSON : PAINT[(moment.ids[i]! * 7) % PAINT.length]!, flags,
      );
    }
    for (const fleet of this.fleets) fleet.members.flush();
    this.material.uniforms["blink"]!.value = (crowd.time * BLINK_HZ) % 1 < 0.5 ? 1 : 0;
  }

  private fleet(kind: number, length: number): Fleet {
    if (kind === Kind.PEDESTRIAN) return this.people;
    if (kind === Kind.BICYCLE || kind === Kind.MOTORCYCLE) return this.bikes;
    return (kind === Kind.CAR || kind === Kind.STATIC || kind === Kind.UNKNOWN) && length < CAR_LENGTH_MAX_M ? this.cars : this.boxes;
  }
}
