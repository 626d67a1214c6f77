// Reads the messages of a stream (src/marque/app/wire.py describes their bytes). Arrays are views onto the message, nothing is copied.

/** What everybody sees at one instant; metres from the ground's origin. */
export interface Moment {
  time: number;
  wanted: number;
  reached: number;
  step: number;
  ids: Int32Array;
  x: Float32Array;
  y: Float32Array;
  heading: Float32Array;
  speed: Float32Array;
  length: Float32Array;
  width: Float32Array;
  kinds: Uint8Array;
  flags: Uint8Array;
  signals: Uint8Array;
  cars: Int32Array;
  reasons: Int32Array;
  subjects: Int32Array;
  thoughts?: Thoughts;
}

/** One car's mind: plan is (x, y, heading, speed) per point, path all predicted paths' points one after another. */
export interface Thoughts {
  car: number;
  planStep: number;
  plan: Float32Array;
  route: Int32Array;
  subjects: Int32Array;
  probabilities: Float32Array;
  points: Uint32Array;
  path: Float32Array;
}

export const Flag = { PILOT: 1, BRAKING: 2, LEFT: 4, RIGHT: 8, WAITING: 16 } as const;
export const Kind = { CAR: 0, TRUCK: 1, BUS: 2, MOTORCYCLE: 3, BICYCLE: 4, PEDESTRIAN: 5, TRAM: 6, STATIC: 7, UNKNOWN: 8 } as const;

const MOMENT = 1;

/** Cuts a byte stream into messages and puts thoughts into the moment they belong to; a moment is complete when the next one begins. */
export class MessageReader {
  private rest = new Uint8Array(0);

  /** The moments that `bytes` complete. */
  push(bytes: Uint8Array): Moment[] {
    const data = this.rest.length ? joined(this.rest, bytes) : bytes;
    const moments: Moment[] = [];
    let at = 0;
    while (data.length - at >= 8) {
      const view = new DataView(data.buffer, data.byteOffset + at);
      const size = view.getUint32(0, true);
      if (data.length - at < size) break;
      const message = data.slice(at, at + size).buffer;
      if (view.getUint32(4, true) === MOMENT) moments.push(readMoment(message));
      else {
        const last = moments.at(-1) ?? this.last;
        if (last) last.thoughts = readThoughts(message);
      }
      at += size;
    }
    this.rest = data.slice(at);
    this.last = moments.at(-1) ?? this.last;
    return moments;
  }

  private last?: Moment;
}

function readMoment(message: ArrayBuffer): Moment {
  const view = new DataView(message);
  const [n, signals, k] = [view.getUint32(24, true), view.getUint32(28, true), view.getUint32(32, true)];
  const take = taker(message, 40);
  const ids = take(Int32Array, n);
  const [x, y, heading, speed, length, width] = Array.from({ length: 6 }, () => take(Float32Array, n)) as [
    Float32Array, Float32Array, Float32Array, Float32Array, Float32Array, Float32Array,
  ];
  const [cars, reasons, subjects] = [take(Int32Array, k), take(Int32Array, k), take(Int32Array, k)];
  take(Float32Array, 2 * k); // distances and target speeds are told in words
  return {
    time: view.getFloat64(8, true), wanted: view.getFloat32(16, true), reached: view.getFloat32(20, true), step: view.getUint32(36, true),
    ids, x, y, heading, speed, length, width, cars, reasons, subjects,
    kinds: take(Uint8Array, n), flags: take(Uint8Array, n), signals: take(Uint8Array, signals),
  };
}

function readThoughts(message: ArrayBuffer): Thoughts {
  const view = new DataView(message);
  const [p, r, q, s] = [16, 20, 24, 28].map((at) => view.getUint32(at, true)) as [number, number, number, number];
  const take = taker(message, 32);
  return {
    car: view.getInt32(8, true), planStep: view.getFloat32(12, true),
    plan: take(Float32Array, 4 * p), route: take(Int32Array, r),
    subjects: take(Int32Array, q), probabilities: take(Float32Array, q), points: take(Uint32Array, q), path: take(Float32Array, 2 * s),
  };
}

function taker(message: ArrayBuffer, start: number) {
  let at = start;
  return <T>(Kind: { new (buffer: ArrayBuffer, at: number, count: number): T; BYTES_PER_ELEMENT: number }, count: number): T => {
    const values = new Kind(message, at, count);
    at += count * Kind.BYTES_PER_ELEMENT;
    return values;
  };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
