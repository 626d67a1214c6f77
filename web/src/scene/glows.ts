// Light on the ground: signals at their stop lines, head and brake lamps, the halo of our cars. Soft quads that lighten what lies under
// them (the brighter of both is shown, so that many of them do not add up to white); one draw call.
import { type BufferGeometry, CustomBlending, MaxEquation, Mesh, ShaderMaterial } from "three";
import type { Crowd } from "../data/crowd.ts";
import type { Numbers } from "../data/parcel.ts";
import { Flag, Kind } from "../data/wire.ts";
import { Quads } from "./instances.ts";
import { ACCENT, type Rgb, SIGNAL } from "./palette.ts";

const VERTEX = /* glsl */ `
  attribute vec4 place;   // x, y, heading, form (0 round, 1 cone, 2 bar, 3 ring)
  attribute vec2 extent;
  attribute vec4 light;
  varying vec2 at;
  varying vec4 glow;
  varying float form;
  void main() {
    float c = cos(place.z), s = sin(place.z);
    vec2 p = position.xy * extent;
    at = position.xy;
    glow = light;
    form = place.w;
    gl_Position = projectionMatrix * viewMatrix * vec4(place.x + c * p.x - s * p.y, place.y + s * p.x + c * p.y, 0.05, 1.0);
  }`;
const FRAGMENT = /* glsl */ `
  varying vec2 at;
  varying vec4 glow;
  varying float form;
  void main() {
    float r = length(at);
    float strength;
    if (form < 0.5) { float f = max(0.0, 1.0 - r); strength = f * f; }
    else if (form < 1.5) { float t = 0.5 * (at.x + 1.0); float w = abs(at.y) / (0.25 + 0.75 * t); strength = max(0.0, 1.0 - w * w) * (1.0 - t) * (1.0 - t); }
    else if (form < 2.5) { strength = 1.0; }
    else { strength = smoothstep(0.09, 0.0, abs(r - 0.9)); }
    gl_FragColor = vec4(glow.rgb * glow.a * strength, 1.0);
  }`;

const Form = { ROUND: 0, CONE: 1, BAR: 2, RING: 3 } as const;
const BAR_SIGNAL = 0;
const LAMPS_WITHIN_M = 420;

const FROM_THE_RIGHT = [1, 2, 0, 3]; // order of the turns straight, left, right, back across a lane

/** One signal across its share of a lane's stop line: middle, direction and half length. */
interface Head {
  x: number;
  y: number;
  along: number;
  half: number;
  signal: number;
}

/** Where several signals control one lane (by turn), each gets its share of the stop line. */
function signalHeads(ground: Record<string, Numbers>): Head[] {
  const [lines, kinds, signals, turns] = [ground["bar_line"]!, ground["bar_kind"]!, ground["bar_signal"]!, ground["bar_turn"]!];
  const byLane = new Map<number, number[]>();
  ground["bar_lane"]!.forEach((lane, i) => {
    if (kinds[i] === BAR_SIGNAL) byLane.set(lane, [...(byLane.get(lane) ?? []), i]);
  });
  return [...byLane.values()].flatMap((bars) => {
    bars.sort((a, b) => FROM_THE_RIGHT[turns[a]!]! - FROM_THE_RIGHT[turns[b]!]!);
    return bars.map((bar, slot) => {
      const [x0, y0, x1, y1] = [lines[4 * bar]!, lines[4 * bar + 1]!, lines[4 * bar + 2]!, lines[4 * bar + 3]!];
      const at = (slot + 0.5) / bars.length;
      const half = (0.44 * Math.hypot(x1 - x0, y1 - y0)) / bars.length;
      return { x: x0 + at * (x1 - x0), y: y0 + at * (y1 - y0), along: Math.atan2(y1 - y0, x1 - x0), half, signal: signals[bar]! };
    });
  });
}

export class Glows {
  readonly mesh: Mesh<BufferGeometry, ShaderMaterial>;
  private readonly quads = new Quads({ place: 4, extent: 2, light: 4 }, 1024);

