import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const PROGRAM = resolve(import.meta.dirname, "../support/garbage-maker.ts");

async function mibOfNewSpace(...args: string[]): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...args]);
  return Number(stdout);
}

it("keeps the room for new objects small of a process with an engine, where V8 would make more of it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nightrun-young-"));
  try {
    const [without, withEngine] = await Promise.all([mibOfNewSpace(), mibOfNewSpace(folder)]);
    expect(without).toBeGreaterThan(96);
    expect(withEngine).toBeLessThan(64);
  } finally {
    await rm(folder, { recursive: true });
  }
});
