// node console_flows.mjs < TOLD: two people of two companies go through the console, each in a browser that runs no script and, where a
// passkey is asked for, in one that does; first in English, then in Chinese. Then one of them uses the keyboard alone. Prints, as JSON, how
// far they got, what was seen on the way, and every complaint.
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { audit, launch, open, told } from "./console_browser.mjs";
import { keyboard } from "./console_keyboard.mjs";

const { address, people, words, marque } = told();
const folder = mkdtempSync(join(tmpdir(), "marque-flows-"));
const passphrase = join(folder, "passphrase");
writeFileSync(passphrase, "correct horse battery staple\n");
const browser = await launch();
const findings = { complaints: [], en: {}, zh: {}, keyboard: {} };
const { complaints } = findings;

function expect(true_, what) {
  if (!true_) throw new Error(`not so: ${what}`);
}

/** Somebody with a browser. */
class Person {
  constructor(code, page, language) {
    Object.assign(this, { code, page, language, name: people[code].person });
  }
  static async of(code, language, scripts = false) {
    return new Person(code, await open(browser, address, complaints, { scripts, language: scripts ? language : "" }), language);
  }
  say(key, values = {}) {
    return words[this.language][key].replaceAll(/\{(\w+)\}/g, (_, name) => values[name]);
  }
  at(place) {
    return this.page.goto(address + place);
  }
  path() {
    return new URL(this.page.url()).pathname;
  }
  async read(selector = "main") {
    return this.page.locator(selector).first().innerText();
  }
  /** Unfold what holds a form, fill its fields by name, and press its button, or one of its buttons. */
  async fill(form, fields = {}, button = "button") {
    const found = this.page.locator(form).first();
    const folded = this.page.locator("details:not([open])", { has: this.page.locator(form) });
    if (await folded.count()) await folded.first().locator("> summary").click();
    for (const [name, value] of Object.entries(fields)) {
      const field = found.locator(`[name="${name}"]`).last();
      const kind = await field.evaluate((one) => (one.tagName === "SELECT" ? "select" : one.type));
      if (kind === "select") await field.selectOption(value);
      else if (kind === "checkbox") await found.locator(`[name="${name}"][value="${value}"]`).check();
      else if (kind === "file") await field.setInputFiles(value);
      else await field.fill(value);
    }
    await this.leave(found.locator(button).last());
  }
  follow(link) {
    return this.leave(this.page.locator(link).first());
  }
  /** Click what leads to another page, and wait for that to be there: a click alone may return before. */
  leave(what) {
    return Promise.all([this.page.waitForEvent("load"), what.click()]);
  }
  /** Through the page of sign-in and the identity provider's, to where one wanted to go. */
  async signIn(place = "/console") {
    await this.at(place);
    expect(this.path() === "/sign-in", "who is not signed in is led to sign in");
    if (!this.page.url().includes("lang=")) await this.follow(`.languages a[hreflang^=${this.language}]`);
    expect((await this.read("html > body h1")) === this.say("sign-in.heading"), "the page is in the language chosen");
    await this.page.locator("#organisation").fill(this.code);
    await Promise.all([this.page.waitForEvent("load"), this.page.locator("#organisation").press("Enter")]);
    await this.follow("main a.button");
    expect(this.path() === `/identity/${this.code}/authorize`, "the identity provider asks");
    await this.leave(this.page.getByRole("button", { name: this.name }));
    expect(this.path() === place, "one lands where one wanted to go");
    expect((await this.page.locator("html").getAttribute("lang")).startsWith(this.language), "the language chosen stays");
  }
}

