import { mkdtemp, open, rm, truncate, writeFile, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ImageFailure } from "../../electron/contract/failure.ts";
import type { Result } from "../../electron/contract/result.ts";
import { createReader } from "../../electron/engine/intake/formats/reader.ts";
import { inspectPicture, type Picture } from "../../electron/engine/intake/picture.ts";
import { largeJpeg, samplePictures, SAMPLE_SIZE, type SamplePicture } from "./sample-pictures.ts";

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
    return await inspectPicture(createReader(handle, Buffer.byteLength(content)));
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

function sample(name: string): Buffer {
  const found = samples.find((one) => one.name === name);
  if (found === undefined) throw new Error(`expected a sample named ${name}`);
  return found.bytes;
}

/** The JPEG with a block of EXIF in front that holds a complete small JPEG, as cameras write it. */
function withThumbnail(jpeg: Buffer): Buffer {
  const block = Buffer.concat([
    Buffer.from("Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0", "latin1"),
    sample("grey JPEG"),
  ]);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(block.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, block, jpeg.subarray(2)]);
}

describe("data behind the end of a picture", () => {
  it("is the camera's affair: notes, padding, another picture, a clip of any length", async () => {
    const jpeg = await largeJpeg();
    const clip = Buffer.alloc(400_000, "moov");
    const tails = [
      Buffer.from("\n"),
      Buffer.alloc(4096),
      sample("baseline JPEG"),
      Buffer.concat([jpeg, jpeg]),
      clip,
    ];
    for (const tail of tails) {
      for (const name of [
        "baseline JPEG",
        "progressive JPEG",
        "PNG",
        "lossy WebP",
        "24-bit BMP",
        "LZW TIFF",
      ]) {
        expect([name, found(await inspect(Buffer.concat([sample(name), tail])))[0]]).toEqual([name, "c"]);
      }
      expect(found(await inspect(Buffer.concat([jpeg, tail])))).toBe("complete JPEG");
    }
  });

  it("does not hide that the picture itself is cut", async () => {
    const jpeg = await largeJpeg();
    const notes = Buffer.alloc(100_000, "notes");
    expect(found(await inspect(Buffer.concat([jpeg.subarray(0, -2), notes])))).toBe("truncated");
    expect(found(await inspect(Buffer.concat([sample("PNG").subarray(0, -12), notes])))).not.toBe(
      "complete PNG",
    );
  });
});

describe("a JPEG", () => {
  it("is not taken for complete because its thumbnail is", async () => {
    const whole = withThumbnail(sample("baseline JPEG"));
    expect(found(await inspect(whole))).toBe("complete JPEG");
    for (const at of [whole.length - 1, whole.length - 2, whole.length - 500]) {
      expect(found(await inspect(whole.subarray(0, at)))).toBe("truncated");
    }
  });

  it("may have an end mark that lies across two reads", async () => {
    const jpeg = sample("baseline JPEG");
    const scan = jpeg.indexOf(Buffer.from([0xff, 0xda]));
    const header = jpeg.subarray(0, scan + 2 + jpeg.readUInt16BE(scan + 2));
    const notes = Buffer.alloc(100_000, "notes");
    for (let shift = -4; shift <= 4; shift += 1) {
      const coded = Buffer.alloc(256 * 1024 + shift, 0x11);
      const whole = Buffer.concat([header, coded, Buffer.from([0xff, 0xd9]), notes]);
      expect([shift, found(await inspect(whole))]).toEqual([shift, "complete JPEG"]);
    }
  });

  it("may have fill bytes before its markers", async () => {
    const jpeg = sample("baseline JPEG");
    const filled = Buffer.concat([jpeg.subarray(0, 2), Buffer.alloc(100, 0xff), jpeg.subarray(2)]);
    expect(found(await inspect(filled))).toBe("complete JPEG");
  });
});

