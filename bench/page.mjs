// Measures one page: node bench/page.mjs ADDRESS SECONDS. One line of JSON per view; bench/page.py reads them.
import { readdir, readFile } from "node:fs/promises";
import { openPage, picturesPerSecond, startChromium, untilDrawn } from "../web/chromium.mjs";

const [address, seconds] = process.argv.slice(2);
const CLOCK_HZ = 100;
const PANEL = { width: 416, height: 56 }; // beside and above the canvas

/** CPU seconds that all processes of the browser have used. */
async function cpuSeconds(group) {
  let ticks = 0;
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, "utf8").catch(() => "");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (Number(fields[2]) === group || Number(fields[3]) === group) ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / CLOCK_HZ;
}

const { browser, pid, stop } = await startChromium();
try {
  const page = await openPage(browser, address, { width: 1280 + PANEL.width, height: 720 + PANEL.height });
  await untilDrawn(page);
  const canvas = await page.locator("#canvas").boundingBox();
  const measure = async (view) => {
    await page.waitForTimeout(4000);
    const before = await cpuSeconds(pid);
    const perSecond = await picturesPerSecond(page, Number(seconds));
    const used = (await cpuSeconds(pid)) - before;
    const vehicles = await page.locator(".totals dd").nth(1).innerText();
    const cpuMilliseconds = (1000 * used) / (perSecond * Number(seconds));
    console.log(JSON.stringify({ view, vehicles: Number(vehicles), canvas: `${canvas.width}x${canvas.height}`, perSecond, cpuMilliseconds }));
  };
  await measure("above the city");
  await page.locator("#overview").click();
  await measure("the whole city");
  if (await page.locator("[data-car]").count()) {
    await page.locator("[data-car]").first().click();
    await measure("following a car");
  }
} finally {
  await stop();
}