/** Draft an agreement and propose its first revision; the other party sees what is proposed. */
async function propose(language, told_) {
  const [ada, ben] = [await Person.of("polaris", language), await Person.of("rigel", language)];
  await ada.signIn();
  await ben.signIn("/console/programmes");
  expect((await ada.read("h1")).includes(ada.name), "the overview greets whom it is for");
  await ada.fill('form[action="/console/agreements"]', { title: `Together <${language}>` });
  told_.agreement = ada.path();
  expect((await ada.read("h1")) === `Together <${language}>`, "the draft has its title");
  expect((await ben.at(told_.agreement)).status() === 404, "who was not asked sees nothing");
  await ada.follow(`a[href="${told_.agreement}/propose"]`);
  await ada.fill('form[method="get"].fields', { party: "rigel", mode: "balanced" });
  await ada.fill('form[method="get"].fields', { mode: "balanced", carmaker: "polaris", partner: "rigel" });
  await ada.fill('form[method="post"].fields', {
    title: `Together <${language}>`, "role/product-definition/polaris": "leads", "role/product-definition/rigel": "co-decides",
    "sight/product-definition/rigel": "all", "sight/product-definition/polaris": "all", "role/brand/rigel": "none", "sight/brand/rigel": "none",
  });
  told_.revision = ada.path();
  expect(told_.revision === `${told_.agreement}/revisions/1`, "the proposal is the first revision");
  expect((await ada.read("h1")).includes(ada.say("status.waits")), "it waits for signatures");
  await ben.at("/console");
  await ben.follow(`.tasks a[href="${told_.revision}"]`);
  const row = ben.page.locator(".matrix tbody tr", { hasText: ben.say("process.product-definition") }).first();
  told_.roles = await row.locator("td .role").allInnerTexts();
  return [ada, ben];
}

/** A key made by the command that the page names, and a passkey of a device that there is not. */
async function equip(person) {
  const { page } = person;
  const device = await page.context().newCDPSession(page);
  const options = {
    protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true,
  };
  await device.send("WebAuthn.enable");
  await device.send("WebAuthn.addVirtualAuthenticator", { options });
  await person.signIn("/console/me");
  const named = (await page.locator("main code").allInnerTexts()).find((text) => text.startsWith("marque keys new"));
  expect(named, "the page says how a key is made");
  person.key = join(folder, `${person.code}.pem`);
  execFileSync(marque, [...named.split(/\s+/).slice(1), "--out", person.key, "--passphrase-file", passphrase], { stdio: "pipe" });
  await person.fill('form[action="/console/me/keys"]', { request: `${person.key}.request.json` });
  expect(await page.locator("#keys ~ ul code.digest, section[aria-labelledby=keys] li code").count(), "the key is enrolled");
  await person.fill('form[action="/console/me/passkeys"]', { label: "Pocket" });
  await audit(page, person.language, complaints);
  await page.locator("#passkey button").click();
  await page.waitForURL("**/console/me");
  expect((await person.read("section[aria-labelledby=passkeys] ul")).includes("Pocket"), "the passkey is registered");
}

/** Take the text, sign it with the command, hand the envelope in, and confirm with the passkey. */
async function sign(person, told_, revision) {
  const { page } = person;
  await person.at(revision);
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator(`.steps a[href="${revision}/text"]`).first().click()]);
  const cwd = mkdtempSync(join(folder, "signing-"));
  const text = join(cwd, download.suggestedFilename());
  await download.saveAs(text);
  const said = (await page.locator(".steps code").allInnerTexts()).find((one) => one.startsWith("marque keys sign"));
  execFileSync(marque, [...said.split(/\s+/).slice(1), "--key", person.key, "--passphrase-file", passphrase], { cwd, stdio: "pipe" });
  await person.fill(`form[action="${revision}/sign"]`, { envelope: `${text}.envelope.json` });
  const digest = createHash("sha256").update(readFileSync(text)).digest("hex");
  expect((await person.read()).includes(digest), "the passkey is asked about this very text");
  await audit(page, person.language, complaints);
  await page.locator("#passkey button").click();
  await page.waitForURL(`**${revision}`);
  expect((await person.read("section[aria-labelledby=signatures] ul")).includes(person.say("revision.signed")), "it says who has signed");
  (told_.signed ??= []).push([person.code, person.language, await person.read("h1 .verdict")]);
}

