import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where the fuses stand in Electron's executable: after these letters come a version, their number and their states. */
const SENTINEL = "dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX";
export const FUSE_NAMES = [
  "runAsNode",
  "enableCookieEncryption",
  "enableNodeOptionsEnvironmentVariable",
  "enableNodeCliInspectArguments",
  "enableEmbeddedAsarIntegrityValidation",
  "onlyLoadAppFromAsar",
  "loadBrowserProcessSpecificV8Snapshot",
  "grantFileProtocolExtraPrivileges",
] as const;
/** As Electron is delivered. */
const DELIVERED = "10110001";

/** A folder that packing takes for Electron's distribution: the right names, no program, real fuses. */
export async function writeStandInElectron(folder: string, version: string): Promise<void> {
  await mkdir(join(folder, "resources"), { recursive: true });
  await mkdir(join(folder, "locales"), { recursive: true });
  const wire = Buffer.concat([
    Buffer.from(SENTINEL, "latin1"),
    Buffer.from([1, FUSE_NAMES.length]),
    Buffer.from(DELIVERED, "latin1"),
  ]);
  const program = Buffer.concat([Buffer.from("#!/bin/sh\nexit 0\n"), wire, Buffer.alloc(64)]);
  await writeFile(join(folder, "electron"), program, { mode: 0o755 });
  await writeFile(join(folder, "chrome-sandbox"), "", { mode: 0o755 });
  await writeFile(join(folder, "version"), version);
  await writeFile(join(folder, "LICENSE"), "");
  await writeFile(join(folder, "LICENSES.chromium.html"), "");
  await writeFile(join(folder, "locales", "en-US.pak"), "");
}

/** The states of the fuses in an executable. */
export function readFuses(program: Buffer): Record<string, boolean> {
  const at = program.indexOf(SENTINEL, 0, "latin1") + SENTINEL.length;
  const states = program.subarray(at + 2, at + 2 + FUSE_NAMES.length).toString("latin1");
  return Object.fromEntries(FUSE_NAMES.map((name, index) => [name, states[index] === "1"]));
}
