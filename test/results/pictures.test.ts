import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { decodePicture } from "../../electron/engine/results/picture.ts";
import { readAnswer } from "../../electron/engine/results/answer.ts";
import { bytesOf, fixture, readOne, request } from "./support/fixtures.ts";

async function picture(format: "jpeg" | "png" | "webp" | "tiff"): Promise<Buffer> {
  const pixels = Buffer.from(Array.from({ length: 16 * 12 * 3 }, (_, i) => (i * 7919) % 256));
  return sharp(pixels, { raw: { width: 16, height: 12, channels: 3 } })
    .toFormat(format)
    .toBuffer();
}

/** 1 × 1 pixel, 24 bits. */
const bitmap = Buffer.from(
  "424d3a000000000000003600000028000000010000000100000001001800000000000400000000000000000000000000000000000000ff000000",
  "hex",
);

describe("a picture in base64", () => {
  test.each([
    ["jpeg", "jpg"],
    ["png", "png"],
    ["webp", "webp"],
    ["tiff", "tif"],
  ] as const)("%s is known by its first bytes, and every byte is kept", async (format, extension) => {
    const bytes = await picture(format);
    const found = decodePicture(bytes.toString("base64"));
    expect(found?.extension).toBe(extension);
    expect(Buffer.from(found!.bytes).equals(bytes)).toBe(true);
  });

  test("a bitmap is known by its header, not by two letters", () => {
    expect(decodePicture(bitmap.toString("base64"))?.extension).toBe("bmp");
    expect(decodePicture(Buffer.from(`BM${"x".repeat(300)}`).toString("base64"))).toBeNull();
  });

  test("line breaks, missing padding and a data URI's head do not matter", async () => {
    const bytes = await picture("jpeg");
    const text = bytes.toString("base64");
    const forms = [
      text.replace(/.{76}/g, "$&\r\n"),
      text.replace(/=+$/, ""),
      `data:image/jpeg;base64,${text}`,
      bytes.toString("base64url"),
    ];
    for (const form of forms) expect(Buffer.from(decodePicture(form)!.bytes).equals(bytes)).toBe(true);
  });

  test("a text that only begins like a picture is not touched", async () => {
    const text = (await picture("png")).toString("base64");
    for (const other of [
      `${text}, and more`,
      `${text.slice(0, 40)}!${text.slice(40)}`,
      `${text.slice(0, 40)}=${text.slice(40)}`,
    ]) {
      expect(decodePicture(other)).toBeNull();
      expect(readOne({ DATA_DICT: { note: other } }).raw).toEqual({ DATA_DICT: { note: other } });
    }
  });
});

describe("a picture's file", () => {
  const jpeg = fixture("image").image as string;

  function suffixes(items: unknown[], taskName: string): string[] {
    const answer = readAnswer(bytesOf(items), [request(taskName, 0, null)]);
    if (!answer.ok) throw new Error(answer.failure.what);
    return answer.value.flatMap((output) => output.pictures.map((found) => found.suffix));
  }

  test("never has two of one name in an answer, not even in another case", () => {
    const found = suffixes(
      [{ DATA_DICT: { "a b": jpeg, "a?b": jpeg, "A b": jpeg, a: { b: jpeg }, "a.b": jpeg } }],
      "T",
    );
    expect(found).toEqual([
      ".T-0.0.a_b.jpg",
      ".T-0.0.a_b-2.jpg",
      ".T-0.0.A_b-3.jpg",
      ".T-0.0.a.b.jpg",
      ".T-0.0.a.b-2.jpg",
    ]);
  });

  test.each([
    ["../../etc/passwd", "._etc_passwd"],
    ["..\\..\\x", "._.._x"],
    ["con", "_con"],
    ["aux.task", "_aux.task"],
    ["a:b|c", "a_b_c"],
    ["", "_"],
    ["...", "_"],
    ["öl", "_l"],
  ])("of a task named %j holds only letters, digits, dots, dashes and underscores", (taskName) => {
    const [suffix = ""] = suffixes([{ image: jpeg }], taskName);
    expect(suffix).toMatch(/^\.[A-Za-z0-9_-][A-Za-z0-9._-]*-0\.0\.jpg$/);
    expect(suffix).not.toContain("..");
  });

  test("has a bounded name, and long names that differ stay apart", () => {
    const long = "k".repeat(5000);
    const found = suffixes([{ DATA_DICT: { [`${long}1`]: jpeg, [`${long}2`]: jpeg } }], "t".repeat(5000));
    expect(new Set(found).size).toBe(2);
    for (const suffix of found) expect(suffix.length).toBeLessThanOrEqual(100);
  });

  test("is made for pictures anywhere in the tree, but short texts elsewhere are left alone", () => {
    const short = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]).toString("base64");
    const read = readOne({
      JSON: { pages: [[{ scan: jpeg }]], token: short, image: short, images: [short] },
    });
    expect(read.pictures.map(({ suffix }) => suffix)).toEqual([
      ".infer-0.1.pages-0-0.scan.jpg",
      ".infer-0.1.image.jpg",
      ".infer-0.1.images-0.jpg",
    ]);
  });
});