/** A programme, a requirement with two sides that become one, a comment, and a decision that both take. */
async function develop(ada, ben, told_) {
  const area = (code) => `a[href^="/console/programmes/polaris/"][href$="/${code}"]`;
  await ada.at(told_.agreement);
  await ada.fill(`form[action="${told_.agreement}/programmes"]`, { code: `P-${ada.language}`, name: "First car", brand: "polaris" });
  told_.programme = ada.path();
  await ada.follow(area("product-definition"));
  const where = ada.path();
  await ada.fill(`form[action="${where}/requirements"]`, { number: "R1", title: "Stops", text: "It stops <at> once.", status: "proposed" });
  const requirement = ada.path();
  await ben.at("/console/programmes");
  await ben.follow(`a[href="${told_.programme}"]`);
  await ben.follow(area("product-definition"));
  await ben.follow(`a[href="${requirement}"]`);
  expect((await ben.read(".sides")).includes("It stops <at> once."), "the other side reads what was written");
  await ben.fill(`form[action="${requirement}"]`, { title: "Stops", text: "It stops within 40 m.", status: "proposed" });
  await ben.fill(`form[action="${requirement}/comments"]`, { text: "Forty is what brakes can do." });
  told_.requirement = [await ben.read("h1 .verdict")];
  await ada.at(requirement);
  expect((await ada.read("section[aria-labelledby=comments]")).includes("Forty is what brakes can do."), "the comment is there");
  await ada.fill(`form[action="${requirement}/accept"]`);
  await ben.at(requirement);
  await ben.fill(`form[action="${requirement}"]`, { status: "accepted" });
  told_.requirement.push(await ben.read("h1 .verdict"));
  await ada.at(where);
  await ada.fill(`form[action="${where}/decisions"]`, { title: "Freeze it?", subject: `definition/${ada.language}`, question: "From now on?" });
  const decision = ada.path();
  await ada.fill(`form[action="${decision}/approve"]`, { reason: "Ready." }, "button:not([formaction])");
  told_.decision = [await ada.read("h1 .verdict")];
  await ben.at("/console");
  await ben.follow(`.tasks a[href="${decision}"]`);
  await ben.fill(`form[action="${decision}/approve"]`, { reason: "So are we." }, "button:not([formaction])");
  told_.decision.push(await ben.read("h1 .verdict"));
  await ada.at(decision);
  expect((await ada.read("section[aria-labelledby=history]")).includes("So are we."), "each reads the other's reason");
}

/** Chromium, which has just put a page with another process in its place, may not know yet where back leads. */
async function back(page) {
  for (let left = 10; ; left--)
    try {
      return await page.goBack();
    } catch (error) {
      if (left === 0 || !String(error).includes("Not attached")) throw error;
      await page.waitForTimeout(300);
    }
}

/** Invite a colleague, change their duties; they sign in. Sign out; a page asked for afterwards leads back to itself. */
async function administer(ada, told_) {
  const { language } = ada;
  await ada.at("/console/people");
  await ada.fill('form[action="/console/people"]', { name: `Colleague ${language}`, email: `colleague.${language}@polaris.example`, duty: "viewer" });
  const card = ada.page.locator("main li.tile", { hasText: `colleague.${language}@polaris.example` });
  await card.locator('[name="duty"][value="engineer"]').check();
  await ada.leave(card.locator('form[action$="/duties"] button:not([formaction])').first());
  told_.duties = await card.locator('[name="duty"]:checked').evaluateAll((boxes) => boxes.map((one) => one.value));
  const colleague = await Person.of("polaris", language);
  colleague.name = `Colleague ${language}`;
  await colleague.signIn();
  await colleague.at("/console/people");
  told_.refused = await colleague.read("h1");
  await ada.fill('form[action="/sign-out"]');
  expect(ada.path() === "/sign-in", "signed out");
  await back(ada.page);
  expect(ada.path() === "/sign-in", "what was seen before is not kept for whoever goes back");
  await ada.signIn("/console/audit");
  told_.back = ada.path();
}

const pairs = {};
for (const language of ["en", "zh"]) pairs[language] = await propose(language, findings[language]);
const scripted = [];
for (const code of ["polaris", "rigel"]) {
  const person = await Person.of(code, code === "polaris" ? "en" : "zh", true);
  scripted.push(person);
  await equip(person);
}
for (const language of ["en", "zh"]) for (const person of scripted) await sign(person, findings[language], findings[language].revision);
for (const language of ["en", "zh"]) {
  await develop(...pairs[language], findings[language]);
  await administer(pairs[language][0], findings[language]);
}
await keyboard(browser, scripted[0], findings);
await browser.close();
process.stdout.write(JSON.stringify(findings));
