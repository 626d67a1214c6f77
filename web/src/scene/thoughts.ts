// What the chosen car has in mind, laid on the road: its route, its plan coloured by speed, and where it expects others to go.
import { BufferAttribute, BufferGeometry, DynamicDrawUsage, Mesh, ShaderMaterial } from "three";
import type { Crowd } from "../data/crowd.ts";
import type { Thoughts } from "../data/wire.ts";
import type { Lanes } from "./ground.ts";
import { ACCENT, type Rgb, SLOW } from "./palette.ts";
import { sides } from "./strips.ts";

const VERTEX = /* glsl */ `
  attribute vec4 tint;
  attribute float side;
  varying vec4 colour;
  varying float across;
  void main() {
    colour = tint;
    across = side;
    gl_Position = projectionMatrix * viewMatrix * vec4(position, 1.0);
  }`;
const FRAGMENT = /* glsl */ `
  varying vec4 colour;
  varying float across;
  void main() { gl_FragColor = vec4(colour.rgb, colour.a * smoothstep(1.0, 0.7, abs(across))); }`;

const ROUTE_HALF_M = 0.55;
const ROUTE_SHOWN_M = 1500;
const PLAN_HALF_M = 0.95;
const SAME_M = 0.1;
const FAST_MPS = 14;
const EXPECTED: Rgb = [0.96, 0.93, 0.86];

export class ThoughtsOnRoad {
  readonly mesh: Mesh<BufferGeometry, ShaderMaterial>;
  private room = 0;
  private positions = new Float32Array(0);
  private tints = new Float32Array(0);
  private across = new Float32Array(0);
  private indices: number[] = [];
  private count = 0;

  constructor(private readonly lanes: Lanes) {
    const material = new ShaderMaterial({ vertexShader: VERTEX, fragmentShader: FRAGMENT, transparent: true, depthTest: false, depthWrite: false });
    this.mesh = new Mesh(new BufferGeometry(), material);
    this.mesh.frustumCulled = false;
    this.mesh.renderOrder = 4;
  }

  /** widen: ≥ 1, so that ribbons stay visible from afar. */
  show(thoughts: Thoughts | undefined, crowd: Crowd, widen: number): void {
    this.count = 0;
    this.indices = [];
    const place = thoughts ? crowd.place(thoughts.car) : -1;
    if (thoughts && place >= 0) {
      const [x, y] = [crowd.x[place]!, crowd.y[place]!];
      this.addRoute(thoughts.route, x, y, widen);
      this.addExpectations(thoughts, widen);
      this.addPlan(thoughts, crowd.time - crowd.moment!.time, x, y, widen);
    }
    this.flush();
  }

  private addRoute(route: Int32Array, x: number, y: number, widen: number): void {
    const points = [x, y];
    route.forEach((lane, place) => {
      if (lane < 0 || lane >= this.lanes.count) return;
      const line = this.lanes.line("centre", lane);
      for (let i = place ? 0 : 2 * nearest(line, x, y) + 2; i < line.length; i += 2) {
        if (Math.hypot(line[i]! - points.at(-2)!, line[i + 1]! - points.at(-1)!) > SAME_M) points.push(line[i]!, line[i + 1]!);
      }
    });
    if (points.length < 4) return;
    const along = lengths(points);
    const end = Math.min(along.at(-1)!, ROUTE_SHOWN_M);
    this.ribbon(points, () => ROUTE_HALF_M * widen, (i) => [...ACCENT, 0.5 * Math.max(0, 1 - along[i]! / end) + 0.06]);
  }

  private addPlan(thoughts: Thoughts, elapsed: number, x: number, y: number, widen: number): void {
    const { plan, planStep } = thoughts;
    const skipped = Math.max(0, Math.ceil(elapsed / planStep + 0.01));
    const points = [x, y];
    const speeds = [plan[4 * skipped + 3] ?? 0];
    for (let i = skipped; i < plan.length / 4; i++) {
      if (Math.hypot(plan[4 * i]! - points.at(-2)!, plan[4 * i + 1]! - points.at(-1)!) < SAME_M) continue;
      points.push(plan[4 * i]!, plan[4 * i + 1]!);
      speeds.push(plan[4 * i + 3]!);
    }
    if (points.length < 4) return;
    const last = speeds.length - 1;
    this.ribbon(points, () => PLAN_HALF_M * Math.sqrt(widen), (i) => [...blend(SLOW, ACCENT, speeds[i]! / FAST_MPS), 0.9 - (0.5 * i) / last]);
  }

