import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ImageFailure } from "../../electron/contract/failure.ts";
import type { Result } from "../../electron/contract/result.ts";
import { inspectPicture, type Picture } from "../../electron/engine/intake/picture.ts";
import { samplePictures, SAMPLE_SIZE, type SamplePicture } from "./sample-pictures.ts";

let folder = "";
let samples: SamplePicture[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "intake-"));
  samples = await samplePictures();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function inspect(content: Buffer | string): Promise<Result<Picture, ImageFailure>> {
  const file = join(folder, "picture");
  await writeFile(file, content);
  const handle = await open(file);
  try {
    return await inspectPicture(handle, Buffer.byteLength(content));
  } finally {
    await handle.close();
  }
}

function found(result: Result<Picture, ImageFailure>): string {
  if (result.ok) return `complete ${result.value.format}`;
  return result.failure.reason === "unsupported-format" ? result.failure.found : result.failure.reason;
}

/** Every byte of the start and the end, and steps in between. */
function cutPoints(bytes: number): number[] {
  const points = new Set<number>();
  for (let at = 1; at < bytes; at += at < 400 || at > bytes - 400 ? 1 : 97) points.add(at);
  return [...points];
}

describe("a complete picture", () => {
  it("of every kind is accepted with its measures and orientation", async () => {
    for (const { name, format, bytes, orientation } of samples) {
      const result = await inspect(bytes);
      expect({ name, result }).toEqual({
        name,
        result: { ok: true, value: { format, ...SAMPLE_SIZE, orientation } },
      });
    }
  });
});

describe("a picture that was cut", () => {
  it("is recognised wherever it was cut, in every format", async () => {
    for (const { name, format, bytes } of samples) {
      expect({ name, survivors: await survivorsOfCuts(bytes, format) }).toEqual({ name, survivors: [] });
    }
  });
});

/** Shortens one file step by step; lists the lengths at which it was not called truncated. */
async function survivorsOfCuts(content: Buffer, format: string): Promise<string[]> {
  const file = join(folder, "cut");
  await writeFile(file, content);
  const handle = await open(file, "r+");
  const survivors: string[] = [];
  for (const at of cutPoints(content.length).sort((a, b) => b - a)) {
    await handle.truncate(at);
    const result = await inspectPicture(handle, at);
    const isCut = !result.ok && result.failure.reason === "truncated" && result.failure.format === format;
    if (!isCut) survivors.push(`${at} of ${content.length}: ${found(result)}`);
  }
  await handle.close();
  return survivors;
}
