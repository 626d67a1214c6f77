// The picture: scene, camera and renderer, drawn once per display frame.
import { Color, ColorManagement, Frustum, LinearSRGBColorSpace, Matrix4, Scene, Sphere, Vector3, WebGLRenderer } from "three";
import type { Crowd } from "../data/crowd.ts";
import type { Parcel } from "../data/parcel.ts";
import type { Thoughts } from "../data/wire.ts";
import { Camera } from "./camera.ts";
import { Glows } from "./glows.ts";
import { Ground } from "./ground.ts";
import { BACKGROUND } from "./palette.ts";
import { StillLayer } from "./still.ts";
import { ThoughtsOnRoad } from "./thoughts.ts";
import { Traffic } from "./traffic.ts";

ColorManagement.enabled = false; // colours are given and blended in sRGB, as the style sheet's are
const SLOW_MS = 38;
const PATIENCE = 45;
const REACH_M = 14; // beyond a road user's centre its body and its light still show

export class Stage {
  readonly camera: Camera;
  ground: Ground | undefined;
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly still: StillLayer;
  private readonly frustum = new Frustum();
  private readonly traffic = new Traffic();
  private glows: Glows | undefined;
  private thoughts: ThoughtsOnRoad | undefined;
  private slow = 0;

  /** Throws where WebGL 2 is missing. */
  constructor(private readonly surface: HTMLElement, canvas: HTMLCanvasElement, calm: boolean) {
    const software = drawsInSoftware();
    // Opaque, which spares the browser a blend; three.js by itself asks for a transparent one.
    const context = canvas.getContext("webgl2", { alpha: false, antialias: !software, stencil: false, powerPreference: "high-performance" });
    if (!context) throw new Error("WebGL 2 is missing");
    this.renderer = new WebGLRenderer({ canvas, context });
    this.still = new StillLayer(this.renderer, new Color(BACKGROUND), software);
    this.renderer.outputColorSpace = LinearSRGBColorSpace;
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
    this.scene.add(this.still.backdrop);
    this.scene.matrixWorldAutoUpdate = false;
    this.camera = new Camera(surface, calm);
    new ResizeObserver(() => this.resize()).observe(surface);
    this.resize();
    this.scene.add(this.traffic.group);
  }

  lay(parcel: Parcel): void {
    this.still.forget();
    this.ground = new Ground(parcel);
    this.glows = new Glows(parcel.columns);
    this.thoughts = new ThoughtsOnRoad(this.ground.lanes);
    this.still.scene.add(this.ground.group);
    this.scene.add(this.glows.mesh, this.thoughts.mesh);
    this.surface.classList.add("drawn");
    this.camera.begin(this.ground.middle, this.ground.radius);
  }

  draw(seconds: number, crowd: Crowd, thoughts: Thoughts | undefined, chosen: number, subject: number): void {
    this.camera.update(seconds);
    const distance = this.camera.distance;
    this.ground?.fade(distance);
    this.still.draw(this.camera.eye);
    const eye = this.camera.eye;
    this.frustum.setFromProjectionMatrix(new Matrix4().multiplyMatrices(eye.projectionMatrix, eye.matrixWorldInverse));
    const sphere = new Sphere(new Vector3(), REACH_M);
    const seen = (x: number, y: number) => {
      sphere.center.set(x, y, 0);
      return this.frustum.intersectsSphere(sphere);
    };
    this.traffic.show(crowd, distance, seen);
    this.glows?.show(crowd, distance, seen, chosen, subject);
    this.thoughts?.show(thoughts, crowd, Math.max(1, distance / 220));
    this.renderer.render(this.scene, eye);
    this.economise(1000 * seconds);
  }

  /** Where a place on the ground is in the picture, in CSS pixels; undefined behind the eye. */
  project(x: number, y: number): [number, number] | undefined {
    const point = new Vector3(x, y, 1.5).project(this.camera.eye);
    if (point.z > 1) return undefined;
    return [((point.x + 1) / 2) * this.surface.clientWidth, ((1 - point.y) / 2) * this.surface.clientHeight];
  }

  /** Where a pixel of the picture lies on the ground. */
  unproject(px: number, py: number): [number, number] | undefined {
    const point = new Vector3((2 * px) / this.surface.clientWidth - 1, 1 - (2 * py) / this.surface.clientHeight, 0.5).unproject(this.camera.eye);
    const eye = this.camera.eye.position;
    const ray = point.sub(eye);
    if (ray.z >= 0) return undefined;
    return [eye.x - (eye.z / ray.z) * ray.x, eye.y - (eye.z / ray.z) * ray.y];
  }

  /** Draw fewer pixels once pictures have been slow for a while. */
  private economise(milliseconds: number): void {
    this.slow = milliseconds > SLOW_MS && milliseconds < 1000 ? this.slow + 1 : Math.max(0, this.slow - 1);
    const ratio = this.renderer.getPixelRatio();
    if (this.slow < PATIENCE || ratio <= 1) return;
    this.slow = 0;
    this.renderer.setPixelRatio(1);
    this.still.forget();
  }

  private resize(): void {
    const [width, height] = [Math.max(1, this.surface.clientWidth), Math.max(1, this.surface.clientHeight)];
    this.renderer.setSize(width, height, false);
    this.camera.resize(width, height);
    this.still.forget();
  }
}

/** Whether the browser draws without a graphics card, where every smoothed edge costs dearly. */
function drawsInSoftware(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  const names = context?.getExtension("WEBGL_debug_renderer_info");
  const renderer = context && names ? String(context.getParameter(names.UNMASKED_RENDERER_WEBGL)) : "";
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(renderer);
}
