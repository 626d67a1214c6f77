// A page that asks the device for a passkey (`data-act="create"`) or its answer (`"get"`), and sends what it said. Nothing else is done here.

async function ask(place: HTMLElement): Promise<string> {
  const options: unknown = JSON.parse(place.dataset.options ?? "{}");
  const credential =
    place.dataset.act === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options as PublicKeyCredentialCreationOptionsJSON) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON) });
  if (!(credential instanceof PublicKeyCredential)) throw new Error("no credential");
  const answered = await fetch(place.dataset.address ?? "", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF": place.dataset.csrf ?? "", Accept: "application/json" },
    body: JSON.stringify(credential.toJSON()),
  });
  const text = await answered.text();
  if (!answered.ok) throw new Error(text.slice(0, 400));
  return (JSON.parse(text) as { next: string }).next;
}

const place = document.getElementById("passkey");
const button = place?.querySelector("button");
const status = place?.querySelector<HTMLElement>("[role=status]");
if (place && button && status) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    status.textContent = "";
    try {
      location.assign(await ask(place));
    } catch (fault) {
      const problem = fault instanceof Error ? fault.message : String(fault);
      status.textContent = (status.dataset.failed ?? "{problem}").replace("{problem}", problem);
      button.disabled = false;
    }
  });
}

export {};
