// Bundles src/ into the scripts that the collector serves: `npm run build`, or `npm run build -- FOLDER`.
import { build } from "esbuild";

const SCRIPTS = ["tracker", "form", "pulse"];
const CHUNKS = ["vitals", "device"];
const outdir = process.argv[2] ?? "../api/collector/static";
const common = { bundle: true, minify: true, target: "es2020", charset: "utf8", outdir, legalComments: "none" };
const banner = "/* Pulse, Apache-2.0 */";
const withVitals = "/* Pulse, Apache-2.0; contains web-vitals, Copyright 2020 Google LLC, Apache-2.0 */";

await build({ ...common, format: "iife", banner: { js: banner }, entryPoints: SCRIPTS.map((name) => `src/${name}.js`) });
for (const name of CHUNKS) {
  const js = name === "vitals" ? withVitals : banner;
  await build({ ...common, format: "esm", banner: { js }, entryPoints: [`src/${name}.js`] });
}
