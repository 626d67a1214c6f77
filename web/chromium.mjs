// Headless Chromium with software GL, for the page's tests, measurements and pictures.
import { chromium } from "playwright-core";

const ARGUMENTS = [
  "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
];

/** A fresh browser (its profile is a new temporary folder) and the id of its process, which leads its process group. */
export async function startChromium() {
  const server = await chromium.launchServer({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: ARGUMENTS });
  return { browser: await chromium.connect(server.wsEndpoint()), pid: server.process().pid, stop: () => server.close() };
}

/** Open an address and wait until the city (or the replay) runs and is drawn; whatever the page complains of goes into `complaints`. */
export async function openPage(browser, address, { width = 1280, height = 720, locale = "en", scale = 1, complaints = [] } = {}) {
  const page = await browser.newPage({ viewport: { width, height }, locale, deviceScaleFactor: scale });
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`page error: ${error}`));
  page.on("requestfailed", (request) => request.failure()?.errorText !== "net::ERR_ABORTED" && complaints.push(`failed: ${request.url()}`));
  await page.goto(address);
  return page;
}

export async function untilDrawn(page) {
  await page.waitForFunction(() => document.body.dataset.phase === "running" && document.querySelector("#view.drawn"), null, { timeout: 120_000 });
  await page.waitForTimeout(500);
}

/** Pictures a second over some seconds. */
export function picturesPerSecond(page, seconds) {
  return page.evaluate(
    (milliseconds) =>
      new Promise((resolve) => {
        let count = -1;
        let began = 0;
        const tick = (now) => {
          began ||= now;
          count++;
          if (now - began < milliseconds) requestAnimationFrame(tick);
          else resolve((1000 * count) / (now - began));
        };
        requestAnimationFrame(tick);
      }),
    1000 * seconds,
  );
}
