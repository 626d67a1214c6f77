// What the page does in a real browser, as JSON on stdout. Arguments: address, name of a replay.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { openPage, startChromium, untilDrawn } from "../../web/chromium.mjs";

const [address, replay] = process.argv.slice(2);
const axe = await readFile(createRequire(new URL("../../web/package.json", import.meta.url)).resolve("axe-core/axe.min.js"), "utf8");
const { browser, stop } = await startChromium();
const findings = { complaints: [], violations: {} };

/** How much the picture's pixels differ: standard deviation of their brightness, 0 … 255. */
async function contrast(page) {
  const box = await page.locator("#canvas").boundingBox();
  const picture = (await page.screenshot({ clip: box })).toString("base64");
  return page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    let [sum, squares] = [0, 0];
    for (let i = 0; i < data.length; i += 4) {
      const light = (data[i] + data[i + 1] + data[i + 2]) / 3;
      sum += light;
      squares += light * light;
    }
    const n = data.length / 4;
    return Math.sqrt(squares / n - (sum / n) ** 2);
  }, picture);
}

async function audit(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  findings.violations[name] = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
}

try {
  const open = (path, options = {}) => openPage(browser, address + path, { ...options, complaints: findings.complaints });

  const city = await open("/");
  await untilDrawn(city);
  findings.contrast = await contrast(city);
  await audit(city, "city");
  await city.locator("#view").focus();
  await city.keyboard.press("n");
  await city.waitForFunction(() => document.querySelector(".card .big"));
  await city.waitForTimeout(1500);
  findings.chosen = await city.locator(".card h2").innerText();
  findings.address = new URL(city.url()).search;
  await audit(city, "chosen car");
  await city.keyboard.press("Space");
  await city.waitForFunction(() => document.querySelector("#pause.paused"));
  findings.paused = await city.locator("#pause").getAttribute("aria-label");
  await city.keyboard.press("Space");
  await city.waitForFunction(() => !document.querySelector("#pause.paused"));
  await city.locator("[data-car]").nth(1).focus();
  await city.keyboard.press("Enter");
  await city.waitForFunction(() => document.querySelectorAll("[data-car]")[1].getAttribute("aria-current") === "true");
  findings.focusKept = await city.evaluate(() => document.activeElement === document.querySelectorAll("[data-car]")[1]);
  await city.close();

  const chinese = await open("/", { locale: "zh-CN" });
  await untilDrawn(chinese);
  findings.language = await chinese.evaluate(() => document.documentElement.lang);
  await audit(chinese, "city in Chinese");
  await chinese.close();

  const narrow = await open("/", { width: 390, height: 844 });
  await untilDrawn(narrow);
  findings.overflow = await narrow.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await audit(narrow, "city on a telephone");
  await narrow.close();

  const list = await open("/replays");
  await audit(list, "replays");
  await list.close();

  const replayed = await open(`/replays/${replay}`);
  await untilDrawn(replayed);
  findings.replayContrast = await contrast(replayed);
  await audit(replayed, "replay");
  await replayed.locator("#time").focus();
  await replayed.keyboard.press("End");
  await replayed.waitForFunction(() => document.querySelector("#pause.paused"));
  findings.end = await replayed.locator("#clock").innerText();
  await replayed.close();

  const still = await browser.newPage({ javaScriptEnabled: false });
  await still.goto(address);
  findings.withoutScript = await still.locator("tbody tr").count();
} finally {
  await stop();
}
console.log(JSON.stringify(findings));
