import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exportImage, type ExportImage } from "../../electron/contract/export.ts";
import {
  CSV_COLUMNS,
  exportCsv,
  exportJsonl,
  type ExportText,
} from "../../electron/engine/results/export.ts";
import { fixture, readOne, temporaryFolder } from "./support/fixtures.ts";

function image(path: string, more: Partial<ExportImage> = {}): ExportImage {
  return {
    path,
    sha256: "ab".repeat(32),
    bytes: 1234,
    state: "done",
    reason: null,
    runId: "0b3f2c9e-0000-4000-8000-000000000001",
    runs: [
      {
        runId: null,
        state: "REJECTED",
        submittedAt: null,
        finishedAt: "2026-01-31T21:00:00.000Z",
        reason: "busy",
      },
      {
        runId: "0b3f2c9e-0000-4000-8000-000000000001",
        state: "DONE",
        submittedAt: "2026-01-31T22:00:00.000Z",
        finishedAt: "2026-01-31T22:00:04.000Z",
        reason: null,
      },
      { runId: "late", state: "LOST", submittedAt: null, finishedAt: null, reason: "result-lost" },
    ],
    outputs: [readOne(fixture("object-detection")).raw, readOne(fixture("text")).raw],
    files: [`${path}.json`],
    ...more,
  };
}

async function* batches(...all: ExportImage[][]): AsyncGenerator<ExportImage[]> {
  for (const batch of all) {
    await Promise.resolve();
    yield batch;
  }
}

/** The same as the store gives it for JSON lines. */
async function* asLines(rows: AsyncIterable<readonly ExportImage[]>): AsyncGenerator<ExportText> {
  for await (const images of rows)
    yield {
      text: images.map((one) => `${JSON.stringify(exportImage(one))}\n`).join(""),
      images: images.length,
    };
}

async function textOf(write: (out: Writable) => Promise<number>): Promise<{ text: string; count: number }> {
  const out = new PassThrough();
  const chunks: Buffer[] = [];
  out.on("data", (chunk: Buffer) => chunks.push(chunk));
  const count = await write(out);
  expect(out.writableEnded).toBe(false);
  out.end();
  await once(out, "end");
  return { text: Buffer.concat(chunks).toString("utf8"), count };
}

async function csvRows(...images: ExportImage[]): Promise<string[][]> {
  const { text } = await textOf((out) => exportCsv(batches(images), out));
  return parse(text);
}

describe("the JSON lines", () => {
  test("are one object an image, with the promised keys in the promised order", async () => {
    const shuffled = Object.fromEntries(Object.entries(image("a.jpg")).reverse()) as unknown as ExportImage;
    const { text, count } = await textOf((out) =>
      exportJsonl(asLines(batches([shuffled], [], [image("b.jpg")])), out),
    );
    expect(count).toBe(2);
    const lines = text.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    const first = JSON.parse(lines[0]!) as ExportImage;
    expect(first).toEqual(image("a.jpg"));
    expect(Object.keys(first)).toEqual("path,sha256,bytes,state,reason,runId,runs,outputs,files".split(","));
    expect(Object.keys(first.runs[0]!)).toEqual("runId,state,submittedAt,finishedAt,reason".split(","));
  });

  test("stay one line each, whatever is in a name", async () => {
    const path = 'new\nline "quoted" \u2028.jpg';
    const { text } = await textOf((out) => exportJsonl(asLines(batches([image(path)])), out));
    expect(text.split("\n")).toHaveLength(2);
    expect((JSON.parse(text) as ExportImage).path).toBe(path);
  });
});

