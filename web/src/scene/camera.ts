// The eye over the city: free by mouse, touch and keyboard, or travelling with a car.
import { MOUSE, PerspectiveCamera, TOUCH, Vector3 } from "three";
import { MapControls } from "three/addons/controls/MapControls.js";

const FIELD_OF_VIEW = 35;
const NEAREST_M = 25;
const TILT = 0.62; // from the vertical, rad
const BEGIN_M = 1300;
const CLOSE_M = 130;
const GLIDE_S = 0.45;

export class Camera {
  readonly eye = new PerspectiveCamera(FIELD_OF_VIEW, 1, 1, 20000);
  private readonly controls: MapControls;
  private glide: { target: Vector3; distance: number } | undefined;
  private readonly held = new Set<string>();

  constructor(surface: HTMLElement, private readonly calm: boolean) {
    this.eye.up.set(0, 0, 1);
    this.eye.position.set(0, -1000 * Math.sin(TILT), 1000 * Math.cos(TILT));
    this.controls = new MapControls(this.eye, surface);
    this.controls.enableDamping = !calm;
    this.controls.dampingFactor = 0.12;
    this.controls.screenSpacePanning = false;
    this.controls.zoomToCursor = true;
    this.controls.minDistance = NEAREST_M;
    this.controls.maxPolarAngle = 1.35;
    this.controls.mouseButtons = { LEFT: MOUSE.PAN, MIDDLE: MOUSE.DOLLY, RIGHT: MOUSE.ROTATE };
    this.controls.touches = { ONE: TOUCH.PAN, TWO: TOUCH.DOLLY_ROTATE };
    this.controls.addEventListener("start", () => (this.glide = undefined));
    surface.addEventListener("keydown", (event) => this.key(event, true));
    surface.addEventListener("keyup", (event) => this.key(event, false));
    surface.addEventListener("blur", () => this.held.clear());
  }

  /** From the eye to what it looks at, m. */
  get distance(): number {
    return this.eye.position.distanceTo(this.controls.target);
  }

  /** Look at the whole map at once. */
  overview(middle: readonly [number, number], radius: number): void {
    this.go(new Vector3(middle[0], middle[1], 0), 0.86 * this.fit(radius), false);
  }

  /** Begin over the middle of a map, near enough to see the traffic. */
  begin(middle: readonly [number, number], radius: number): void {
    this.go(new Vector3(middle[0], middle[1], 0), Math.min(0.86 * this.fit(radius), BEGIN_M), true);
  }

  /** The distance from which the map fills the view; the eye goes no further than a little beyond. */
  private fit(radius: number): number {
    const fit = radius / Math.sin((FIELD_OF_VIEW * Math.PI) / 360) / Math.min(1.25, Math.max(0.6, this.eye.aspect));
    this.controls.maxDistance = 1.6 * fit;
    this.eye.far = 4 * fit;
    this.eye.updateProjectionMatrix();
    return fit;
  }

  /** Look at another place from as far as now. */
  turnTo(x: number, y: number): void {
    this.go(new Vector3(x, y, 0), this.distance, false);
  }

  /** Go near a place. */
  approach(x: number, y: number): void {
    this.go(new Vector3(x, y, 0), Math.min(this.distance, CLOSE_M), false);
  }

  /** Keep a moving place in the middle. */
  follow(x: number, y: number): void {
    if (this.glide) {
      this.glide.target.set(x, y, 0);
      return;
    }
    const step = new Vector3(x, y, 0).sub(this.controls.target);
    this.controls.target.add(step);
    this.eye.position.add(step);
  }

  resize(width: number, height: number): void {
    this.eye.aspect = width / height;
    this.eye.updateProjectionMatrix();
  }

  update(seconds: number): void {
    this.steer(seconds);
    if (this.glide) {
      const { target, distance } = this.glide;
      const near = 1 - Math.exp(-seconds / (GLIDE_S / 2));
      const offset = this.eye.position.clone().sub(this.controls.target);
      const length = offset.length();
      this.controls.target.lerp(target, near);
      this.eye.position.copy(this.controls.target).add(offset.multiplyScalar((length + near * (distance - length)) / length));
      if (this.controls.target.distanceTo(target) < 0.3 && Math.abs(length - distance) < 0.01 * distance) this.glide = undefined;
    }
    this.controls.update();
  }

  private go(target: Vector3, distance: number, instantly: boolean): void {
    if (!instantly && !this.calm) {
      this.glide = { target, distance };
      return;
    }
    const offset = this.eye.position.clone().sub(this.controls.target).normalize();
    this.controls.target.copy(target);
    this.eye.position.copy(target).addScaledVector(offset, distance);
    this.controls.update();
  }

  private key(event: KeyboardEvent, down: boolean): void {
    if (event.ctrlKey || event.metaKey || event.altKey || !/^(Arrow(Up|Down|Left|Right)|[+\-=_qeQE])$/.test(event.key)) return;
    if (down) this.held.add(event.key);
    else this.held.delete(event.key);
    this.glide = undefined;
    event.preventDefault();
  }

  private steer(seconds: number): void {
    if (!this.held.size) return;
    const pressed = (...keys: string[]) => (keys.some((key) => this.held.has(key)) ? 1 : 0);
    const offset = this.eye.position.clone().sub(this.controls.target);
    offset.multiplyScalar(Math.exp((pressed("-", "_") - pressed("+", "=")) * 1.2 * seconds));
    offset.setLength(Math.max(NEAREST_M, Math.min(this.controls.maxDistance, offset.length())));
    offset.applyAxisAngle(this.eye.up, (pressed("q", "Q") - pressed("e", "E")) * 1.2 * seconds);
    const forward = new Vector3(-offset.x, -offset.y, 0).normalize();
    const right = new Vector3(forward.y, -forward.x, 0);
    const pace = 0.7 * offset.length() * seconds;
    this.controls.target.addScaledVector(forward, pace * (pressed("ArrowUp") - pressed("ArrowDown")));
    this.controls.target.addScaledVector(right, pace * (pressed("ArrowRight") - pressed("ArrowLeft")));
    this.eye.position.copy(this.controls.target).add(offset);
  }
}
