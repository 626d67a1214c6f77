// What does not move is drawn into a picture of its own, and only anew when the camera has moved.
import { type Camera, type Color, Matrix4, Mesh, NearestFilter, PlaneGeometry, Scene, ShaderMaterial, Vector2, WebGLRenderTarget, type WebGLRenderer } from "three";

const VERTEX = /* glsl */ `
  void main() { gl_Position = vec4(2.0 * uv - 1.0, 0.0, 1.0); }`;
const FRAGMENT = /* glsl */ `
  uniform sampler2D picture;
  void main() { gl_FragColor = texelFetch(picture, ivec2(gl_FragCoord.xy), 0); }`;
const SAMPLES = 4;

export class StillLayer {
  readonly scene = new Scene();
  /** The picture, filling the view; add it to the scene of what moves. */
  readonly backdrop: Mesh<PlaneGeometry, ShaderMaterial>;
  private readonly smooth: WebGLRenderTarget;
  private readonly quick: WebGLRenderTarget;
  private seenFrom = new Matrix4();
  private state: "none" | "quick" | "smooth" = "none";

  /** thrifty: smooth edges only once the camera rests. */
  constructor(private readonly renderer: WebGLRenderer, background: Color, private readonly thrifty: boolean) {
    const options = { depthBuffer: false, minFilter: NearestFilter, magFilter: NearestFilter } as const;
    this.smooth = new WebGLRenderTarget(1, 1, { ...options, samples: SAMPLES });
    this.quick = new WebGLRenderTarget(1, 1, options);
    this.scene.background = background;
    this.scene.matrixWorldAutoUpdate = false;
    const material = new ShaderMaterial({
      vertexShader: VERTEX, fragmentShader: FRAGMENT, depthTest: false, depthWrite: false, uniforms: { picture: { value: null } },
    });
    this.backdrop = new Mesh(new PlaneGeometry(), material);
    this.backdrop.frustumCulled = false;
    this.backdrop.renderOrder = -1;
  }

  /** The picture no longer fits: the scene or its size has changed. */
  forget(): void {
    this.state = "none";
  }

  draw(camera: Camera): void {
    camera.updateMatrixWorld();
    const view = new Matrix4().multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse);
    const moved = this.state === "none" || !alike(view, this.seenFrom);
    if (!moved && this.state === "smooth") return;
    this.state = moved && this.thrifty ? "quick" : "smooth";
    this.seenFrom = view;
    const target = this[this.state];
    const size = this.renderer.getDrawingBufferSize(new Vector2());
    target.setSize(size.x, size.y);
    this.renderer.setRenderTarget(target);
    this.renderer.autoClearColor = true;
    this.renderer.render(this.scene, camera);
    this.renderer.autoClearColor = false; // the backdrop covers everything
    this.renderer.setRenderTarget(null);
    this.backdrop.material.uniforms["picture"]!.value = target.texture;
  }
}

/** Whether two views differ by no more than rounding does when the camera rests. */
function alike(a: Matrix4, b: Matrix4): boolean {
  return a.elements.every((value, i) => Math.abs(value - b.elements[i]!) <= 1e-7 * Math.max(1, Math.abs(value)));
}
