// A browser for the console's tests, and what it is asked of every page.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
export const WIDTHS = [1360, 390];

/** What a test's Python side said, as JSON on stdin. */
export const told = () => JSON.parse(readFileSync(0, "utf8"));
export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

/** A page of a browser of somebody's own, which notes whatever it complains of, and whatever it asks of another host. */
export async function open(browser, address, complaints, { scripts = true, language = "en", session = "" } = {}) {
  const context = await browser.newContext({ viewport: { width: WIDTHS[0], height: 900 }, javaScriptEnabled: scripts, acceptDownloads: true });
  context.setDefaultTimeout(120_000);
  const cookies = { language, session };
  await context.addCookies(Object.entries(cookies).filter(([, value]) => value).map(([name, value]) => ({ name, value, url: address })));
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push({ page: page.url(), error: String(error) }));
  page.on("console", (message) => {
    // Chromium says this of every page with an error's status, whatever is on it.
    const status = message.text().startsWith("Failed to load resource") && message.location().url === page.url();
    if (["error", "warning"].includes(message.type()) && !status) complaints.push({ page: page.url(), error: message.text() });
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${address}/`)) complaints.push({ page: page.url(), error: `asks ${request.url()}` });
  });
  page.on("requestfailed", (request) => {
    if (request.failure()?.errorText !== "net::ERR_ABORTED") complaints.push({ page: page.url(), error: `failed: ${request.url()}` });
  });
  return page;
}

/** One heading, the reader's language, nothing to scroll sideways at each width, and at those of `asked` no violation that axe knows of. */
export async function audit(page, language, complaints, asked = WIDTHS) {
  const complain = (what) => complaints.push({ page: page.url(), language, ...what });
  if ((await page.locator("h1").count()) !== 1) complain({ error: "not one heading" });
  if ((await page.locator("html").getAttribute("lang")) !== (language === "zh" ? "zh-Hans" : "en")) complain({ error: "language" });
  await page.evaluate(axe);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    if (asked.includes(width)) {
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      for (const one of violations) complain({ width, rule: one.id, where: one.nodes.map((node) => node.target.join(" ")).slice(0, 3) });
    }
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wider > 0) complain({ width, error: `${wider} px too wide` });
  }
  await page.setViewportSize({ width: WIDTHS[0], height: 900 });
}

/** Send a form of our own making from the page that is open, as one of its forms would be sent. mark: whether with the session's mark. */
export async function send(page, action, fields, mark) {
  const [answer] = await Promise.all([
    page.waitForNavigation(),
    page.evaluate(
      ([to, said, marked]) => {
        const form = document.createElement("form");
        const csrf = document.querySelector("input[name=csrf]").value;
        Object.assign(form, { method: "post", action: to });
        for (const [name, value] of Object.entries({ ...said, ...(marked ? { csrf } : {}) })) {
          const field = document.createElement("input");
          Object.assign(field, { type: "hidden", name, value });
          form.append(field);
        }
        document.body.append(form);
        form.submit();
      },
      [action, fields, mark],
    ),
  ]);
  return answer;
}
