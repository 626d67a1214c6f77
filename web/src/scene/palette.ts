// The picture's colours, sRGB 0 … 1; the style sheet holds the same accent.

export type Rgb = readonly [number, number, number];

const hex = (code: number): Rgb => [((code >> 16) & 255) / 255, ((code >> 8) & 255) / 255, (code & 255) / 255];

export const BACKGROUND = 0x0b0e13;
export const ACCENT = hex(0x63c7ff);
export const SLOW = hex(0xff7a66);

export const GROUND = {
  footpath: hex(0x171c24),
  cycleway: hex(0x1a222b),
  rail: hex(0x14181e),
  railLine: hex(0x363e49),
  asphalt: hex(0x2a323d),
  kerb: hex(0x3b4553),
  edge: hex(0x75808e),
  dash: hex(0x8a95a3),
  centre: hex(0x9aa5b2),
  zebra: hex(0x8d97a4),
  bar: hex(0xa9b2bd),
};

/** By `driving.Colour`: off, red, red-amber, amber, green, green protected. */
export const SIGNAL: readonly Rgb[] = [hex(0x4a525e), hex(0xff3b3f), hex(0xff7a2f), hex(0xffb02e), hex(0x2fd38a), hex(0x2fd38a)];

/** Calm paints for everybody else, chosen by id. */
export const PAINT: readonly Rgb[] = [0xb9c1cb, 0x8b96a4, 0xd7dce2, 0x66717f, 0x9fa6ae, 0x77839a, 0xa89f95, 0x7f8a86].map(hex);
export const PERSON = hex(0xf0c9a4);