describe("a file whose room was reserved before it was filled", () => {
  it("is recognised in the formats that mark their end", async () => {
    for (const name of ["baseline JPEG", "progressive JPEG", "PNG", "interlaced PNG"]) {
      const bytes = Buffer.from(sample(name));
      for (const part of [0.3, 0.6, 0.9]) {
        const written = Buffer.from(bytes).fill(0, Math.floor(bytes.length * part));
        expect([name, part, found(await inspect(written))]).toEqual([name, part, "truncated"]);
      }
    }
    expect(found(await inspect(Buffer.alloc(5000)))).toBe("nothing but zeros");
  });

  it("is recognised where the writer fills in the header last", async () => {
    const tiff = Buffer.from(sample("LZW TIFF")).fill(0, 4, 8);
    const webp = Buffer.from(sample("lossy WebP")).fill(0, 4, 8);
    expect(found(await inspect(tiff))).toBe("truncated");
    expect(found(await inspect(webp))).toBe("truncated");
  });
});

describe("a file that is no picture we know", () => {
  const box = (brand: string): string => `\0\0\0\x18ftyp${brand}\0\0\0\0mif1`;
  it.each([
    ["a GIF", "GIF89a\x01\0\x01\0"],
    ["HEIC/HEIF", box("heic")],
    ["HEIC/HEIF", box("mif1")],
    ["AVIF", box("avif")],
    ["a video", box("isom")],
    ["a camera raw file", box("crx ")],
    ["a camera raw file", "II*\0\x10\0\0\0CR\x02\0"],
    ["a PDF", "%PDF-1.7\n"],
    ["a Photoshop file", "8BPS\0\x01"],
    ["JPEG 2000", "\0\0\0\x0cjP  \r\n\x87\n"],
    ["JPEG XL", "\xff\x0a\0\0"],
    ["an archive", "PK\x03\x04zip"],
    ["a video", "RIFF\x10\0\0\0AVI LIST"],
    ["a DICOM file", `${"\0".repeat(128)}DICM`],
    ["an HTML page", "\n<!DOCTYPE html><title>Sign in</title>"],
    ["an HTML page", "<HTML><body>"],
    ["an SVG drawing", '<?xml version="1.0"?>\n<svg xmlns="x"/>'],
    ["text", "version https://git-lfs.github.com/spec/v1\n"],
    ["text", "BMW is a car, and this is a sentence about it."],
    ["text", "x"],
    ["unknown data", "\x01\x02\x03\x04"],
    ["unknown data", "caf\xe9 au lait"],
  ])("is called %s", async (what, content) => {
    expect(await inspect(Buffer.from(content, "latin1"))).toEqual({
      ok: false,
      failure: { reason: "unsupported-format", found: what },
    });
  });

  it("is text in any language, also when the last letter is cut at the end of what is read", async () => {
    for (let shift = 0; shift < 4; shift += 1) {
      expect(found(await inspect(`${"a".repeat(shift)}${"\u{1f319}".repeat(300)}`))).toBe("text");
    }
  });

  it("may be empty", async () => {
    expect(await inspect("")).toEqual({ ok: false, failure: { reason: "empty-file" } });
  });

  it("may contradict its own format", async () => {
    const png = Buffer.from(sample("PNG"));
    png.writeUInt32BE(0, 16);
    const jpeg = Buffer.concat([
      sample("baseline JPEG").subarray(0, 2),
      Buffer.from("\xff\xe0\0\0", "latin1"),
    ]);
    const webp = Buffer.from(sample("lossy WebP"));
    webp.write("JUNK", 12);
    const bmp = Buffer.from(sample("24-bit BMP"));
    bmp.writeUInt16LE(23, 28);
    expect(await inspect(png)).toEqual({ ok: false, failure: { reason: "damaged", format: "PNG" } });
    expect(await inspect(jpeg)).toEqual({ ok: false, failure: { reason: "damaged", format: "JPEG" } });
    expect(await inspect(webp)).toEqual({ ok: false, failure: { reason: "damaged", format: "WebP" } });
    expect(await inspect(bmp)).toEqual({ ok: false, failure: { reason: "damaged", format: "BMP" } });
  });
});

