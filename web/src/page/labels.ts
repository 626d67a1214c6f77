// The numbers of our cars, floating over them.
import type { Crowd } from "../data/crowd.ts";
import type { Stage } from "../scene/stage.ts";

export class Labels {
  private readonly labels = new Map<number, HTMLElement>();

  constructor(private readonly root: HTMLElement, private readonly choose: (car: number) => void) {}

  /** numbers: by car id. */
  show(stage: Stage, crowd: Crowd, numbers: ReadonlyMap<number, string>, chosen: number | null): void {
    for (const [car, number] of numbers) {
      const label = this.labels.get(car) ?? this.make(car, number);
      const place = crowd.place(car);
      const at = place < 0 ? undefined : stage.project(crowd.x[place]!, crowd.y[place]!);
      label.hidden = !at;
      if (!at) continue;
      label.style.transform = `translate(${at[0].toFixed(1)}px, ${at[1].toFixed(1)}px)`;
      label.classList.toggle("chosen", car === chosen);
    }
  }

  private make(car: number, number: string): HTMLElement {
    const label = document.createElement("span");
    label.textContent = number;
    label.addEventListener("click", () => this.choose(car));
    this.root.append(label);
    this.labels.set(car, label);
    return label;
  }
}
