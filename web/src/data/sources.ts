// Where moments come from: the living city's endless stream, or a replay's chunks. Both answer: what is shown at this instant?
import { MessageReader, type Moment } from "./wire.ts";

/** Two moments and how far between them (0 … 1) the shown instant lies; `time` is that instant. */
export interface Instant {
  before: Moment;
  after: Moment;
  mix: number;
  time: number;
}

export interface Source {
  /** Advance by wall-clock seconds and say what to show; undefined until something has arrived. */
  advance(seconds: number): Instant | undefined;
  /** Whose thoughts come along. */
  chooseCar(car: number | null): void;
  setSpeed(speed: number): void;
  readonly speed: number;
}

const RETRY_MS = 1000;

export class LiveSource implements Source {
  speed = 1;
  private moments: Moment[] = [];
  private time = 0;
  private car: number | null = null;
  private abort = new AbortController();

  constructor(private readonly onState: (connected: boolean) => void, private readonly onClock: (moment: Moment) => void) {
    void this.listen();
  }

  chooseCar(car: number | null): void {
    if (car === this.car) return;
    this.car = car;
    this.abort.abort();
  }

  setSpeed(speed: number): void {
    this.speed = speed;
    void fetch("/clock", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ speed }) }).catch(() => undefined);
  }

  advance(seconds: number): Instant | undefined {
    const last = this.moments.at(-1);
    if (!last) return undefined;
    const previous = this.moments.at(-2) ?? last;
    const rate = last.wanted === 0 ? 0 : Math.min(last.wanted, last.reached);
    const target = last.time - 1.5 * (last.time - previous.time);
    const behind = target - this.time;
    if (Math.abs(behind) > Math.max(1, 2 * rate)) this.time = target;
    else this.time += seconds * (rate + Math.max(-0.5 * rate, Math.min(2 * behind, 0.5 * rate)));
    this.time = Math.min(this.time, last.time);
    while (this.moments.length > 2 && this.moments[1]!.time <= this.time) this.moments.shift();
    const before = this.moments[0]!;
    const after = this.moments[1] ?? before;
    const span = after.time - before.time;
    return { before, after, mix: span > 0 ? Math.max(0, Math.min(1, (this.time - before.time) / span)) : 1, time: this.time };
  }

  private async listen(): Promise<void> {
    for (;;) {
      this.abort = new AbortController();
      try {
        const answer = await fetch(this.car === null ? "/stream" : `/stream?car=${this.car}`, { signal: this.abort.signal });
        if (!answer.ok || !answer.body) throw new Error(`stream: ${answer.status}`);
        const reader = answer.body.getReader();
        const messages = new MessageReader();
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          for (const moment of messages.push(value)) this.hear(moment);
        }
      } catch {
        if (this.abort.signal.aborted) continue;
      }
      this.onState(false);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  private hear(moment: Moment): void {
    const last = this.moments.at(-1);
    if (last && moment.time <= last.time) this.moments = moment.time === last.time ? this.moments.slice(0, -1) : [];
    this.moments.push(moment);
    if (this.moments.length > 30) this.moments.splice(0, this.moments.length - 30);
    this.speed = moment.wanted;
    this.onState(true);
    this.onClock(moment);
  }
}

const CHUNK = 64;

export class ReplaySource implements Source {
  speed = 1;
  private position = 0;
  private car: number | null = null;
  private chunks = new Map<number, Moment[]>();
  private asked = new Set<number>();

  constructor(private readonly base: string, readonly steps: number, private readonly stepSeconds: number) {}

  get step(): number {
    return Math.floor(this.position);
  }

  get ended(): boolean {
    return this.position >= this.steps - 1;
  }

  seek(step: number): void {
    this.position = Math.max(0, Math.min(this.steps - 1, step));
  }

  chooseCar(car: number | null): void {
    if (car === this.car) return;
    this.car = car;
    this.asked.clear();
  }

  setSpeed(speed: number): void {
    this.speed = speed;
  }

  advance(seconds: number): Instant | undefined {
    const wanted = Math.min(this.steps - 1, this.position + (seconds * this.speed) / this.stepSeconds);
    this.fetchAround(wanted);
    const before = this.at(Math.floor(wanted));
    if (!before) return undefined;
    this.position = wanted;
    const after = this.at(Math.floor(wanted) + 1) ?? before;
    const mix = wanted - Math.floor(wanted);
    return { before, after, mix, time: before.time + mix * (after.time - before.time) };
  }

  private at(step: number): Moment | undefined {
    return this.chunks.get(Math.floor(step / CHUNK))?.[step % CHUNK];
  }

  private fetchAround(position: number): void {
    const chunk = Math.floor(position / CHUNK);
    for (const wanted of [chunk, chunk + 1]) {
      if (wanted * CHUNK >= this.steps || this.asked.has(wanted)) continue;
      this.asked.add(wanted);
      void this.fetchChunk(wanted);
    }
  }

  private async fetchChunk(chunk: number): Promise<void> {
    const car = this.car;
    const answer = await fetch(`${this.base}/moments?first=${chunk * CHUNK}&count=${CHUNK}${car === null ? "" : `&car=${car}`}`);
    if (!answer.ok || car !== this.car) return;
    this.chunks.set(chunk, new MessageReader().push(new Uint8Array(await answer.arrayBuffer())));
    for (const old of this.chunks.keys()) {
      if (Math.abs(old - chunk) > 6) {
        this.chunks.delete(old);
        this.asked.delete(old);
      }
    }
  }
}
