// The console by keyboard alone: everything that can be used is reached by Tab in the order of the page, and one sees where one is.
const USABLE = 'a[href], button, input:not([type="hidden"]), select, textarea, summary, [tabindex="0"]';

/** Where Tab goes, from the top of a page until it leaves it: the places as numbers in `usable`, and those at which nothing shows the focus. */
async function tour(page) {
  const usable = await page.evaluate((selector) => {
    const shown = [...document.querySelectorAll(selector)].filter((one) => !one.disabled && !one.hidden && one.checkVisibility({ visibilityProperty: true }));
    for (const [place, one] of shown.entries()) one.dataset.place = place;
    // What an element looks like when it is not focused, to be compared.
    globalThis.looks = (one) => {
      const { outlineStyle, outlineWidth, boxShadow, borderColor, backgroundColor } = getComputedStyle(one);
      return JSON.stringify([outlineStyle === "none" ? "" : outlineWidth, boxShadow, borderColor, backgroundColor]);
    };
    for (const one of shown) one.dataset.looks = globalThis.looks(one);
    return shown.map((one) => one.outerHTML.slice(0, 90));
  }, USABLE);
  const order = [];
  const unseen = [];
  for (let presses = 0; presses < 12 * usable.length + 12; presses++) {
    await page.keyboard.press("Tab");
    const [place, same, outside] = await page.evaluate(() => {
      const one = document.activeElement;
      const box = one.getBoundingClientRect();
      const away = box.width * box.height === 0 || box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth;
      return [one.dataset.place ?? null, one.dataset.looks === globalThis.looks(one), away];
    });
    if (place === null) break;
    if (order.at(-1) === Number(place)) continue; // A date has a place for each of its parts.
    if (order.includes(Number(place))) break;
    order.push(Number(place));
    if (same || outside) unseen.push(usable[place]);
  }
  const inOrder = order.every((place, index) => place === index);
  return { places: usable.length, inOrder, missed: usable.filter((_, place) => !order.includes(place)), unseen };
}

export async function keyboard(browser, person, findings) {
  const { page } = person;
  const { tours, forms } = Object.assign(findings.keyboard, { tours: {}, forms: [] });
  const agreement = findings.en.agreement;
  const requirement = await (async () => {
    await person.at(`${findings.en.programme}/product-definition`);
    return page.locator('a[href^="/console/requirements/"]').first().getAttribute("href");
  })();
  for (const place of ["/console", agreement, `${agreement}/propose`, requirement, "/console/people", "/console/me", "/console/tokens"]) {
    await person.at(place);
    tours[place] = await tour(page);
  }

  const tab = async (selector, most = 80) => {
    for (let presses = 0; presses < most; presses++) {
      if (await page.evaluate((one) => document.activeElement.matches(one), selector)) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`Tab never comes to ${selector} on ${page.url()}`);
  };
  const enter = async () => Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);

  await person.at("/console");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  findings.keyboard.skipped = await page.evaluate(() => [location.hash, document.querySelector("main").contains(document.activeElement)]);

  await person.at("/console");
  await tab("details:has(form[action='/console/agreements']) > summary");
  await page.keyboard.press("Enter");
  await tab("form[action='/console/agreements'] [name=title]");
  await page.keyboard.type("By keyboard");
  await enter();
  forms.push(["draft", (await person.read("h1")) === "By keyboard"]);

  await person.at(agreement);
  await tab("form.on input");
  await page.keyboard.type("01012022");
  await tab("form.on input");
  await enter();
  forms.push(["on", page.url().includes("on=")]);

  await person.at(requirement);
  await tab(`form[action='${requirement}/comments'] textarea`);
  await page.keyboard.type("Typed");
  await page.keyboard.press("Tab");
  await enter();
  forms.push(["comment", (await person.read("section[aria-labelledby=comments]")).includes("Typed")]);

  await person.at("/console");
  await tab("form[action='/sign-out'] button");
  await enter();
  tours["/sign-in"] = await tour(page);
  await person.at("/sign-in?to=/console/me");
  await tab("#organisation");
  await page.keyboard.type(person.code);
  await enter();
  await tab("main a.button");
  await enter();
  await tab("form button");
  await enter();
  forms.push(["sign-in", person.path() === "/console/me"]);
}
