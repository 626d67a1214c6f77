// Bundles every entry point web/src/<name>.ts into src/marque/app/static/dist/<name>.js; style sheets they import land beside them.
// What is put into a page that stands alone is one piece, and shares nothing with the others.
import { build } from "esbuild";
import { readdir, rm } from "node:fs/promises";

const ALONE = "alone.ts";
const out = new URL("../src/marque/app/static/dist/", import.meta.url).pathname;
const entries = (await readdir(new URL("src/", import.meta.url).pathname).catch(() => []))
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts") && name !== ALONE)
  .map((name) => `src/${name}`);

await rm(out, { recursive: true, force: true });
const common = {
  absWorkingDir: new URL(".", import.meta.url).pathname,
  outdir: out,
  bundle: true,
  target: "es2022",
  minify: true,
  loader: { ".woff2": "file" },
  logLevel: "warning",
};
await build({ ...common, entryPoints: entries, splitting: true, format: "esm", sourcemap: true });
await build({ ...common, entryPoints: [`src/${ALONE}`], format: "iife" });
