// Bundles every entry point web/src/<name>.ts into src/marque/app/static/dist/<name>.js; style sheets they import land beside them.
import { build } from "esbuild";
import { readdir, rm } from "node:fs/promises";

const out = new URL("../src/marque/app/static/dist/", import.meta.url).pathname;
const entries = (await readdir(new URL("src/", import.meta.url).pathname).catch(() => []))
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
  .map((name) => `src/${name}`);

await rm(out, { recursive: true, force: true });
await build({
  absWorkingDir: new URL(".", import.meta.url).pathname,
  entryPoints: entries,
  outdir: out,
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  sourcemap: true,
  loader: { ".woff2": "file" },
  logLevel: "warning",
});
