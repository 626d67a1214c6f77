// Answers what the page of a replay asks its server for, from the page itself (src/marque/app/replay_page.py puts it there).

interface Kept {
  ground: string;
  moments: string[];
  panels: string[];
}

const bytes = (base64: string) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

async function unpack(base64: string): Promise<Kept> {
  const stream = new Blob([bytes(base64)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return (await new Response(stream).json()) as Kept;
}

const kept = unpack(document.getElementById("kept")!.textContent!);

globalThis.fetch = async (address) => {
  const { pathname, searchParams } = new URL(String(address), "http://kept");
  const { ground, moments, panels } = await kept;
  if (pathname === "/ground") return new Response(bytes(ground));
  if (pathname === "/panel") return new Response(panels[Number(searchParams.get("step") ?? 0)]);
  const first = Number(searchParams.get("first"));
  return new Response(new Blob(moments.slice(first, first + Number(searchParams.get("count"))).map(bytes)));
};
