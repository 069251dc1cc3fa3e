import { copyFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { expect, test } from "vitest";
import { filePath, previewPath } from "../../electron/contract/api.ts";
import { SIMULATOR } from "../../electron/contract/batch.ts";
import { decodeBmp } from "../../electron/engine/previews/bmp.ts";
import { createLanes } from "../../electron/engine/previews/lanes.ts";
import { createPictureCache } from "../../electron/engine/previews/picture-cache.ts";
import { openStand, untilFinished, wholeBatch, type WindowStand } from "./window-stand.ts";

const SAMPLES = join(import.meta.dirname, "../../resources/samples");

/** Red on the left, blue on the right. */
function twoColors(width: number, height: number): Sharp {
  const rgb = Buffer.alloc(width * height * 3);
  for (let i = 0; i < width * height; i += 1) rgb[i * 3 + (i % width < width / 2 ? 0 : 2)] = 255;
  return sharp(rgb, { raw: { width, height, channels: 3 } });
}

async function rowsOf(stand: WindowStand, batchId: number): Promise<Map<string, number>> {
  const { rows } = await stand.value("images:page", {
    scope: wholeBatch(batchId),
    sort: "path",
    descending: false,
    after: null,
    limit: 100,
  });
  return new Map(rows.map((row) => [row.path, row.id]));
}

test("previews of every format are upright, small and of a kind that browsers show", async () => {
  const stand = await openStand();
  const picture = twoColors(400, 200);
  await picture
    .clone()
    .jpeg()
    .withExif({ IFD0: {} })
    .withMetadata({ orientation: 6 })
    .toFile(join(stand.folder, "turned.jpg"));
  await picture.clone().png().toFile(join(stand.folder, "a.png"));
  await picture.clone().tiff({ compression: "lzw" }).toFile(join(stand.folder, "a.tif"));
  await picture.clone().webp().toFile(join(stand.folder, "a.webp"));
  await copyFile(join(SAMPLES, "workshop/nuts and washers.bmp"), join(stand.folder, "a.bmp"));
  await copyFile(join(SAMPLES, "IMG_2043 interrupted copy.jpg"), join(stand.folder, "cut.jpg"));
  await writeFile(join(stand.folder, "none.jpg"), "no picture at all");
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  await stand.value("batch:start", { batchId });
  await untilFinished(stand, batchId, 7);
  const ids = await rowsOf(stand, batchId);
  for (const name of ["turned.jpg", "a.png", "a.tif", "a.webp", "a.bmp", "cut.jpg"]) {
    const answer = await stand.get(`/${previewPath(ids.get(name) ?? 0, 96)}`);
    expect([answer.status, answer.headers["content-type"]], name).toEqual([200, "image/webp"]);
    const { width, height } = await sharp(answer.body).metadata();
    expect(Math.max(width, height), name).toBe(96);
  }
  const turned = await stand.get(`/${previewPath(ids.get("turned.jpg") ?? 0, 96)}`);
  expect(await sharp(turned.body).metadata()).toMatchObject({ width: 48, height: 96 });
  const { data } = await sharp(turned.body).raw().toBuffer({ resolveWithObject: true });
  expect((data[0] ?? 0) > 200 && (data[2] ?? 255) < 60, "the left side is at the top").toBe(true);
  expect((await stand.get(`/${previewPath(ids.get("none.jpg") ?? 0, 96)}`)).status).toBe(415);
  expect((await stand.get(`/${previewPath(999_999, 96)}`)).status).toBe(404);
  expect(stand.problems).toEqual([]);
});

test("the preview of an image that waits to be sent may be kept, too", async () => {
  const stand = await openStand();
  await twoColors(40, 20).png().toFile(join(stand.folder, "a.png"));
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  await stand.value("batch:start", { batchId });
  await stand.value("batch:pause", { batchId });
  await expect
    .poll(async () => {
      const id = (await rowsOf(stand, batchId)).get("a.png");
      return id === undefined ? "" : (await stand.get(`/${previewPath(id, 96)}`)).headers["cache-control"];
    })
    .toMatch(/^private, max-age=[1-9]/);
});

test("a picture that was replaced by a link to another place is not shown", async () => {
  const stand = await openStand();
  await twoColors(40, 20).png().toFile(join(stand.folder, "a.png"));
  await twoColors(40, 20).png().toFile(join(stand.base, "outside.png"));
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  await stand.value("batch:start", { batchId });
  await untilFinished(stand, batchId, 1);
  const id = (await rowsOf(stand, batchId)).get("a.png") ?? 0;
  expect((await stand.get(`/${previewPath(id, 480)}`)).status).toBe(200);
  await rename(join(stand.folder, "a.png"), join(stand.base, "kept.png"));
  await symlink(join(stand.base, "outside.png"), join(stand.folder, "a.png"));
  expect((await stand.get(`/${previewPath(id, 2048)}`)).status).toBe(404);
});

test("only pictures that the image's own result names are served as files", async () => {
  const stand = await openStand();
  await copyFile(join(SAMPLES, "IMG_2041.jpg"), join(stand.folder, "a b%41ü.jpg"));
  const decision = { deployment: SIMULATOR, outputs: [], parameters: [], inputs: [] };
  const { batchId } = await stand.value("batch:create", { settings: stand.settings({ decision }) });
  await stand.value("batch:start", { batchId });
  await untilFinished(stand, batchId, 1);
  const [imageId = 0] = (await rowsOf(stand, batchId)).values();
  const detail = await stand.value("image:get", { imageId });
  const suffixes = [
    ...JSON.stringify(detail.outputs.map(({ raw }) => raw)).matchAll(/"file":"(\.[^"]+)"/g),
  ].map(([, suffix]) => suffix ?? "");
  expect(suffixes.length).toBeGreaterThan(2);
  expect(detail.files.length).toBe(suffixes.length + 1);
  for (const suffix of suffixes) {
    const answer = await stand.get(`/${filePath(imageId, suffix)}`);
    expect([answer.status, answer.headers["content-type"]], suffix).toEqual([200, "image/png"]);
    expect(answer.headers["content-security-policy"]).toContain("sandbox");
  }
  const others = [".json", "", ".other-0.1.png", "/../../data/nightrun.db", suffixes[0]?.toUpperCase() ?? ""];
  for (const suffix of others)
    expect((await stand.get(`/${filePath(imageId, suffix)}`)).status, suffix).toBe(404);
});