describe("inspection", () => {
  it("answers for any bytes whatever, soon", async () => {
    const starts = [
      "",
      "\xff\xd8\xff",
      "\x89PNG\r\n\x1a\n",
      "II*\0",
      "MM\0*",
      "II+\0\x08\0\0\0",
      "RIFF",
      "BM",
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...starts),
        fc.uint8Array({ maxLength: 600 }),
        async (start, bytes) => {
          const result = await inspect(Buffer.concat([Buffer.from(start, "latin1"), bytes]));
          expect(typeof result.ok).toBe("boolean");
        },
      ),
      { numRuns: 500 },
    );
  });

  it("answers for pictures with any few bytes changed", async () => {
    const change = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.array(change, { minLength: 1, maxLength: 8 }), async (which, changes) => {
        const bytes = Buffer.from(samples[which % samples.length]!.bytes);
        // Mostly in the header, where it matters.
        for (const [place, value] of changes) bytes[Math.floor(place ** 3 * (bytes.length - 1))] = value;
        const result = await inspect(bytes);
        expect(typeof result.ok).toBe("boolean");
      }),
      { numRuns: 500 },
    );
  });

  it("does not follow a TIFF in circles or through endless tables", async () => {
    const loop = Buffer.from(sample("big-endian TIFF"));
    loop.writeUInt32BE(8, 10 + 10 * 12);
    expect(found(await inspect(loop))).toBe("complete TIFF");
    // A thousand pages that all point to one table of 900,000 strips.
    const greedy = Buffer.alloc(4_000_000);
    greedy.write("II*\0\x08\0\0\0", "latin1");
    for (let at = 8; at < 8 + 1000 * 18; at += 18) {
      greedy.writeUInt16LE(1, at);
      greedy.writeUInt16LE(273, at + 2);
      greedy.writeUInt16LE(4, at + 4);
      greedy.writeUInt32LE(900_000, at + 6);
      greedy.writeUInt32LE(60_000, at + 10);
      greedy.writeUInt32LE(at + 18, at + 14);
    }
    const started = performance.now();
    expect(found(await inspect(greedy))).not.toBe("complete TIFF");
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it("reads little of a large file", async () => {
    const jpeg = await largeJpeg();
    const file = join(folder, "large");
    await writeFile(
      file,
      Buffer.concat([jpeg.subarray(0, -2), Buffer.alloc(30_000_000, 0x11), jpeg.subarray(-2)]),
    );
    expect(await bytesRead(file, 30_000_000 + jpeg.length)).toBeLessThan(200_000);
    await writeFile(file, sample("24-bit BMP"));
    await truncate(file, 30_000_000);
    expect(await bytesRead(file, 30_000_000)).toBeLessThan(200_000);
  });

  it("tells the code of a read error", async () => {
    const failing = { read: () => Promise.reject(Object.assign(new Error("i/o"), { code: "EIO" })) };
    expect(await inspectPicture(createReader(failing as unknown as FileHandle, 100))).toEqual({
      ok: false,
      failure: { reason: "unreadable", code: "EIO" },
    });
  });
});

/** How many bytes an inspection asks of the disk. */
async function bytesRead(file: string, bytes: number): Promise<number> {
  const handle = await open(file);
  let total = 0;
  const counting = {
    read: async (buffer: Buffer, offset: number, length: number, position: number) => {
      total += length;
      return handle.read(buffer, offset, length, position);
    },
  };
  const result = await inspectPicture(createReader(counting as unknown as FileHandle, bytes));
  await handle.close();
  expect(result.ok).toBe(true);
  return total;
}

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
    const result = await inspectPicture(createReader(handle, at));
    const isCut = !result.ok && result.failure.reason === "truncated" && result.failure.format === format;
    if (!isCut) survivors.push(`${at} of ${content.length}: ${found(result)}`);
  }
  await handle.close();
  return survivors;
}
