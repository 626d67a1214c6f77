// node replay_page.mjs ADDRESS: a replay that is one file, opened as such; what comes of it as JSON.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { openPage, startChromium, untilDrawn } from "../../web/chromium.mjs";

const axe = await readFile(createRequire(new URL("../../web/package.json", import.meta.url)).resolve("axe-core/axe.min.js"), "utf8");
const { browser, stop } = await startChromium();
const findings = { complaints: [], requests: [] };
try {
  const page = await openPage(browser, process.argv[2], { complaints: findings.complaints });
  page.on("request", (request) => findings.requests.push(request.url()));
  await untilDrawn(page);
  await page.locator("#time").focus();
  await page.keyboard.press("End");
  await page.waitForFunction(() => document.querySelector("#pause.paused"));
  findings.end = await page.locator("#clock").innerText();
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  findings.violations = violations.map(({ id }) => id);
} finally {
  await stop();
}
console.log(JSON.stringify(findings));
