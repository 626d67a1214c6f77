// The page of the city and of replays: brings together where moments come from, the picture, the words and the controls.
import { Crowd } from "./data/crowd.ts";
import { openParcel } from "./data/parcel.ts";
import { LiveSource, ReplaySource, type Source } from "./data/sources.ts";
import type { Moment } from "./data/wire.ts";
import { Labels } from "./page/labels.ts";
import { Panel } from "./page/panel.ts";
import { Stage } from "./scene/stage.ts";

const PICK_M = 6;
const NO_ONE = -1; // a reason's subject where it has none

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const { base = "", steps = "0", stepS = "" } = document.body.dataset;
const surface = element("view");
const trouble = element("trouble");
const [pause, follow, speed] = [element<HTMLButtonElement>("pause"), element<HTMLButtonElement>("follow"), element<HTMLSelectElement>("speed")];
const slider = document.getElementById("time") as HTMLInputElement | null;

const crowd = new Crowd();
const replay = Number(steps) > 0 ? new ReplaySource(base, Number(steps), Number(stepS)) : undefined;
const live = replay ? undefined : new LiveSource(showConnection, showClock);
const source: Source = (replay ?? live)!;
const labels = new Labels(element("labels"), choose);
let stage: Stage | undefined;
let chosen: number | null = null;
let following = false;
let approaching = false;
let numbers = new Map<number, string>();
let told = "";
let lost = false;
let begun = false;

const panel = new Panel(element("panel"), panelAddress, readPanel);
void start();

