import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

/** A Node on this machine that is too old for Nightrun, if there is one. */
function oldNode(): string | null {
  for (const folder of ["/usr/bin", "/usr/local/bin", "/opt/node20/bin"]) {
    try {
      const version = execFileSync(join(folder, "node"), ["-p", "process.versions.node"], {
        encoding: "utf8",
      });
      if (Number(version.split(".")[0]) < 22) return join(folder, "node");
    } catch {
      // None here.
    }
  }
  return null;
}

const old = oldNode();
if (old === null) console.warn("SKIPPED: the command line under an older Node (none is installed)");

test.runIf(old !== null)(
  "an older Node is told in one line, with exit code 2, before anything is loaded",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "nightrun-old-node-"));
    try {
      // What the build makes of it, without a build: the same text without its types.
      const source = readFileSync(join(import.meta.dirname, "../../electron/cli/cli.ts"), "utf8");
      writeFileSync(join(folder, "cli.mjs"), stripTypeScriptTypes(source));
      const ended = spawnSync(old ?? "", [join(folder, "cli.mjs"), "--help"], { encoding: "utf8" });
      expect(ended.stderr).toMatch(
        /^nightrun: Node \d+\.\d+\.\d+ is too old\. Use Node 22\.22 or later.*\n$/,
      );
      expect([ended.status, ended.stdout]).toEqual([2, ""]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
