/**
 * Builds the gallery, serves it under the window's own content policy, and takes a picture of every view:
 * `node test/window/gallery/look.js [folder] [part of a name]`. Exits with 1 on any violation or console error.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { chromium } from "playwright";
import { build } from "vite";
import { drawnPicture } from "../support/drawn-night.ts";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; connect-src 'self'";
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2" };
const SIZES = [
  [1024, 700],
  [1440, 900],
];
const SHOTS = {
  night: ["", "#/batch/1/night"],
  "night-away": ["scenario=gates", "#/batch/4/night"],
  "night-signed-out": ["scenario=gates", "#/batch/5/night"],
  "night-disk-low": ["scenario=gates", "#/batch/6/night"],
  "night-no-images": ["scenario=gates", "#/batch/7/night"],
  "night-finished": ["", "#/batch/2/night"],
  images: ["", "#/batch/1/images"],
  "images-failed": ["", "#/batch/1/images?state=failed"],
  "panel-boxes": ["", "#/batch/1/images?image=10000008"],
  "panel-instances": ["", "#/batch/1/images?image=10000001"],
  "panel-classes": ["", "#/batch/1/images?image=10000002"],
  "panel-keypoints": ["", "#/batch/1/images?image=10000003"],
  "panel-text": ["", "#/batch/1/images?image=10000004"],
  "panel-graphics": ["", "#/batch/1/images?image=10000005"],
  "panel-masks": ["", "#/batch/1/images?image=10000006"],
  "panel-tables": ["", "#/batch/1/images?image=10000007"],
  failures: ["", "#/batch/1/failures"],
  setup: ["", "#/batch/1/setup"],
  new: ["", "#/new"],
  settings: ["", "#/settings"],
  empty: ["scenario=empty", "#/"],
  broken: ["scenario=broken", "#/batch/1/night"],
  away: ["away=1", "#/batch/1/night"],
};

const folder = process.argv[2] ?? join(tmpdir(), "nightrun-gallery");
const only = process.argv[3] ?? "";
const site = join(folder, "site");
mkdirSync(folder, { recursive: true });
await build({
  configFile: false,
  root: import.meta.dirname,
  base: "./",
  logLevel: "warn",
  plugins: [svelte({ configFile: false, compilerOptions: { runes: true } })],
  build: {
    outDir: site,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: "chrome125",
    minify: false,
    modulePreload: { polyfill: false },
  },
});

const server = createServer((request, response) => {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  response.setHeader("content-security-policy", POLICY);
  const drawn = drawnPicture(path);
  if (drawn !== null) {
    response.setHeader("content-type", "image/svg+xml");
    response.end(drawn);
    return;
  }
  try {
    const file = join(site, path === "/" ? "index.html" : path);
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
    response.end(readFileSync(file));
  } catch {
    response.statusCode = 404;
    response.end();
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
const { port } = server.address();
const browser = await chromium.launch({
  executablePath: process.env.NIGHTRUN_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ],
});
let faults = 0;
for (const [name, [query, hash]] of Object.entries(SHOTS)) {
  if (!name.includes(only)) continue;
  for (const theme of ["dark", "light"]) {
    for (const [width, height] of SIZES) {
      const page = await browser.newPage({ viewport: { width, height } });
      page.on("console", (message) => {
        if (message.type() !== "error" || message.text().includes("404")) return;
        faults += 1;
        process.stderr.write(`${name} ${theme}: ${message.text()}` + "\n");
      });
      page.on("pageerror", (error) => {
        faults += 1;
        process.stderr.write(`${name} ${theme}: ${error.stack ?? error.message}` + "\n");
      });
      await page.goto(`http://127.0.0.1:${port}/?theme=${theme}&${query}${hash}`);
      await page.waitForTimeout(900);
      await page.screenshot({ path: join(folder, `${name}-${theme}-${width}.png`) });
      await page.close();
    }
  }
}
await browser.close();
server.close();
process.stdout.write(`${folder}: ${faults} faults` + "\n");
process.exitCode = faults === 0 ? 0 : 1;
