// Coloured triangles on the ground, heaped up by tile, so that what the camera does not see costs nothing.
import { BufferAttribute, BufferGeometry, type Material, Mesh, ShapeUtils, Vector2 } from "three";
import type { Rgb } from "./palette.ts";

const TILE_M = 400;

class Tile {
  readonly positions: number[] = [];
  readonly colours: number[] = [];
  readonly indices: number[] = [];
}

/** One layer of the ground; within a tile, triangles are drawn in the order they were added. */
export class Layer {
  private readonly tiles = new Map<string, Tile>();

  /** A strip between two lines of the same number of points (x, y, x, y …). */
  strip(left: ArrayLike<number>, right: ArrayLike<number>, colour: Rgb): void {
    const tile = this.tile(left[0]!, left[1]!);
    const first = tile.positions.length / 3;
    for (let i = 0; i < left.length / 2; i++) {
      point(tile, left[2 * i]!, left[2 * i + 1]!, colour);
      point(tile, right[2 * i]!, right[2 * i + 1]!, colour);
      const at = first + 2 * i;
      if (i) tile.indices.push(at - 2, at - 1, at, at, at - 1, at + 1);
    }
  }

  /** A simple polygon, convex or not. */
  polygon(corners: ArrayLike<number>, colour: Rgb): void {
    if (corners.length < 6) return;
    const tile = this.tile(corners[0]!, corners[1]!);
    const first = tile.positions.length / 3;
    const contour = Array.from({ length: corners.length / 2 }, (_, i) => new Vector2(corners[2 * i]!, corners[2 * i + 1]!));
    for (const { x, y } of contour) point(tile, x, y, colour);
    for (const triangle of ShapeUtils.triangulateShape(contour, [])) tile.indices.push(...triangle.map((corner) => first + corner));
  }

  /** A line of a width in metres; dashes give its painted and open lengths in turn. */
  line(points: ArrayLike<number>, width: number, colour: Rgb, dash = 0, gap = 0): void {
    if (!dash) return this.ribbon(points, width, colour);
    let along = 0;
    for (let i = 2; i < points.length; i += 2) {
      const [x, y] = [points[i - 2]!, points[i - 1]!];
      const [dx, dy] = [points[i]! - x, points[i + 1]! - y];
      const length = Math.hypot(dx, dy);
      for (let s = Math.floor(along / (dash + gap)) * (dash + gap); s < along + length; s += dash + gap) {
        const [from, to] = [Math.max(0, s - along) / length, Math.min(length, s + dash - along) / length];
        if (to > from) this.ribbon([x + from * dx, y + from * dy, x + to * dx, y + to * dy], width, colour);
      }
      along += length;
    }
  }

  /** The layer's meshes, one per tile, all with this material and place in the drawing order. */
  meshes(material: Material, order: number): Mesh[] {
    return [...this.tiles.values()].map(({ positions, colours, indices }) => {
      const geometry = new BufferGeometry();
      geometry.setAttribute("position", new BufferAttribute(new Float32Array(positions), 3));
      geometry.setAttribute("color", new BufferAttribute(new Uint8Array(colours), 3, true));
      geometry.setIndex(new BufferAttribute(new Uint32Array(indices), 1));
      const mesh = new Mesh(geometry, material);
      mesh.renderOrder = order;
      mesh.matrixAutoUpdate = false;
      return mesh;
    });
  }

  private ribbon(points: ArrayLike<number>, width: number, colour: Rgb): void {
    const [left, right] = sides(points, () => width / 2);
    this.strip(left, right, colour);
  }

  private tile(x: number, y: number): Tile {
    const key = `${Math.floor(x / TILE_M)},${Math.floor(y / TILE_M)}`;
    let tile = this.tiles.get(key);
    if (!tile) this.tiles.set(key, (tile = new Tile()));
    return tile;
  }
}

function point(tile: Tile, x: number, y: number, colour: Rgb): void {
  tile.positions.push(x, y, 0);
  tile.colours.push(colour[0] * 255, colour[1] * 255, colour[2] * 255);
}

/** The two sides of a line, each `half(i)` metres away from it. */
export function sides(points: ArrayLike<number>, half: (i: number) => number): [number[], number[]] {
  const [left, right]: [number[], number[]] = [[], []];
  const last = points.length / 2 - 1;
  for (let i = 0; i <= last; i++) {
    const [a, b] = [Math.max(0, i - 1), Math.min(last, i + 1)];
    const [dx, dy] = [points[2 * b]! - points[2 * a]!, points[2 * b + 1]! - points[2 * a + 1]!];
    const scale = half(i) / (Math.hypot(dx, dy) || 1);
    left.push(points[2 * i]! - dy * scale, points[2 * i + 1]! + dx * scale);
    right.push(points[2 * i]! + dy * scale, points[2 * i + 1]! - dx * scale);
  }
  return [left, right];
}

/** A line moved sideways by some metres, to the left where positive. */
export function beside(points: ArrayLike<number>, offset: number): number[] {
  return sides(points, () => offset)[0];
}
