// Shapes of road users in a unit box (x forward, −½ … ½; z from 0 to 1): rounded outlines stacked to bodies, with lamps on top.
import { BufferAttribute, InstancedBufferGeometry } from "three";

/** What a vertex belongs to; the shader colours it. */
const Part = { PAINT: 0, GLASS: 1, REAR: 2, LEFT: 3, RIGHT: 4, FRONT: 5, DARK: 6 } as const;

interface Ring {
  z: number;
  from: number;
  to: number;
  width: number;
  part: number;
}

const CORNERS = 20;

/** A ring's outline: a superellipse between x = from and x = to. */
function outline(ring: Ring, roundness: number): [number, number][] {
  const [middle, half] = [(ring.from + ring.to) / 2, (ring.to - ring.from) / 2];
  return Array.from({ length: CORNERS }, (_, i) => {
    const angle = ((i + 0.5) / CORNERS) * 2 * Math.PI;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const bend = (v: number) => Math.sign(v) * Math.abs(v) ** roundness;
    return [middle + half * bend(c), (ring.width / 2) * bend(s)];
  });
}

class Shape {
  private positions: number[] = [];
  private parts: number[] = [];
  private indices: number[] = [];

  /** Walls between successive rings (each in the upper ring's part) and a lid in `lid`. */
  stack(rings: Ring[], lid: number, roundness = 0.45): this {
    for (let level = 1; level < rings.length; level++) {
      const first = this.positions.length / 3;
      const part = rings[level]!.part;
      for (const ring of [rings[level - 1]!, rings[level]!]) for (const [x, y] of outline(ring, roundness)) this.point(x, y, ring.z, part);
      for (let i = 0; i < CORNERS; i++) {
        const j = (i + 1) % CORNERS;
        this.indices.push(first + i, first + j, first + CORNERS + i, first + CORNERS + i, first + j, first + CORNERS + j);
      }
    }
    const top = rings.at(-1)!;
    const first = this.positions.length / 3;
    for (const [x, y] of outline(top, roundness)) this.point(x, y, top.z, lid);
    for (let i = 2; i < CORNERS; i++) this.indices.push(first, first + i - 1, first + i);
    return this;
  }

  /** A flat lamp, seen from above. */
  lamp(x: number, y: number, length: number, width: number, z: number, part: number): this {
    const first = this.positions.length / 3;
    for (const [dx, dy] of [[-1, -1], [1, -1], [1, 1], [-1, 1]] as const) this.point(x + (dx * length) / 2, y + (dy * width) / 2, z, part);
    this.indices.push(first, first + 1, first + 2, first, first + 2, first + 3);
    return this;
  }

  /** Head, rear and turn lamps at x = front and x = rear. */
  lamps(front: number, rear: number, z: number): this {
    for (const [side, turn] of [[1, Part.LEFT], [-1, Part.RIGHT]] as const) {
      this.lamp(rear, side * 0.26, 0.03, 0.17, z, Part.REAR).lamp(rear + 0.04, side * 0.36, 0.05, 0.05, z + 0.005, turn);
      this.lamp(front, side * 0.25, 0.03, 0.16, z, Part.FRONT).lamp(front - 0.045, side * 0.35, 0.05, 0.05, z + 0.005, turn);
    }
    return this;
  }

  geometry(): InstancedBufferGeometry {
    const geometry = new InstancedBufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(new Float32Array(this.positions), 3));
    geometry.setAttribute("part", new BufferAttribute(new Float32Array(this.parts), 1));
    geometry.setIndex(new BufferAttribute(new Uint16Array(this.indices), 1));
    geometry.computeVertexNormals();
    return geometry;
  }

  private point(x: number, y: number, z: number, part: number): void {
    this.positions.push(x, y, z);
    this.parts.push(part);
  }
}

const ring = (z: number, from: number, to: number, width: number, part: number): Ring => ({ z, from, to, width, part });

export const car = () =>
  new Shape()
    .stack([ring(0.12, -0.48, 0.47, 0.9, 0), ring(0.4, -0.5, 0.5, 1, 0), ring(0.56, -0.495, 0.492, 0.97, 0), ring(0.62, -0.48, 0.47, 0.9, 0)], Part.PAINT, 0.4)
    .stack([ring(0.62, -0.4, 0.23, 0.84, 1), ring(0.94, -0.28, 0.04, 0.72, Part.GLASS)], Part.PAINT, 0.36)
    .lamps(0.44, -0.452, 0.625)
    .geometry();

export const box = () =>
  new Shape()
    .stack([ring(0.08, -0.5, 0.5, 0.98, 0), ring(0.92, -0.5, 0.5, 1, 0), ring(1, -0.495, 0.49, 0.95, 0)], Part.PAINT, 0.16)
    .lamp(0.465, 0, 0.035, 0.86, 1.003, Part.GLASS)
    .lamps(0.488, -0.486, 1.006)
    .geometry();

export const bike = () =>
  new Shape()
    .stack([ring(0.05, -0.5, 0.5, 0.22, 6), ring(0.45, -0.48, 0.48, 0.2, Part.DARK)], Part.DARK, 0.8)
    .stack([ring(0.45, -0.22, 0.16, 0.9, 0), ring(0.85, -0.16, 0.12, 0.8, 0)], Part.PAINT, 1)
    .stack([ring(0.85, -0.1, 0.08, 0.4, 6), ring(1, -0.07, 0.05, 0.3, Part.DARK)], Part.DARK, 1)
    .geometry();

export const person = () =>
  new Shape()
    .stack([ring(0, -0.25, 0.25, 0.6, 6), ring(0.5, -0.35, 0.35, 0.9, 0), ring(0.82, -0.3, 0.3, 1, 0)], Part.PAINT, 1)
    .stack([ring(0.82, -0.22, 0.28, 0.45, 6), ring(1, -0.14, 0.2, 0.32, Part.DARK)], Part.DARK, 1)
    .geometry();