async function start(): Promise<void> {
  try {
    stage = new Stage(surface, element<HTMLCanvasElement>("canvas"), matchMedia("(prefers-reduced-motion: reduce)").matches);
  } catch {
    trouble.textContent = trouble.dataset["unsupported"]!;
  }
  element("controls").hidden = false;
  connectControls();
  readPanel();
  const { chosen: linked } = panel.told.dataset;
  if (linked) choose(Number(linked));
  if (!stage) return;
  stage.lay(await fetchGround());
  let last = performance.now();
  const draw = (now: number) => {
    const seconds = Math.max(0, Math.min(0.25, (now - last) / 1000)); // a first picture may bear a time before `last`
    last = now;
    picture(stage!, seconds);
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
}

async function fetchGround() {
  for (;;) {
    const answer = await (panel.told.dataset["ground"] === "yes" ? fetch(`${base}/ground`).catch(() => undefined) : undefined);
    if (answer?.ok) return openParcel(await answer.arrayBuffer());
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function picture(stage: Stage, seconds: number): void {
  const instant = source.advance(seconds);
  if (instant) crowd.show(instant);
  const moment = crowd.moment;
  const car = chosen ?? NaN;
  const place = crowd.place(car);
  if (!begun && moment) {
    begun = true;
    const [x, y] = middleOfOurs();
    if (chosen === null && x !== undefined && !replay) stage.camera.turnTo(x, y!);
  }
  if (approaching && place >= 0) {
    approaching = false;
    stage.camera.approach(crowd.x[place]!, crowd.y[place]!);
  }
  if (following && place >= 0) stage.camera.follow(crowd.x[place]!, crowd.y[place]!);
  const subject = moment?.subjects[moment.cars.indexOf(car)] ?? NO_ONE;
  const thoughts = moment?.thoughts?.car === car ? moment.thoughts : undefined;
  stage.draw(seconds, crowd, thoughts, car, subject === NO_ONE ? NaN : subject);
  labels.show(stage, crowd, numbers, chosen);
  if (replay) showReplayTime(replay, crowd.time);
}

/** The median place of our cars. */
function middleOfOurs(): number[] {
  const places = Array.from(crowd.moment?.cars ?? [], (car) => crowd.place(car)).filter((place) => place >= 0);
  return [crowd.x, crowd.y].flatMap((values) => places.map((place) => values[place]!).sort((a, b) => a - b)[places.length >> 1] ?? []);
}

function choose(car: number | null): void {
  chosen = car;
  source.chooseCar(car);
  const query = new URLSearchParams(location.search);
  if (car === null) query.delete("car");
  else query.set("car", String(car));
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  approaching = car !== null;
  setFollowing(car !== null);
  told = "";
  void panel.refresh().catch(() => undefined);
}

function chooseNext(): void {
  const cars = [...numbers.keys()];
  if (cars.length) choose(cars[(cars.indexOf(chosen ?? NaN) + 1) % cars.length]!);
}

function setFollowing(wanted: boolean): void {
  following = wanted && chosen !== null;
  follow.setAttribute("aria-pressed", String(following));
  follow.disabled = chosen === null;
}

function setPaused(paused: boolean): void {
  if (!paused && replay?.ended) replay.seek(0);
  source.setSpeed(paused ? 0 : Number(speed.value));
  showPaused(paused);
}

function showPaused(paused: boolean): void {
  pause.classList.toggle("paused", paused);
  pause.setAttribute("aria-label", pause.dataset[paused ? "play" : "pause"]!);
}

function connectControls(): void {
  pause.addEventListener("click", () => setPaused(source.speed !== 0));
  speed.addEventListener("change", () => setPaused(false));
  follow.addEventListener("click", () => setFollowing(!following));
  element("overview").addEventListener("click", overview);
  slider?.addEventListener("input", () => replay!.seek(Number(slider.value)));
  element("panel").addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLElement>("tr")?.querySelector<HTMLElement>("[data-car]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    choose(Number(link.dataset["car"]));
  });
  surface.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = { " ": () => setPaused(source.speed !== 0), n: chooseNext, f: () => setFollowing(!following), "0": overview, Escape: () => choose(null) }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  connectPicking();
}

/** A press that does not become a drag chooses the car of ours under it. */
function connectPicking(): void {
  let start: [number, number] = [0, 0];
  surface.addEventListener("pointerdown", (event) => (start = [event.clientX, event.clientY]));
  surface.addEventListener("pointerup", (event) => {
    if (event.button !== 0 || Math.hypot(event.clientX - start[0], event.clientY - start[1]) > 5) return;
    const box = surface.getBoundingClientRect();
    const place = stage?.unproject(event.clientX - box.left, event.clientY - box.top);
    if (!place) return;
    const reach = Math.max(PICK_M, stage!.camera.distance / 40);
    const [nearest] = [...numbers.keys()]
      .map((car) => [car, crowd.place(car)] as const)
      .filter(([, i]) => i >= 0)
      .map(([car, i]) => [car, Math.hypot(crowd.x[i]! - place[0], crowd.y[i]! - place[1])] as const)
      .filter(([, distance]) => distance < reach)
      .sort((a, b) => a[1] - b[1]);
    if (nearest) choose(nearest[0]);
  });
  surface.addEventListener("wheel", () => undefined, { passive: true });
}

function overview(): void {
  setFollowing(false);
  if (stage?.ground) stage.camera.overview(stage.ground.middle, stage.ground.radius);
}

function panelAddress(): string | undefined {
  const query = new URLSearchParams();
  if (chosen !== null) query.set("car", String(chosen));
  if (replay) query.set("step", String(replay.step));
  const address = `${base}/panel?${query}`;
  if (replay && address === told) return undefined;
  told = address;
  return address;
}

function readPanel(): void {
  const links = panel.told.querySelectorAll<HTMLElement>("[data-car]");
  numbers = new Map([...links].map((link) => [Number(link.dataset["car"]), link.dataset["number"]!]));
  document.body.dataset["phase"] = panel.told.dataset["phase"];
}

/** Once a lost server is back the page begins anew: it may have another city. */
function showConnection(connected: boolean): void {
  if (connected && lost) location.reload();
  lost = !connected;
  if (stage) trouble.textContent = lost ? trouble.dataset["lost"]! : "";
}

function showClock(moment: Moment): void {
  showPaused(moment.wanted === 0);
  const option = moment.wanted && [...speed.options].find((option) => Number(option.value) === moment.wanted);
  if (option && document.activeElement !== speed) speed.value = option.value;
  const reached = element("reached");
  const late = moment.wanted > 0 && moment.reached < 0.93 * moment.wanted;
  reached.textContent = late ? reached.dataset["text"]!.replace("{speed}", moment.reached.toFixed(1)) : "";
}

function showReplayTime(replay: ReplaySource, time: number): void {
  if (slider && document.activeElement !== slider) slider.value = String(replay.step);
  const seconds = Math.floor(time * 10) / 10;
  element("clock").textContent = `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
  if (replay.ended && source.speed) setPaused(true);
}
