import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { decodeBmp } from "../../electron/simulator/tasks/bmp.ts";
import { makeSamples } from "../../resources/samples/make-samples.ts";

const FOLDER = join(import.meta.dirname, "../../resources/samples");
const TRUNCATED = "IMG_2043 interrupted copy.jpg";
const PICTURE = /\.(jpg|png|tif|webp|bmp)$/;

async function pictures(folder = FOLDER): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => PICTURE.test(name))
    .sort();
}

async function sha256(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}

/** The picture at 200 pixels a side: equal up to what another processor's rounding does. */
async function smallPixels(file: string): Promise<Buffer> {
  const bytes = await readFile(file);
  const bmp = file.endsWith(".bmp") ? decodeBmp(bytes) : null;
  const source = bmp
    ? sharp(bmp.rgb, { raw: { width: bmp.width, height: bmp.height, channels: 3 } })
    : sharp(bytes, { failOn: "none" });
  return source.resize(200, 200, { fit: "fill" }).toColourspace("srgb").raw().toBuffer();
}

test("the committed pictures are those that the script draws", async () => {
  const folder = await mkdtemp(join(tmpdir(), "samples-"));
  try {
    await makeSamples(folder);
    expect(await pictures(folder)).toEqual(await pictures());
    for (const name of await pictures()) {
      const [drawn, committed] = await Promise.all(
        [folder, FOLDER].map((place) => smallPixels(join(place, name))),
      );
      const difference = drawn!.reduce(
        (sum, value, index) => sum + Math.abs(value - (committed![index] ?? 0)),
        0,
      );
      expect(drawn!.length, name).toBe(committed!.length);
      expect(difference / drawn!.length, name).toBeLessThan(1);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}, 120_000);

test("there are 12 to 24 pictures of all formats, in folders, under 5 MB together", async () => {
  const names = await pictures();
  expect(names.length).toBeGreaterThanOrEqual(12);
  expect(names.length).toBeLessThanOrEqual(24);
  expect(new Set(names.map((name) => PICTURE.exec(name)?.[1]))).toEqual(
    new Set(["jpg", "png", "tif", "webp", "bmp"]),
  );
  expect(
    new Set(names.filter((name) => name.includes("/")).map((name) => name.split("/")[0])).size,
  ).toBeGreaterThan(1);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(FOLDER, name))).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(5_000_000);
});

test("exactly one picture is cut short", async () => {
  const broken: string[] = [];
  for (const name of (await pictures()).filter((each) => !each.endsWith(".bmp"))) {
    await sharp(join(FOLDER, name), { failOn: "truncated" })
      .stats()
      .catch(() => broken.push(name));
  }
  expect(broken).toEqual([TRUNCATED]);
});

test("exactly two pictures have equal bytes", async () => {
  const names = await pictures();
  const hashes = await Promise.all(names.map((name) => sha256(join(FOLDER, name))));
  const twice = names.filter(
    (_name, index) => hashes.indexOf(hashes[index]!) !== hashes.lastIndexOf(hashes[index]!),
  );
  expect(twice).toEqual(["IMG_2042 (1).jpg", "IMG_2042.jpg"]);
});

test("orientation, transparency, depth and size are as the README says", async () => {
  const facts = async (name: string): Promise<unknown> => sharp(join(FOLDER, name)).metadata();
  expect(await facts("IMG_2041.jpg")).toMatchObject({ orientation: 6, width: 1600, height: 1200 });
  expect(await facts("stickers.png")).toMatchObject({ hasAlpha: true });
  expect(await facts("dishes/stained cells.tif")).toMatchObject({ depth: "ushort" });
  expect(await facts("Übersicht Tisch.jpg")).toMatchObject({ width: 4000, height: 3000 });
  const readme = await readFile(join(FOLDER, "README.md"), "utf8");
  for (const named of readme.matchAll(/`([^`]+\.(?:jpg|png|tif|webp|bmp))`/g))
    expect(await pictures()).toContain(named[1]);
});
