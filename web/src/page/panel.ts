// The part of the page that tells in words. The server writes it (templates/panel.html); here it is fetched again and again and
// put in place without disturbing focus, selection or screen readers: only what differs is touched.

const INTERVAL_MS = 300;

export class Panel {
  constructor(
    private readonly root: HTMLElement,
    /** The address to ask now, or undefined when nothing can have changed. */
    private readonly address: () => string | undefined,
    private readonly onChange: () => void,
    private readonly intervalMs = INTERVAL_MS,
  ) {
    void this.keepCurrent();
  }

  get told(): HTMLElement {
    return this.root.querySelector<HTMLElement>("#told")!;
  }

  async refresh(): Promise<void> {
    const address = this.address();
    if (address === undefined) return;
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    morph(this.told, page.querySelector("#told")!);
    this.onChange();
  }

  private async keepCurrent(): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, this.intervalMs));
      if (!document.hidden) await this.refresh().catch(() => undefined);
    }
  }
}

/** Make `old` equal to `wanted`, keeping every node that is already right. */
function morph(old: Element, wanted: Element): void {
  for (const { name } of [...old.attributes]) if (!wanted.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of wanted.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const [mine, theirs] = [[...old.childNodes], [...wanted.childNodes]];
  theirs.forEach((node, i) => {
    const counterpart = mine[i];
    if (!counterpart) old.append(node);
    else if (counterpart instanceof Element && node instanceof Element && counterpart.tagName === node.tagName) morph(counterpart, node);
    else if (counterpart.nodeType === Node.TEXT_NODE && node.nodeType === Node.TEXT_NODE) {
      if (counterpart.textContent !== node.textContent) counterpart.textContent = node.textContent;
    } else counterpart.replaceWith(node);
  });
  for (const surplus of mine.slice(theirs.length)) surplus.remove();
}