describe("the table", () => {
  test("has a head and one line an image, with numbers as numbers", async () => {
    const { text, count } = await textOf((out) =>
      exportCsv(batches([image("a.jpg")], [image("b, c.jpg")]), out),
    );
    expect(count).toBe(2);
    const [head, first, second] = parse(text);
    expect(head).toEqual([...CSV_COLUMNS]);
    expect(Object.fromEntries(CSV_COLUMNS.map((column, i) => [column, first![i]]))).toEqual({
      path: "a.jpg",
      sha256: "ab".repeat(32),
      bytes: "1234",
      state: "done",
      reason: "",
      runId: "0b3f2c9e-0000-4000-8000-000000000001",
      submittedAt: "2026-01-31T22:00:00.000Z",
      finishedAt: "2026-01-31T22:00:04.000Z",
      outputs: "2 person, 1 dog; HELLO big WORLD",
      labels: "2 person, 1 dog",
      objects: "3",
      runs: "3",
      files: "a.jpg.json",
    });
    expect(second![0]).toBe("b, c.jpg");
    expect(text).toContain('"b, c.jpg"');
    expect(text.split("\r\n")[1]).toMatch(/,1234,"done",,/);
    expect(text.endsWith("\r\n")).toBe(true);
  });

  test("adds up the labels of several outputs, most frequent first", async () => {
    const outputs = [fixture("object-detection"), fixture("instance-segmentation"), fixture("keypoints")];
    const [, row] = await csvRows(image("a.jpg", { outputs }));
    expect(row![CSV_COLUMNS.indexOf("labels")]).toBe("5 person, 1 dog, 1 ring");
    expect(row![CSV_COLUMNS.indexOf("objects")]).toBe("7");
  });

  test("shows an image without a result as empty cells", async () => {
    const waiting = image("a.jpg", {
      sha256: null,
      bytes: null,
      state: "waiting",
      runId: null,
      runs: [],
      outputs: [],
      files: [],
    });
    const [, row] = await csvRows(waiting);
    expect(row).toEqual(["a.jpg", "", "", "waiting", "", "", "", "", "", "", "0", "0", ""]);
  });

  test("holds no cell that a spreadsheet would run, not even a file name", async () => {
    const starts = [
      "=cmd|' /C calc'!A0",
      "+1",
      "-1.jpg",
      "@SUM(A1)",
      "\tx",
      "\rx",
      "\nx",
      "\uFF1Dx",
      "\uFF0Bx",
      "\uFF0Dx",
      "\uFF20x",
    ];
    for (const start of starts) {
      const evil = image(start, {
        runId: start,
        files: [start],
        outputs: [{ TEXT_STREAM: { text: start } }],
      });
      const [, row] = await csvRows(evil);
      expect(row![0]).toBe(`'${start}`);
      for (const cell of row!) expect(cell).not.toMatch(/^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/u);
    }
  });

  test("can be read back by any CSV reader, for any text in it (10000 rows)", async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "=",
        "+",
        "-",
        "@",
        "\t",
        "\r",
        "\n",
        '"',
        ",",
        ";",
        "'",
        "\r\n",
        "\uFEFF",
        "\0",
        "é",
        "💥",
      ),
      fc.string({ maxLength: 6 }),
    );
    const text = fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(""));
    const row = fc.record({ path: text, label: text, bytes: fc.nat() }).map(({ path, label, bytes }) => {
      const detections = [{ box: { x: 0, y: 0, width: 1, height: 1 }, confidence: 1, label }];
      return image(path, { bytes, outputs: [{ OBJECT_DETECTION: { detections } }] });
    });
    const images = fc.sample(row, 10_000);
    const { text: csv } = await textOf((out) => exportCsv(batches(images), out));
    const rows = parse(csv, { bom: false }).slice(1);
    expect(rows).toHaveLength(images.length);
    for (const [i, cells] of rows.entries()) {
      expect(cells).toHaveLength(CSV_COLUMNS.length);
      expect(cells[0]!.replace(/^'/, "")).toBe(images[i]!.path.replace(/^'/, ""));
      expect(cells[2]).toBe(String(images[i]!.bytes));
      for (const cell of cells) expect(cell).not.toMatch(/^[=+\-@\t\r\n]/);
    }
  });
});

describe("an export to somewhere slow, broken or gone", () => {
  test("asks for the next batch only when the last one was taken", async () => {
    const taken: string[] = [];
    const waiting: (() => void)[] = [];
    const slow = new Writable({
      highWaterMark: 1,
      write(_chunk, _encoding, done) {
        waiting.push(done);
      },
    });
    async function* rows(): AsyncGenerator<ExportImage[]> {
      for (const path of ["1", "2", "3"]) {
        taken.push(path);
        yield [image(path)];
      }
    }
    const done = exportJsonl(asLines(rows()), slow);
    for (const expected of [["1"], ["1", "2"], ["1", "2", "3"]]) {
      // Turns of the event loop, not time: an export that ran ahead would have done so by then.
      for (let i = 0; i < 50; i += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(taken).toEqual(expected);
      waiting.shift()?.();
    }
    expect(await done).toBe(3);
  });

  test("stops without an error when the reader goes away, and closes its source", async () => {
    const reader = spawn(process.execPath, ["-e", 'process.stdin.once("data", () => process.exit(0))'], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    let isClosed = false;
    async function* endless(): AsyncGenerator<ExportImage[]> {
      try {
        for (;;) yield Array.from({ length: 100 }, () => image("a.jpg"));
      } finally {
        isClosed = true;
      }
    }
    const count = await exportJsonl(asLines(endless()), reader.stdin);
    expect(count).toBeGreaterThan(0);
    expect(isClosed).toBe(true);
  });

  test("stops without an error when the stream was closed before", async () => {
    const out = new PassThrough();
    out.destroy();
    expect(await exportCsv(batches([image("a.jpg")]), out)).toBe(0);
  });

  test("fails when the disk does", async () => {
    const out = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error("no space left"), { code: "ENOSPC" }));
      },
    });
    await expect(exportJsonl(asLines(batches([image("a.jpg")], [image("b.jpg")])), out)).rejects.toThrow(
      "no space left",
    );
  });

  test("fails when the source does, and leaves the stream open", async () => {
    const out = new PassThrough();
    async function* broken(): AsyncGenerator<ExportImage[]> {
      yield [image("a.jpg")];
      throw new Error("database is gone");
    }
    await expect(exportJsonl(asLines(broken()), out.resume())).rejects.toThrow("database is gone");
    expect(out.destroyed).toBe(false);
  });

  test("leaves a file with every byte", async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, "out.jsonl");
    const out = createWriteStream(file);
    const many = Array.from({ length: 50 }, (_, b) =>
      Array.from({ length: 100 }, (_, i) => image(`${b}/${i}.jpg`)),
    );
    expect(await exportJsonl(asLines(batches(...many)), out)).toBe(5000);
    out.end();
    await once(out, "close");
    expect((await readFile(file, "utf8")).trimEnd().split("\n")).toHaveLength(5000);
  });
});