  private addExpectations(thoughts: Thoughts, widen: number): void {
    let first = 0;
    thoughts.points.forEach((count, k) => {
      const points = Array.from(thoughts.path.subarray(2 * first, 2 * (first + count)));
      first += count;
      if (count < 2 || Math.hypot(points.at(-2)! - points[0]!, points.at(-1)! - points[1]!) < 0.5) return;
      const probability = Math.min(1, thoughts.probabilities[k]!);
      this.ribbon(points, (i) => (0.5 + (1.1 * i) / (count - 1)) * Math.sqrt(widen), (i) => [...EXPECTED, (0.08 + 0.34 * probability) * (1 - (0.85 * i) / (count - 1))]);
    });
  }

  private ribbon(points: ArrayLike<number>, half: (i: number) => number, tint: (i: number) => readonly number[]): void {
    const [left, right] = sides(points, half);
    const n = points.length / 2;
    this.reserve(this.count + 2 * n);
    for (let i = 0; i < n; i++) {
      const colour = tint(i);
      for (const [line, side] of [[left, 1], [right, -1]] as const) {
        if (i) this.indices.push(...(side > 0 ? [this.count - 2, this.count - 1, this.count] : [this.count - 1, this.count - 2, this.count]));
        this.positions.set([line[2 * i]!, line[2 * i + 1]!, 0.03], 3 * this.count);
        this.tints.set(colour, 4 * this.count);
        this.across[this.count++] = side;
      }
    }
  }

  private reserve(count: number): void {
    if (count <= this.room) return;
    this.room = Math.max(1024, 2 * count);
    const enlarge = (old: Float32Array, items: number) => {
      const values = new Float32Array(this.room * items);
      values.set(old);
      return values;
    };
    this.positions = enlarge(this.positions, 3);
    this.tints = enlarge(this.tints, 4);
    this.across = enlarge(this.across, 1);
    const geometry = this.mesh.geometry;
    geometry.dispose();
    for (const [name, values, items] of [["position", this.positions, 3], ["tint", this.tints, 4], ["side", this.across, 1]] as const) {
      geometry.setAttribute(name, new BufferAttribute(values, items).setUsage(DynamicDrawUsage));
    }
    geometry.setIndex(new BufferAttribute(new Uint32Array(3 * this.room), 1).setUsage(DynamicDrawUsage));
  }

  private flush(): void {
    const geometry = this.mesh.geometry;
    this.mesh.visible = this.indices.length > 0;
    if (!this.mesh.visible) return;
    (geometry.index!.array as Uint32Array).set(this.indices);
    geometry.setDrawRange(0, this.indices.length);
    geometry.index!.needsUpdate = true;
    for (const name of ["position", "tint", "side"]) geometry.getAttribute(name).needsUpdate = true;
  }
}

function nearest(line: ArrayLike<number>, x: number, y: number): number {
  let [best, distance] = [0, Infinity];
  for (let i = 0; i < line.length; i += 2) {
    const d = Math.hypot(line[i]! - x, line[i + 1]! - y);
    if (d < distance) [best, distance] = [i / 2, d];
  }
  return best;
}

function lengths(points: ArrayLike<number>): number[] {
  const along = [0];
  for (let i = 2; i < points.length; i += 2) along.push(along.at(-1)! + Math.hypot(points[i]! - points[i - 2]!, points[i + 1]! - points[i - 1]!));
  return along;
}

function blend(a: Rgb, b: Rgb, mix: number): Rgb {
  const t = Math.max(0, Math.min(1, mix));
  return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])];
}
