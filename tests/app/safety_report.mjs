// A safety report in a real browser, from its file. Arguments: the file. On stdout what is wrong with it, and what was seen, as JSON.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { startChromium } from "../../web/chromium.mjs";

const axe = await readFile(createRequire(new URL("../../web/package.json", import.meta.url)).resolve("axe-core/axe.min.js"), "utf8");
const address = pathToFileURL(process.argv[2]).href;
const { browser, stop } = await startChromium();
const complaints = [];
const seen = {};

try {
  for (const width of [1360, 390]) {
    const context = await browser.newContext({ viewport: { width, height: 900 } });
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => complaints.push(message.text()));
    page.on("request", (request) => request.url() !== address && complaints.push(`asks ${request.url()}`));
    await page.goto(address);
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    for (const one of violations) complaints.push(`${width} ${one.id}: ${one.nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wider > 0) complaints.push(`${wider} px too wide at ${width}`);
    const spilled = await page.evaluate(() =>
      [...document.querySelectorAll(".gsn text")].filter((one) => {
        const [box, all] = [one.getBoundingClientRect(), one.ownerSVGElement.getBoundingClientRect()];
        return box.right > all.right + 1;
      }).length,
    );
    if (spilled) complaints.push(`${spilled} lines of the drawing go beyond it at ${width}`);
    seen[width] = await page.locator("figure svg:visible").count();
    await context.close();
  }
  const printed = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await printed.goto(address);
  await printed.emulateMedia({ media: "print" });
  seen.printed = await printed.locator("figure svg:visible").count();
} finally {
  await stop();
}
console.log(JSON.stringify({ complaints, seen }));
