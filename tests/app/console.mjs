// node console.mjs ADDRESS TOKEN PAGE...: visits each page of the console in both languages, wide and on a telephone, with and without scripts;
// prints what axe and the browser complain about, as JSON.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [address, token, ...pages] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const complaints = [];
const titles = {};
for (const [width, scripts] of [[1360, true], [390, true], [1360, false]]) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, javaScriptEnabled: scripts, bypassCSP: true });
  await context.addCookies([{ name: "session", value: token, url: address }]);
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push({ page: page.url(), error: String(error) }));
  for (const place of pages)
    for (const language of ["en", "zh"]) {
      const url = `${address}${place}${place.includes("?") ? "&" : "?"}lang=${language}`;
      await page.goto(url);
      titles[`${place} ${language}`] = await page.title();
      if ((await page.locator("h1").count()) !== 1) complaints.push({ page: url, error: "not one heading" });
      if ((await page.locator("html").getAttribute("lang")) !== (language === "zh" ? "zh-Hans" : "en")) complaints.push({ page: url, error: "language" });
      if (!scripts) continue;
      await page.evaluate(axe);
      const found = await page.evaluate(() => globalThis.axe.run());
      for (const one of found.violations) complaints.push({ page: url, width, rule: one.id, where: one.nodes.map((node) => node.target.join(" ")).slice(0, 3) });
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wider > 0) complaints.push({ page: url, width, error: `${wider} px too wide` });
    }
  await context.close();
}
await browser.close();
process.stdout.write(JSON.stringify({ complaints, titles }));
