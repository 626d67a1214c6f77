// Everybody on the road at the shown instant, interpolated between two moments, in arrays that are reused from picture to picture.
import type { Instant } from "./sources.ts";
import type { Moment } from "./wire.ts";

const TELEPORT_M = 15;

export class Crowd {
  count = 0;
  time = 0;
  moment: Moment | undefined;
  x = new Float32Array(0);
  y = new Float32Array(0);
  heading = new Float32Array(0);
  private partner = new Int32Array(0);
  private places = new Map<number, number>();
  private before: Moment | undefined;
  private after: Moment | undefined;

  show(instant: Instant): void {
    const { before, after, mix } = instant;
    if (before !== this.before || after !== this.after) this.match(before, after);
    this.count = before.ids.length;
    this.time = instant.time;
    this.moment = before;
    for (let i = 0; i < this.count; i++) {
      const j = this.partner[i]!;
      const [x, y, heading] = [before.x[i]!, before.y[i]!, before.heading[i]!];
      if (j < 0) {
        this.x[i] = x;
        this.y[i] = y;
        this.heading[i] = heading;
        continue;
      }
      this.x[i] = x + mix * (after.x[j]! - x);
      this.y[i] = y + mix * (after.y[j]! - y);
      const turn = after.heading[j]! - heading;
      this.heading[i] = heading + mix * (turn - 2 * Math.PI * Math.round(turn / (2 * Math.PI)));
    }
  }

  /** Index of an actor at the shown instant, −1 when absent. */
  place(id: number): number {
    return this.places.get(id) ?? -1;
  }

  private match(before: Moment, after: Moment): void {
    const n = before.ids.length;
    if (this.x.length < n) {
      const room = Math.ceil(n * 1.5);
      [this.x, this.y, this.heading] = [new Float32Array(room), new Float32Array(room), new Float32Array(room)];
      this.partner = new Int32Array(room);
    }
    const later = new Map<number, number>();
    for (let j = 0; j < after.ids.length; j++) later.set(after.ids[j]!, j);
    this.places.clear();
    for (let i = 0; i < n; i++) {
      this.places.set(before.ids[i]!, i);
      const j = later.get(before.ids[i]!) ?? -1;
      const far = j < 0 || Math.hypot(after.x[j]! - before.x[i]!, after.y[j]! - before.y[i]!) > TELEPORT_M;
      this.partner[i] = far ? -1 : j;
    }
    [this.before, this.after] = [before, after];
  }
}
