// Many of one shape, written anew for every picture into one interleaved buffer that only grows.
import {
  BufferAttribute, BufferGeometry, DynamicDrawUsage, InstancedBufferGeometry, InstancedInterleavedBuffer, InterleavedBuffer, InterleavedBufferAttribute,
} from "three";

/** Each attribute's name and number of floats, in the order in which they are written. */
type Layout = Record<string, number>;

abstract class Batch<Geometry extends BufferGeometry> {
  /** What is written: one record per member, `next()` says where. */
  values: Float32Array;
  count = 0;
  protected readonly stride: number;

  constructor(readonly geometry: Geometry, protected readonly layout: Layout, room: number) {
    this.stride = Object.values(layout).reduce((sum, floats) => sum + floats, 0);
    this.values = new Float32Array(room * this.stride);
    this.attach();
  }

  /** Where in `values` the next member is to be written. */
  next(): number {
    if ((this.count + 1) * this.stride > this.values.length) {
      const larger = new Float32Array(2 * this.values.length);
      larger.set(this.values);
      this.values = larger;
      this.geometry.dispose(); // forgets the smaller buffers
      this.attach();
    }
    return this.count++ * this.stride;
  }

  /** Hand what was written to the graphics card. */
  abstract flush(): void;

  /** Make buffers as large as `values`. */
  protected abstract attach(): void;

  protected attributes(buffer: InterleavedBuffer): void {
    buffer.setUsage(DynamicDrawUsage);
    let offset = 0;
    for (const [name, floats] of Object.entries(this.layout)) {
      this.geometry.setAttribute(name, new InterleavedBufferAttribute(buffer, floats, offset));
      offset += floats;
    }
  }

  protected upload(buffer: InterleavedBuffer, floats: number): void {
    buffer.clearUpdateRanges();
    buffer.addUpdateRange(0, floats);
    buffer.needsUpdate = true;
  }
}

/** Solid shapes, by instancing. */
export class Instances extends Batch<InstancedBufferGeometry> {
  declare private buffer: InstancedInterleavedBuffer;

  constructor(geometry: InstancedBufferGeometry, layout: Layout, room = 256) {
    super(geometry, layout, room);
  }

  flush(): void {
    this.geometry.instanceCount = this.count;
    this.upload(this.buffer, this.count * this.stride);
  }

  protected attach(): void {
    this.buffer = new InstancedInterleavedBuffer(this.values, this.stride);
    this.attributes(this.buffer);
  }
}

const CORNERS = [[-1, -1], [1, -1], [1, 1], [-1, 1]] as const;

/** Flat quads, four written-out vertices each: drawing in software pays for every instance as for a draw call of its own. */
export class Quads extends Batch<BufferGeometry> {
  declare private buffer: InterleavedBuffer;
  declare private corners: Float32Array;

  /** Beside the layout's attributes, `position` tells a vertex which corner it is: (±1, ±1, 0). */
  constructor(layout: Layout, room = 256) {
    super(new BufferGeometry(), layout, room);
  }

  flush(): void {
    const { values, corners, stride } = this;
    for (let member = 0; member < this.count; member++) {
      for (let vertex = 4 * member; vertex < 4 * member + 4; vertex++) {
        for (let i = 0; i < stride; i++) corners[vertex * stride + i] = values[member * stride + i]!;
      }
    }
    this.geometry.setDrawRange(0, 6 * this.count);
    this.upload(this.buffer, 4 * this.count * stride);
  }

  protected attach(): void {
    const room = this.values.length / this.stride;
    this.corners = new Float32Array(4 * this.values.length);
    this.buffer = new InterleavedBuffer(this.corners, this.stride);
    this.attributes(this.buffer);
    const at = new Float32Array(12 * room);
    const index = new Uint32Array(6 * room);
    for (let member = 0; member < room; member++) {
      CORNERS.forEach(([x, y], i) => at.set([x, y, 0], 12 * member + 3 * i));
      index.set([0, 1, 2, 0, 2, 3].map((corner) => 4 * member + corner), 6 * member);
    }
    this.geometry.setAttribute("position", new BufferAttribute(at, 3));
    this.geometry.setIndex(new BufferAttribute(index, 1));
  }
}