  private readonly heads: Head[];

  constructor(ground: Record<string, Numbers>) {
    this.heads = signalHeads(ground);
    const material = new ShaderMaterial({
      vertexShader: VERTEX, fragmentShader: FRAGMENT, blending: CustomBlending, blendEquation: MaxEquation, depthTest: false, depthWrite: false, transparent: true,
    });
    this.mesh = new Mesh(this.quads.geometry, material);
    this.mesh.frustumCulled = false;
    this.mesh.renderOrder = 5;
  }

  /** distance: of the camera, m; chosen and subject: actors to ring, NaN for none. */
  show(crowd: Crowd, distance: number, seen: (x: number, y: number) => boolean, chosen: number, subject: number): void {
    this.quads.count = 0;
    this.addSignals(crowd.moment?.signals, distance, seen);
    this.addRoadUsers(crowd, distance, seen, chosen, subject);
    this.quads.flush();
  }

  private addSignals(signals: Uint8Array | undefined, distance: number, seen: (x: number, y: number) => boolean): void {
    const size = Math.max(1, distance / 300);
    for (const head of this.heads) {
      if (!seen(head.x, head.y)) continue;
      const colour = SIGNAL[signals?.[head.signal] ?? 0] ?? SIGNAL[0]!;
      this.add(head.x, head.y, head.along, Form.BAR, head.half * Math.max(1, size / 2), 0.3 * size, colour, 0.9);
      this.add(head.x, head.y, 0, Form.ROUND, (2 + head.half) * size, (2 + head.half) * size, colour, 0.45);
    }
  }

  private addRoadUsers(crowd: Crowd, distance: number, seen: (x: number, y: number) => boolean, chosen: number, subject: number): void {
    const moment = crowd.moment;
    if (!moment) return;
    const size = Math.max(1, distance / 320);
    for (let i = 0; i < crowd.count; i++) {
      const [x, y, heading, flags, kind] = [crowd.x[i]!, crowd.y[i]!, crowd.heading[i]!, moment.flags[i]!, moment.kinds[i]!];
      if (!seen(x, y)) continue;
      const [c, s, length, width] = [Math.cos(heading), Math.sin(heading), moment.length[i]!, moment.width[i]!];
      if (flags & Flag.PILOT) {
        this.add(x, y, 0, Form.ROUND, 8 * size, 8 * size, ACCENT, 0.42);
        if (moment.ids[i] === chosen) this.add(x, y, 0, Form.RING, 3.6 * size, 3.6 * size, ACCENT, 0.9);
      }
      if (moment.ids[i] === subject) this.add(x, y, 0, Form.RING, (0.5 * length + 1) * size, (0.5 * length + 1) * size, [1, 1, 1], 0.6);
      if (distance > LAMPS_WITHIN_M || kind === Kind.PEDESTRIAN || kind === Kind.BICYCLE || kind === Kind.STATIC) continue;
      const ahead = length / 2 + 5;
      this.add(x + c * ahead, y + s * ahead, heading, Form.CONE, 5, 1.5 * width, [1, 0.95, 0.84], 0.13);
      if (flags & Flag.BRAKING) this.add(x - (c * length) / 2, y - (s * length) / 2, heading, Form.ROUND, 1.7, width, [1, 0.1, 0.08], 0.55);
    }
  }

  private add(x: number, y: number, heading: number, form: number, halfLength: number, halfWidth: number, colour: Rgb, strength: number): void {
    const at = this.quads.next();
    const values = this.quads.values;
    values[at] = x;
    values[at + 1] = y;
    values[at + 2] = heading;
    values[at + 3] = form;
    values[at + 4] = halfLength;
    values[at + 5] = halfWidth;
    values[at + 6] = colour[0];
    values[at + 7] = colour[1];
    values[at + 8] = colour[2];
    values[at + 9] = strength;
  }
}
