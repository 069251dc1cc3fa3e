import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Electron's executable as its own package keeps it; null when it was not downloaded. Nothing is downloaded here. */
export function electronBinary(): string | null {
  const folder = dirname(createRequire(import.meta.url).resolve("electron/package.json"));
  const pathFile = join(folder, "path.txt");
  if (!existsSync(pathFile)) return null;
  const dist = process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(folder, "dist");
  const program = join(dist, readFileSync(pathFile, "utf8"));
  return existsSync(program) ? program : null;
}
