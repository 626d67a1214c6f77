// A campaign's pages keep themselves current: the server writes what changes (templates/campaign_panel.html and campaign_run_panel.html).
import { Panel } from "./page/panel.ts";

const INTERVAL_MS = 1000;

const root = document.getElementById("panel")!;
const updates = document.getElementById("updates");
const button = updates?.querySelector("button");
let stopped = false;

const live = () => root.querySelector<HTMLElement>("#told")!.dataset.live === "yes";
/** A link that is pointed at or has the focus stays where it is. */
const held = () => root.querySelector(".runs a:is(:hover, :focus-visible)") !== null;

function showButton(): void {
  if (!updates || !button) return;
  updates.hidden = !live();
  button.setAttribute("aria-pressed", String(stopped));
  button.textContent = (stopped ? button.dataset.go : button.dataset.pause) ?? "";
}

document.documentElement.classList.add("scripted");
button?.addEventListener("click", () => {
  stopped = !stopped;
  showButton();
});
new Panel(root, () => (live() && !stopped && !held() ? document.body.dataset.panel : undefined), showButton, INTERVAL_MS);
showButton();
