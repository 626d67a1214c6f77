// Instances of one shape, written anew for every picture into one interleaved buffer that only grows.
import { DynamicDrawUsage, InstancedInterleavedBuffer, type InstancedBufferGeometry, InterleavedBufferAttribute } from "three";

export class Instances {
  values: Float32Array;
  count = 0;
  private buffer!: InstancedInterleavedBuffer;
  private readonly stride: number;

  /** layout: each attribute's name and number of floats, in the order in which they are written. */
  constructor(private readonly geometry: InstancedBufferGeometry, private readonly layout: Record<string, number>, room = 256) {
    this.stride = Object.values(layout).reduce((sum, floats) => sum + floats, 0);
    this.values = new Float32Array(room * this.stride);
    this.attach();
  }

  /** Where in `values` the next instance is to be written. */
  next(): number {
    if ((this.count + 1) * this.stride > this.values.length) {
      const larger = new Float32Array(2 * this.values.length);
      larger.set(this.values);
      this.values = larger;
      this.attach();
    }
    return this.count++ * this.stride;
  }

  flush(): void {
    this.geometry.instanceCount = this.count;
    this.buffer.clearUpdateRanges();
    this.buffer.addUpdateRange(0, this.count * this.stride);
    this.buffer.needsUpdate = true;
  }

  private attach(): void {
    this.geometry.dispose(); // forgets the smaller buffer
    this.buffer = new InstancedInterleavedBuffer(this.values, this.stride);
    this.buffer.setUsage(DynamicDrawUsage);
    let offset = 0;
    for (const [name, floats] of Object.entries(this.layout)) {
      this.geometry.setAttribute(name, new InterleavedBufferAttribute(this.buffer, floats, offset));
      offset += floats;
    }
  }
}
