// node console.mjs < VISITS: looks at every page of the console in both languages, wide and on a telephone, with and without scripts; prints
// what axe and the browser complain of, the titles, and the addresses that were looked at, as JSON.
import { WIDTHS, audit, launch, open, send, told } from "./console_browser.mjs";

const { address, sessions, pages, thorough } = told();
const browser = await launch();
const findings = { complaints: [], titles: {}, walked: [] };

// Otherwise every page is asked everything once: by axe wide in English and narrow in Chinese, without scripts in English.
const ASKED = { en: WIDTHS.slice(0, 1), zh: WIDTHS.slice(1) };

async function walk(language) {
  const { complaints } = findings;
  const readers = {};
  for (const who of [...Object.keys(sessions), "nobody"]) {
    const as = { language, session: sessions[who] };
    readers[who] = { scripted: await open(browser, address, complaints, as), plain: await open(browser, address, complaints, { ...as, scripts: false }) };
  }
  for (const { place, who, status, fields, mark } of pages) {
    const { scripted, plain } = readers[who];
    if (fields) await scripted.goto(`${address}/console/me`);
    const answer = fields ? await send(scripted, place, fields, mark) : await scripted.goto(address + place);
    const method = answer.request().method();
    if (answer.status() !== status) complaints.push({ page: place, error: `${answer.status()} instead of ${status}` });
    findings.walked.push(...[place, scripted.url()].map((one) => [method, new URL(one, address).pathname]));
    findings.titles[`${who} ${place} ${status} ${language}`] = await scripted.title();
    await audit(scripted, language, complaints, thorough ? WIDTHS : ASKED[language]);
    if (fields || !(thorough || language === "en")) continue;
    await plain.goto(address + place);
    // State, nonce and the like are new every time, so the words are compared, and how many fields and buttons there are.
    const shown = (page) => page.locator("main").evaluate((main) => [main.innerText, main.querySelectorAll("input, select, textarea, button, a").length].join("\n"));
    if ((await shown(plain)) !== (await shown(scripted))) complaints.push({ page: place, error: "says something else without a script" });
  }
}

await Promise.all(["en", "zh"].map(walk));
await browser.close();
process.stdout.write(JSON.stringify(findings));