/** A bitmap of 2 × 2 pixels: red, green / blue, white. */
function bitmap(
  bits: number,
  rows: readonly (readonly number[])[],
  extra: { palette?: Buffer; masks?: number[] } = {},
): Buffer {
  const { palette = Buffer.alloc(0), masks = [] } = extra;
  const head = Buffer.alloc(54 + masks.length * 4);
  const at = head.length + palette.length;
  head.write("BM", 0, "latin1");
  head.writeUInt32LE(at, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(2, 18);
  head.writeInt32LE(-2, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(bits, 28);
  head.writeUInt32LE(masks.length > 0 ? 3 : 0, 30);
  masks.forEach((mask, i) => head.writeUInt32LE(mask, 54 + i * 4));
  return Buffer.concat([head, palette, ...rows.map((row) => Buffer.from(row))]);
}

const FOUR = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
const PALETTE = Buffer.from([0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0]);
const TWO = Buffer.from([0, 0, 255, 0, 255, 255, 255, 0]);

test("bitmaps of 1 to 32 bits are decoded by Nightrun itself, because the decoder in use knows none", () => {
  const files: [string, Buffer, number[]][] = [
    [
      "24",
      bitmap(24, [
        [0, 0, 255, 0, 255, 0, 0, 0],
        [255, 0, 0, 255, 255, 255, 0, 0],
      ]),
      FOUR,
    ],
    [
      "32",
      bitmap(32, [
        [0, 0, 255, 0, 0, 255, 0, 0],
        [255, 0, 0, 0, 255, 255, 255, 0],
      ]),
      FOUR,
    ],
    [
      "8",
      bitmap(
        8,
        [
          [0, 1, 0, 0],
          [2, 3, 0, 0],
        ],
        { palette: PALETTE },
      ),
      FOUR,
    ],
    [
      "4",
      bitmap(
        4,
        [
          [0x01, 0, 0, 0],
          [0x23, 0, 0, 0],
        ],
        { palette: PALETTE },
      ),
      FOUR,
    ],
    [
      "1",
      bitmap(
        1,
        [
          [0x40, 0, 0, 0],
          [0x80, 0, 0, 0],
        ],
        { palette: TWO },
      ),
      [255, 0, 0, 255, 255, 255, 255, 255, 255, 255, 0, 0],
    ],
    [
      "16 (555)",
      bitmap(16, [
        [0x00, 0x7c, 0xe0, 0x03],
        [0x1f, 0x00, 0xff, 0x7f],
      ]),
      FOUR,
    ],
    [
      "16 (565)",
      bitmap(
        16,
        [
          [0x00, 0xf8, 0xe0, 0x07],
          [0x1f, 0x00, 0xff, 0xff],
        ],
        { masks: [0xf800, 0x07e0, 0x001f] },
      ),
      FOUR,
    ],
  ];
  for (const [name, file, rgb] of files) expect([...decodeBmp(file).rgb], name).toEqual(rgb);
  for (const cut of [0, 10, 30, 53, 60])
    expect(() => decodeBmp(bitmap(24, [[0]]).subarray(0, cut))).toThrow();
  const huge = bitmap(24, []);
  huge.writeInt32LE(200_000_000, 18);
  expect(() => decodeBmp(huge)).toThrow("200000000");
});

test("what is looked at now is drawn before what scrolled away, and what nobody waits for is not drawn", async () => {
  const lanes = createLanes(1);
  const order: string[] = [];
  let free = (): void => undefined;
  const first = lanes.run(
    () => new Promise<void>((resolve) => (free = resolve)),
    new AbortController().signal,
  );
  const left = new AbortController();
  const draw = (name: string, signal = new AbortController().signal): Promise<unknown> =>
    lanes.run(async () => void order.push(name), signal);
  const others = [draw("early"), draw("left", left.signal), draw("late")];
  left.abort();
  free();
  await Promise.all([first, ...others]);
  expect(order).toEqual(["late", "early"]);
  expect(await others[1]).toBeNull();
});

test("previews in memory stay within their bound, what was not looked at for longest goes first", () => {
  const cache = createPictureCache(100);
  const picture = (bytes: number) => ({ type: "image/webp", bytes: new Uint8Array(bytes) });
  for (const key of ["a", "b", "c", "d"]) cache.put(key, picture(25));
  cache.get("a");
  cache.put("e", picture(25));
  expect(["a", "b", "c", "d", "e"].filter((key) => cache.get(key) !== null)).toEqual(["a", "c", "d", "e"]);
  cache.put("too large", picture(80));
  expect([cache.bytes, cache.get("too large")]).toEqual([100, null]);
  cache.put("a", picture(5));
  expect(cache.bytes).toBe(80);
});
