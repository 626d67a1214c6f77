// node campaign_browser.mjs ADDRESS CASE: what a campaign's pages do in a real browser, as JSON. A line on stdout asks for the next runs to come.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { openPage, startChromium, untilDrawn } from "../../web/chromium.mjs";

const [address, run] = process.argv.slice(2);
const axe = await readFile(createRequire(new URL("../../web/package.json", import.meta.url)).resolve("axe-core/axe.min.js"), "utf8");
const answers = createInterface({ input: process.stdin });
const { browser, stop } = await startChromium();
const findings = { complaints: [], violations: {}, overflow: {} };
const SIZES = { wide: { width: 1280, height: 900 }, telephone: { width: 390, height: 844 } };

/** Has something happen to the campaign. */
async function happens(what) {
  console.log(what);
  await once(answers, "line");
}

async function audit(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  findings.violations[name] = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
  findings.overflow[name] = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}

const progress = (page) => page.locator(".progress p").first().innerText();

try {
  const open = (path, options = {}) => openPage(browser, address + path, { ...options, complaints: findings.complaints });
  for (const locale of ["en", "zh-CN"]) {
    for (const [size, measures] of Object.entries(SIZES)) {
      for (const path of ["/", "/failures", `/runs/${run}`, "/replays"]) {
        const page = await open(path, { locale, ...measures });
        await audit(page, `${path} ${locale} ${size}`);
        await page.close();
      }
    }
  }

  const page = await open("/");
  findings.before = await progress(page);
  await happens("runs");
  await page.waitForFunction((before) => document.querySelector(".progress p").innerText.split("(")[0] !== before.split("(")[0], findings.before);
  findings.after = await progress(page);
  await page.locator("#updates button").click();
  findings.stopped = await page.locator("#updates button").getAttribute("aria-pressed");
  await happens("more runs");
  await page.waitForTimeout(2500);
  findings.still = (await progress(page)).split("(")[0] === findings.after.split("(")[0];
  await page.locator("#updates button").click();
  await page.waitForFunction((after) => document.querySelector(".progress p").innerText.split("(")[0] !== after.split("(")[0], findings.after);
  await happens("end");
  await page.waitForFunction(() => document.querySelector(".state-ended"));
  findings.buttonAtTheEnd = await page.locator("#updates").isVisible();
  await page.close();

  const context = await browser.newContext({ javaScriptEnabled: false });
  const still = await context.newPage();
  await still.goto(address);
  findings.withoutScript = await still.locator("#newest-title ~ .scroll tbody tr").count();
  await still.locator("#newest-title ~ .scroll tbody a").last().click();
  findings.asked = new URL(still.url()).pathname;
  await still.locator("form button").click();
  await still.waitForURL(`${address}/runs/${run}`);
  for (let tries = 0; tries < 240 && (await still.locator("a.button").count()) === 0; tries++) {
    await still.waitForTimeout(1000);
    await still.reload();
  }
  findings.replayed = await still.locator("#replay-title + p").innerText();
  await context.close();

  const watched = await open(`/runs/${run}`);
  await audit(watched, "run with a replay");
  await watched.locator("a.button").click();
  await untilDrawn(watched);
  findings.replay = await watched.locator("#result-title").innerText();
} finally {
  await stop();
}
console.log(JSON.stringify(findings));
answers.close();
