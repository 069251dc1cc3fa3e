import { afterEach, expect, vi } from "vitest";
import { openRig, type Rig, type RigOptions } from "./open-rig.ts";

/** Whole nights pass in these tests; on a busy machine that takes a while. */
vi.setConfig({ testTimeout: 90_000 });

const open = new Set<Rig>();

afterEach(async () => {
  const left = [...open];
  for (const rig of left) await rig[Symbol.asyncDispose]();
  expect(left.length, "a test left its engine running: use `await using`").toBe(0);
});

/** Makes a rig for one test; use it with `await using`, or the test fails. */
export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const rig = await openRig(options);
  open.add(rig);
  const dispose = rig[Symbol.asyncDispose].bind(rig);
  rig[Symbol.asyncDispose] = () => {
    open.delete(rig);
    return dispose();
  };
  return rig;
}
