// Opens a parcel of columns (src/marque/simulation/columns.py describes its bytes).

export type Numbers = Float64Array | Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Uint8Array;

interface Entry {
  name: string;
  type: string;
  shape: number[];
  delta: boolean;
  step?: number;
  size: number;
}

export interface Parcel {
  meta: Record<string, unknown>;
  columns: Record<string, Numbers>;
}

const ARRAYS: Record<string, new (buffer: ArrayBuffer) => Numbers> = {
  "|u1": Uint8Array, "<u2": Uint16Array, "<i2": Int16Array, "<u4": Uint32Array, "<i4": Int32Array, "<f4": Float32Array, "<f8": Float64Array,
};
const HEAD = 16;

export async function openParcel(bytes: ArrayBuffer): Promise<Parcel> {
  const headerSize = new DataView(bytes).getUint32(8, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, HEAD, headerSize))) as { meta: Record<string, unknown>; columns: Entry[] };
  const columns: Record<string, Numbers> = {};
  let at = HEAD + headerSize;
  for (const entry of header.columns) {
    columns[entry.name] = openColumn(await inflate(bytes.slice(at, at + entry.size)), entry);
    at += entry.size;
  }
  return { meta: header.meta, columns };
}

async function inflate(payload: ArrayBuffer): Promise<Uint8Array> {
  const stream = new Blob([payload]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function openColumn(planes: Uint8Array, entry: Entry): Numbers {
  const Kind = ARRAYS[entry.type];
  if (!Kind) throw new Error(`column ${entry.name}: type ${entry.type} is unknown`);
  const width = Number(entry.type.slice(2));
  const count = planes.length / width;
  const bytes = new Uint8Array(planes.length);
  for (let byte = 0; byte < width; byte++) for (let i = 0; i < count; i++) bytes[i * width + byte] = planes[byte * count + i]!;
  const values = new Kind(bytes.buffer);
  if (entry.delta) {
    const row = entry.shape.slice(1).reduce((product, extent) => product * extent, 1);
    for (let i = row; i < values.length; i++) values[i] = values[i]! + values[i - row]!;
  }
  if (entry.step === undefined) return values;
  const real = new Float32Array(values.length);
  for (let i = 0; i < real.length; i++) real[i] = values[i]! * entry.step;
  return real;
}
